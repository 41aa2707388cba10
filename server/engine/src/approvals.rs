//! Asking others: what waits for somebody's agreement, and what is done with it.
//!
//! Here the plan is made anew and the world looked at; whether it may be is judged in the store's transaction.

mod ask;
mod countdown;
mod decide;
mod going_on;
mod lapsed;
mod now;
mod policy;

pub use lapsed::Resumer;
pub use now::Now;
pub use policy::{PolicyChange, PolicyWish};

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use jiff::Timestamp;
use model::approval::{Request, RequestEvent, Subject, VoidCode};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::RequestId;
use model::problem::Problem;

/// An entry that tells of a request: which one, for what, and what it is bound to.
#[must_use]
pub fn told_of(request: &Request, mut entry: AuditEntry) -> AuditEntry {
    entry.cluster = Some(request.cluster);
    entry.cluster_name = Some(request.cluster_name.clone());
    entry.reason = Some(request.reason.clone()).filter(|reason| !reason.is_empty());
    entry.details.insert("request".to_owned(), request.id.to_string());
    entry.details.insert("digest".to_owned(), request.subject.seen().digest.to_string());
    entry.details.insert("facts".to_owned(), request.subject.seen().facts.to_string());
    match &request.subject {
        Subject::Plan { plan, .. } => {
            entry.risk = Some(plan.risk);
            entry.details.insert("intent".to_owned(), plan.intent.word().to_owned());
        }
        Subject::Policy { after, .. } => {
            entry.details.insert("policy".to_owned(), serde_json::to_string(after).unwrap_or_default());
        }
    }
    entry
}

/// The entry that says nothing can come of a request any more.
#[must_use]
pub fn told_void(request: &Request, why: VoidCode, at: Timestamp) -> AuditEntry {
    let system = Person::system();
    let mut entry = told_of(request, AuditEntry::new(at, AuditCode::ApprovalVoid, system.name, Outcome::Success));
    entry.details.insert("why".to_owned(), why.as_str().to_owned());
    entry
}

impl Engine {
    /// # Errors
    /// `NotFound`, or a failing store.
    pub async fn request(&self, id: RequestId) -> Result<Request, Problem> {
        self.store.request(id).await.map_err(|error| store_problem(&error))
    }

    /// An entry about a request.
    pub(crate) fn request_entry(
        &self,
        request: &Request,
        code: AuditCode,
        who: &Person,
        outcome: Outcome,
    ) -> AuditEntry {
        told_of(request, self.audit.entry(code, who, outcome))
    }

    /// Lets an event happen to a request, or writes down that it was refused.
    async fn settle_request(
        &self,
        who: &Person,
        request: &Request,
        event: &RequestEvent,
        entry: AuditEntry,
    ) -> Result<Request, Problem> {
        match self.store.decide(request.id, &who.name, event, self.clock.now(), entry).await {
            Ok(request) => Ok(request),
            Err(error) => {
                let problem = store_problem(&error);
                self.refuse_event(who, request, event, &problem).await?;
                Err(problem)
            }
        }
    }

    /// Refusals stand in the audit too.
    async fn refuse_event(
        &self,
        who: &Person,
        request: &Request,
        event: &RequestEvent,
        problem: &Problem,
    ) -> Result<(), Problem> {
        let mut entry = self.request_entry(request, AuditCode::ApprovalRefused, who, Outcome::Refused);
        entry.details.insert("why".to_owned(), event.word().to_owned());
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.audit.write(entry).await.map_err(|error| store_problem(&error))
    }

    /// Writes down which requests have run out of time; the gate itself goes by the time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn expire_requests(&self) -> Result<u32, Problem> {
        let now = self.clock.now();
        let open = self.store.requests(None, true, u32::MAX).await.map_err(|error| store_problem(&error))?;
        let mut count = 0;
        for request in open.iter().filter(|request| request.is_due(now)) {
            count += u32::from(self.expire(request, now).await?);
        }
        Ok(count)
    }

    /// False where somebody else did something about it in between.
    async fn expire(&self, request: &Request, now: Timestamp) -> Result<bool, Problem> {
        let system = Person::system();
        let entry = self.request_entry(request, AuditCode::ApprovalExpired, &system, Outcome::Success);
        match self.store.decide(request.id, &system.name, &RequestEvent::Expire, now, entry).await {
            Ok(_) => Ok(true),
            Err(crate::ports::StoreError::Refused { .. }) => Ok(false),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// Requests that have run out of time, clusters that have guests by now. Goes on for ever; who starts it ends it.
    pub async fn keep_agreements(&self) {
        let mut tick = tokio::time::interval(crate::limits::AGREEMENTS_PAUSE);
        loop {
            tick.tick().await;
            for result in [self.expire_requests().await, self.protect_clusters_with_guests().await] {
                if let Err(problem) = result {
                    tracing::warn!(
                        problem.code = problem.code.as_str(),
                        "requests and policies were not looked through"
                    );
                }
            }
        }
    }
}
