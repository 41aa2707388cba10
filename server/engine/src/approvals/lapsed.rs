//! An agreement is good for some minutes, and as long as it is enough: what rests on one that is older begins nothing by it any
//! more, and neither does what stood while the policy became stricter, or while who agreed lost their role or their account.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::RESUMES_MAX;
use crate::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use model::approval::{Agreed, RequestState, USABLE_MIN, same_person};
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::clock;
use model::ids::{ClusterId, OperationId};
use model::lowering;
use model::operation::{Operation, OperationState};
use model::policy::{Agreement, Ruling, Shown, SignInDemand};
use model::problem::{Problem, ProblemCode};
use model::role::Role;

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
    /// Somebody had agreed, longer ago than that is good for; otherwise nobody's word is enough by now.
    is_old: bool,
}

/// Somebody's word for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    by: String,
    at: Timestamp,
    /// The lowest role whose word counts for this by now.
    least: Role,
}

impl Lapse {
    pub(crate) fn problem(&self) -> Problem {
        let code = if self.is_old { ProblemCode::AgreementOld } else { ProblemCode::PolicyStricter };
        let problem = Problem::new(code).with("by", &self.by).with("needed", self.needed.role().as_str());
        if self.is_old { problem.with("minutes", USABLE_MIN) } else { problem }
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
    /// Why an operation begins nothing more: nobody has agreed to it lately enough whose word is enough for what the policy asks
    /// now. That is judged as the gate does, by the role that they have now.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn lapsed(&self, id: OperationId) -> Result<Option<Lapse>, StoreError> {
        let operation = self.store.operation(id).await?;
        let ruling = self.ruling_now(&operation).await?;
        let asked = ruling.map_or(Agreement::Nobody, |ruling| ruling.agreement);
        let (by, needed, used) = match self.store.request_behind(id).await? {
            Some(request) => {
                let RequestState::Used { at, agreed, .. } = request.state else { return Ok(None) };
                let used = match agreed {
                    Agreed::By { by, .. } => Given { by, at, least: asked.role() },
                    // In front of everybody, in the place of any agreement.
                    Agreed::Alone { .. } => Given { by: request.requested_by.clone(), at, least: Role::Approver },
                };
                (request.requested_by, request.agreement.max(asked), Some(used))
            }
            None => (operation.proposed_by, asked, None),
        };
        if needed == Agreement::Nobody {
            return Ok(None);
        }
        let mut given = self.agreed_anew(id, asked.role()).await?;
        given.extend(used);
        let (now, good_for) = (self.clock.now(), SignedDuration::from_mins(USABLE_MIN));
        let was_agreed = !given.is_empty();
        given.retain(|one| clock::is_within(one.at, now, good_for));
        for one in &given {
            // With a cluster that is forgotten roles are gone too: of what is through already nobody asks whose word it was.
            if ruling.is_none() || self.may_still_agree(one, operation.cluster).await? {
                return Ok(None);
            }
        }
        Ok(Some(Lapse { by, needed, is_old: was_agreed && given.is_empty() }))
    }

    /// What the policy asks for an operation now; `None` where its cluster is forgotten, as a withdrawal that is through does.
    async fn ruling_now(&self, operation: &Operation) -> Result<Option<Ruling>, StoreError> {
        match self.store.policy(operation.cluster).await {
            Ok(policy) => Ok(Some(policy.rule(operation.plan.intent.word(), operation.plan.risk))),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether they have the account and the role still.
    async fn may_still_agree(&self, given: &Given, cluster: ClusterId) -> Result<bool, StoreError> {
        match self.store.user_by_name(&given.by).await {
            Ok(user) => Ok(!user.disabled && user.access.on(cluster) >= given.least),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Who has agreed to it by going on with it.
    async fn agreed_anew(&self, id: OperationId, least: Role) -> Result<Vec<Given>, StoreError> {
        let code = Some(AuditCode::OperationResumed);
        let resumed = AuditFilter { operation: Some(id), code, ..AuditFilter::default() };
        let entries = self.store.find(&resumed, RESUMES_MAX).await?.entries;
        let anew = lowering::agreed_anew(&entries).into_iter();
        Ok(anew.map(|agreed| Given { by: agreed.by, at: agreed.at, least }).collect())
    }

    /// Goes on with an operation that waits. Where the agreement to it is too old or missing, going on means to agree, which
    /// whoever asked for it cannot. Whoever goes on with somebody else's shows what the policy wants of who begins it.
    ///
    /// # Errors
    /// `AgreementOld`, `PolicyStricter`, `ConsentMissing`, or that it does not wait.
    pub async fn resume_by(&self, who: &Person, by: Resumer, id: OperationId) -> Result<(), Problem> {
        let operation = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
        if !waits(&operation.state) {
            // Nothing was refused that could have been, and entries of what is over are nobody's to add to.
            return Err(ProblemCode::OperationOver.into());
        }
        let lapsed = self.lapsed(id).await.map_err(|error| store_problem(&error))?;
        if let Some(problem) = lapsed.as_ref().and_then(|lapse| lapse.may_be_ended(who, by).err()) {
            // A question for the password is no refusal: they are asked, and come again.
            if matches!(problem.code, ProblemCode::AgreementOld | ProblemCode::PolicyStricter) {
                self.write_refusal(who, &operation, &problem).await?;
            }
            return Err(problem);
        }
        if lapsed.is_none() {
            self.check_sign_in(who, by.shown, &operation).await?;
        }
        self.go_on(who, id, lapsed.is_some()).await
    }

    async fn check_sign_in(&self, who: &Person, shown: Shown, operation: &Operation) -> Result<(), Problem> {
        if same_person(&operation.proposed_by, &who.name) {
            return Ok(());
        }
        let ruling = self.ruling_now(operation).await.map_err(|error| store_problem(&error))?;
        let missing = ruling.and_then(|ruling| ruling.sign_in().unmet(shown));
        missing.map_or(Ok(()), |missing| Err(missing.into()))
    }

    /// That somebody tried to go on by what is too old for it.
    async fn write_refusal(&self, who: &Person, operation: &Operation, problem: &Problem) -> Result<(), Problem> {
        let mut entry = self.operation_entry(operation, AuditCode::PlanRefused, who, Outcome::Refused).await;
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.audit.write(entry).await.map_err(|error| store_problem(&error))
    }
}

/// It stands, or will at its next step, so that somebody can go on with it.
const fn waits(state: &OperationState) -> bool {
    matches!(state, OperationState::Parked { .. } | OperationState::Paused { .. } | OperationState::Pausing { .. })
}
