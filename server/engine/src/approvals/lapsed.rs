//! An agreement is good for some minutes. What rests on one and stands longer than that begins nothing by it any more.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::RESUMES_MAX;
use crate::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use model::approval::{Request, RequestState, USABLE_MIN};
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::ids::OperationId;
use model::policy::{Shown, SignInDemand};
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

impl Engine {
    /// The request that an operation rests on, where the agreement to it is too old to begin anything by it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn lapsed(&self, id: OperationId) -> Result<Option<Request>, StoreError> {
        let Some(request) = self.store.request_behind(id).await? else { return Ok(None) };
        let RequestState::Used { at, .. } = &request.state else { return Ok(None) };
        let agreed = self.agreed_anew(id).await?.map_or(*at, |anew| anew.max(*at));
        let over = agreed.checked_add(SignedDuration::from_mins(USABLE_MIN)).unwrap_or(Timestamp::MAX);
        Ok((self.clock.now() >= over).then_some(request))
    }

    /// When somebody last agreed to it by going on with it.
    async fn agreed_anew(&self, id: OperationId) -> Result<Option<Timestamp>, StoreError> {
        let code = Some(AuditCode::OperationResumed);
        let resumed = AuditFilter { operation: Some(id), code, ..AuditFilter::default() };
        let entries = self.store.find(&resumed, RESUMES_MAX).await?.entries;
        let anew = entries.iter().filter(|one| one.entry.details.get(DETAIL_AGREED).is_some_and(|word| word == ANEW));
        Ok(anew.map(|one| one.entry.at).max())
    }

    /// Whether this person may agree anew by going on with it: somebody else, with the role that the plan needed, who has
    /// signed in a moment ago.
    ///
    /// # Errors
    /// `AgreementOld`, or `ConsentMissing` for what they have not shown.
    pub(crate) fn may_agree_anew(request: &Request, who: &Person, by: Resumer) -> Result<(), Problem> {
        if request.is_of(&who.name) || by.role < request.agreement.role() {
            return Err(agreement_old(request));
        }
        SignInDemand::WHOLE.unmet(by.shown).map_or(Ok(()), |missing| Err(missing.into()))
    }

    /// Goes on with an operation that waits. Where the agreement to it is too old, going on means to agree anew, which whoever
    /// asked for it cannot.
    ///
    /// # Errors
    /// `AgreementOld`, `ConsentMissing`, or that it does not wait.
    pub async fn resume_by(&self, who: &Person, by: Resumer, id: OperationId) -> Result<(), Problem> {
        let lapsed = self.lapsed(id).await.map_err(|error| store_problem(&error))?;
        if let Some(problem) = lapsed.as_ref().and_then(|request| Self::may_agree_anew(request, who, by).err()) {
            // A question for the password is no refusal: they are asked, and come again.
            if problem.code == ProblemCode::AgreementOld {
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

/// Who asked for it, how long an agreement is good for, and the role that has to agree.
pub(crate) fn agreement_old(request: &Request) -> Problem {
    Problem::new(ProblemCode::AgreementOld)
        .with("by", &request.requested_by)
        .with("minutes", USABLE_MIN)
        .with("needed", request.agreement.role().as_str())
}
