//! An agreement is good for some minutes. What rests on one and stands longer than that begins nothing by it any more, and
//! neither does what began without one and stood while the policy became stricter.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::RESUMES_MAX;
use crate::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use model::approval::{RequestState, USABLE_MIN, same_person};
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::ids::OperationId;
use model::policy::{Agreement, Shown, SignInDemand};
use model::problem::{Problem, ProblemCode};
use model::role::Role;

/// Of the entry that somebody went on with an operation: that they agreed to it by that.
pub(crate) const DETAIL_AGREED: &str = "agreed";
/// What stands there.
pub(crate) const ANEW: &str = "anew";

/// Who goes on with an operation that stands.
#[derive(Debug, Clone, Copy)]
pub struct Resumer {
    /// On the operation's cluster.
    pub role: Role,
    pub shown: Shown,
}

/// What an operation rests on is not enough any more to begin anything by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lapse {
    /// Who asked for it, and never agrees.
    by: String,
    /// What it needs: the stricter of what it was agreed to by, and of what the policy asks for now.
    needed: Agreement,
    /// Somebody had agreed; otherwise it began when the policy asked nobody.
    was_agreed: bool,
}

impl Lapse {
    pub(crate) fn problem(&self) -> Problem {
        let code = if self.was_agreed { ProblemCode::AgreementOld } else { ProblemCode::PolicyStricter };
        let problem = Problem::new(code).with("by", &self.by).with("needed", self.needed.role().as_str());
        if self.was_agreed { problem.with("minutes", USABLE_MIN) } else { problem }
    }

    /// Whether this person may agree anew by going on with it: somebody else, with the role that it needs, who has signed in a
    /// moment ago.
    ///
    /// # Errors
    /// `AgreementOld` or `PolicyStricter`, or `ConsentMissing` for what they have not shown.
    fn may_be_ended(&self, who: &Person, by: Resumer) -> Result<(), Problem> {
        if same_person(&self.by, &who.name) || by.role < self.needed.role() {
            return Err(self.problem());
        }
        SignInDemand::WHOLE.unmet(by.shown).map_or(Ok(()), |missing| Err(missing.into()))
    }
}

impl Engine {
    /// Why an operation begins nothing more: the agreement to it is too old, or it began without one and by now the policy
    /// asks for one.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn lapsed(&self, id: OperationId) -> Result<Option<Lapse>, StoreError> {
        let operation = self.store.operation(id).await?;
        let asked = match self.store.policy(operation.cluster).await {
            Ok(policy) => policy.rule(operation.plan.intent.word(), operation.plan.risk).agreement,
            // A withdrawal that is through has forgotten its cluster.
            Err(StoreError::NotFound { .. }) => Agreement::Nobody,
            Err(error) => return Err(error),
        };
        let (by, needed, used) = match self.store.request_behind(id).await? {
            Some(request) => {
                let RequestState::Used { at, .. } = request.state else { return Ok(None) };
                (request.requested_by, request.agreement.max(asked), Some(at))
            }
            None => (operation.proposed_by, asked, None),
        };
        if needed == Agreement::Nobody {
            return Ok(None);
        }
        let agreed = self.agreed_anew(id).await?.max(used);
        let is_good = |since: Timestamp| {
            let over = since.checked_add(SignedDuration::from_mins(USABLE_MIN)).unwrap_or(Timestamp::MAX);
            self.clock.now() < over
        };
        let good = agreed.is_some_and(is_good);
        Ok((!good).then_some(Lapse { by, needed, was_agreed: used.is_some() }))
    }

    /// When somebody last agreed to it by going on with it.
    async fn agreed_anew(&self, id: OperationId) -> Result<Option<Timestamp>, StoreError> {
        let code = Some(AuditCode::OperationResumed);
        let resumed = AuditFilter { operation: Some(id), code, ..AuditFilter::default() };
        let entries = self.store.find(&resumed, RESUMES_MAX).await?.entries;
        let anew = entries.iter().filter(|one| one.entry.details.get(DETAIL_AGREED).is_some_and(|word| word == ANEW));
        Ok(anew.map(|one| one.entry.at).max())
    }

    /// Goes on with an operation that waits. Where the agreement to it is too old or missing, going on means to agree, which
    /// whoever asked for it cannot.
    ///
    /// # Errors
    /// `AgreementOld`, `PolicyStricter`, `ConsentMissing`, or that it does not wait.
    pub async fn resume_by(&self, who: &Person, by: Resumer, id: OperationId) -> Result<(), Problem> {
        let lapsed = self.lapsed(id).await.map_err(|error| store_problem(&error))?;
        if let Some(problem) = lapsed.as_ref().and_then(|lapse| lapse.may_be_ended(who, by).err()) {
            // A question for the password is no refusal: they are asked, and come again.
            if matches!(problem.code, ProblemCode::AgreementOld | ProblemCode::PolicyStricter) {
                self.write_refusal(who, id, &problem).await?;
            }
            return Err(problem);
        }
        self.go_on(who, id, lapsed.is_some()).await
    }

    /// That somebody tried to go on by what is too old for it.
    async fn write_refusal(&self, who: &Person, id: OperationId, problem: &Problem) -> Result<(), Problem> {
        let operation = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.operation_entry(&operation, AuditCode::PlanRefused, who, Outcome::Refused);
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.audit.write(entry).await.map_err(|error| store_problem(&error))
    }
}
