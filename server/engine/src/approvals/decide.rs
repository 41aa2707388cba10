//! Yes, no, never mind, and go.

use super::ask::is_left_out;
use super::now::voids;
use super::told_void;
use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::execute;
use crate::overtake::Wanted;
use crate::ports::StoreError;
use crate::propose::{Proposal, unmet};
use model::approval::{COMMENT_MAX_CHARS, Refused, Request, RequestEvent, RequestState, Seen, Subject, VoidCode};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{OperationId, RequestId};
use model::operation::Operation;
use model::policy::{Consent, Shown, SignInDemand};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Agrees to what somebody else asks for, after the plan has been made anew. A changed policy is in force at once.
    ///
    /// # Errors
    /// What `model::approval::Refused` says, `FactsUnknown`, or why there can be no such plan now. Where what it rests on
    /// has changed the request is void.
    pub async fn approve(
        &self,
        who: &Person,
        id: RequestId,
        comment: &str,
        shown: impl Into<Shown>,
    ) -> Result<(), Problem> {
        check_comment(comment)?;
        let shown = shown.into();
        let request = self.request(id).await?;
        let event = |seen| RequestEvent::Approve { seen, comment: comment.to_owned() };
        let own = request.is_of(&who.name);
        if !own && let Some(missing) = self.wants_sign_in(&request).await?.unmet(shown) {
            let problem = unmet(missing);
            let event = event(request.subject.seen().clone());
            self.refuse_event(who, &request, &event, &problem).await?;
            return Err(problem);
        }
        let seen = match &request.subject {
            Subject::Plan { .. } if !own => self.seen_or_void(who, &request).await?,
            // Who may never approve learns that, whatever has become of the world; into a change of the policy the
            // store puts what is in force.
            Subject::Plan { seen, .. } | Subject::Policy { seen, .. } => seen.clone(),
        };
        let event = event(seen);
        let code = match request.subject {
            Subject::Plan { .. } => AuditCode::ApprovalGiven,
            Subject::Policy { .. } => AuditCode::PolicyChanged,
        };
        let mut entry = self.request_entry(&request, code, who, Outcome::Success);
        note(&mut entry, comment);
        // What it rests on now is bound to it as well, also what still waits for the disk.
        if request.subject.plan().is_some() {
            self.evidence.flush().await;
        }
        self.settle_or_void(who, &request, &event, entry).await
    }

    /// What who agrees, or runs it, has to have shown a moment ago.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn wants_sign_in(&self, request: &Request) -> Result<SignInDemand, Problem> {
        let Subject::Plan { plan, .. } = &request.subject else { return Ok(SignInDemand::WHOLE) };
        match self.store.policy(request.cluster).await {
            Ok(policy) => Ok(policy.rule(plan.intent.word(), plan.risk).sign_in()),
            // A request outlives its cluster, as history.
            Err(StoreError::NotFound { .. }) => Ok(SignInDemand::WHOLE),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// Says no, also to what was approved and not used yet.
    ///
    /// # Errors
    /// What `model::approval::Refused` says.
    pub async fn reject(&self, who: &Person, id: RequestId, comment: &str) -> Result<(), Problem> {
        check_comment(comment)?;
        let event = RequestEvent::Reject { comment: comment.to_owned() };
        self.decided(who, id, event, AuditCode::ApprovalRejected, comment).await
    }

    /// Takes one's own request back.
    ///
    /// # Errors
    /// What `model::approval::Refused` says.
    pub async fn take_back(&self, who: &Person, id: RequestId) -> Result<(), Problem> {
        self.decided(who, id, RequestEvent::Withdraw, AuditCode::ApprovalWithdrawn, "").await
    }

    /// Says afterwards what to think of what one person did alone.
    ///
    /// # Errors
    /// What `model::approval::Refused` says.
    pub async fn review(&self, who: &Person, id: RequestId, comment: &str) -> Result<(), Problem> {
        check_comment(comment)?;
        let event = RequestEvent::Review { comment: comment.to_owned() };
        self.decided(who, id, event, AuditCode::GlassReviewed, comment).await
    }

    pub(super) async fn decided(
        &self,
        who: &Person,
        id: RequestId,
        event: RequestEvent,
        code: AuditCode,
        comment: &str,
    ) -> Result<(), Problem> {
        let request = self.request(id).await?;
        let mut entry = self.request_entry(&request, code, who, Outcome::Success);
        entry.operation = request.state.operation();
        note(&mut entry, comment);
        self.settle_request(who, &request, &event, entry).await.map(|_| ())
    }

    /// Runs what somebody else approved, once.
    ///
    /// # Errors
    /// What `model::approval::Refused` says, `AlreadyRunning` (the approval is not used then), `FactsUnknown`.
    pub async fn run_agreed(
        &self,
        who: &Person,
        id: RequestId,
        shown: impl Into<Shown>,
    ) -> Result<OperationId, Problem> {
        self.run_overtaking(who, id, shown, None).await
    }

    /// The same, ending the operation that has the cluster's place where that is wanted.
    ///
    /// # Errors
    /// Also why that one may not be ended; then the approval is not used.
    pub async fn run_overtaking(
        &self,
        who: &Person,
        id: RequestId,
        shown: impl Into<Shown>,
        wanted: Option<&Wanted>,
    ) -> Result<OperationId, Problem> {
        let shown = shown.into();
        let request = self.request(id).await?;
        self.is_theirs_to_run(who, &request).await?;
        let (_, proposal) = self.proposal_or_void(who, &request).await?;
        let consent = Consent { reason: request.reason.clone(), typed: proposal.plan.target.clone() };
        let missing = proposal.ruling.unmet(&consent, &proposal.plan.target, shown, true);
        if let Some(first) = missing.into_iter().find(|demand| !is_left_out(*demand)) {
            return self.may_not_run(who, &request, unmet(first)).await;
        }
        let event = |seen, operation| RequestEvent::Use { seen, operation };
        self.start_agreed(who, &request, (proposal, wanted), AuditCode::ApprovalUsed, event).await
    }

    /// What the gate would refuse anyway needs no operation that comes to nothing.
    async fn is_theirs_to_run(&self, who: &Person, request: &Request) -> Result<(), Problem> {
        let refused = match &request.state {
            _ if !request.is_of(&who.name) => Refused::NotYours,
            RequestState::Approved { .. } => return Ok(()),
            state => Refused::Over { state: state.word() },
        };
        self.may_not_run(who, request, Problem::from(&refused)).await
    }

    /// That somebody tried, and why nothing came of it.
    async fn may_not_run<T>(&self, who: &Person, request: &Request, problem: Problem) -> Result<T, Problem> {
        let mut entry = self.request_entry(request, AuditCode::ApprovalRefused, who, Outcome::Refused);
        entry.details.insert("problem".to_owned(), problem.code.as_str().to_owned());
        self.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        Err(problem)
    }

    /// Writes the operation down, then lets the gate start it and use the request up, in one transaction.
    pub(super) async fn start_agreed(
        &self,
        who: &Person,
        request: &Request,
        (proposal, wanted): (Proposal, Option<&Wanted>),
        code: AuditCode,
        event: impl Fn(Seen, OperationId) -> RequestEvent,
    ) -> Result<OperationId, Problem> {
        let seen = self.ground(&proposal).await?.seen;
        let consent = Consent { reason: request.reason.clone(), typed: String::new() };
        let operation = self.propose(who, proposal, &consent).await?;
        let event = event(seen, operation.id);
        let mut used = self.request_entry(request, code, who, Outcome::Success);
        used.operation = Some(operation.id);
        let mut started = self.operation_entry(&operation, AuditCode::OperationStarted, who, Outcome::Started).await;
        started.details.insert("request".to_owned(), request.id.to_string());
        if let RequestState::Approved { by, .. } = &request.state {
            used.details.insert("approved_by".to_owned(), by.clone());
            started.details.insert("approved_by".to_owned(), by.clone());
        }
        if let Some(wanted) = wanted {
            started.details.insert("overtakes".to_owned(), wanted.operation.to_string());
        }
        if let Err(problem) = self.take_place(who, request, &operation, (&event, wanted), vec![used, started]).await {
            self.withdraw(who, &operation, &problem).await?;
            self.refuse_event(who, request, &event, &problem).await?;
            self.void_where_over(request, &problem).await?;
            return Err(problem);
        }
        self.hold_evidence(&operation).await;
        execute::spawn(self.clone(), operation.id, who.clone(), None);
        Ok(operation.id)
    }

    /// The cluster's place, free or taken from the operation that is wanted out of it.
    async fn take_place(
        &self,
        who: &Person,
        request: &Request,
        operation: &Operation,
        (event, wanted): (&RequestEvent, Option<&Wanted>),
        audit: Vec<AuditEntry>,
    ) -> Result<(), Problem> {
        let now = self.clock.now();
        let Some(wanted) = wanted else {
            let started = self.store.start_agreed(request.id, event, now, audit).await;
            return started.map_err(|error| store_problem(&error));
        };
        let intent = &operation.plan.intent;
        let overtaking = self.overtaking(who, intent, operation.cluster, wanted, operation.id).await?;
        let started = self.store.start_overtaking(request.id, event, now, &overtaking, audit).await;
        started.map_err(|error| store_problem(&error))?;
        self.let_go(wanted.operation).await;
        Ok(())
    }

    async fn seen_or_void(&self, who: &Person, request: &Request) -> Result<Seen, Problem> {
        self.proposal_or_void(who, request).await.map(|(seen, _)| seen)
    }

    /// The plan of now; where it is another one, or rests on something else, the request is void.
    pub(super) async fn proposal_or_void(&self, who: &Person, request: &Request) -> Result<(Seen, Proposal), Problem> {
        if !request.state.is_open() {
            let state = request.state.word();
            return Err(Problem::new(ProblemCode::RequestOver).with("state", state));
        }
        if request.is_due(self.clock.now()) {
            self.expire_requests().await?;
            return Err(ProblemCode::RequestExpired.into());
        }
        let found = match self.seen_again(request).await {
            Ok((seen, proposal)) if seen == *request.subject.seen() => return Ok((seen, proposal)),
            Ok(_) => ProblemCode::PlanChanged.into(),
            Err(problem) => problem,
        };
        let refused = self.may_not_run(who, request, found.clone()).await;
        self.void_where_over(request, &found).await?;
        refused
    }

    async fn settle_or_void(
        &self,
        who: &Person,
        request: &Request,
        event: &RequestEvent,
        entry: AuditEntry,
    ) -> Result<(), Problem> {
        let Err(problem) = self.settle_request(who, request, event, entry).await else { return Ok(()) };
        self.void_where_over(request, &problem).await?;
        Err(problem)
    }

    pub(super) async fn void_where_over(&self, request: &Request, problem: &Problem) -> Result<(), Problem> {
        match voids(problem) {
            Some(why) => self.void(request, why).await,
            None => Ok(()),
        }
    }

    /// Nothing can come of it any more; what somebody else has made of it in between stays.
    pub(super) async fn void(&self, request: &Request, why: VoidCode) -> Result<(), Problem> {
        let now = self.clock.now();
        let entry = told_void(request, why, now);
        let event = RequestEvent::Void { why };
        match self.store.decide(request.id, &Person::system().name, &event, now, entry).await {
            Ok(_) | Err(StoreError::Refused { .. }) => Ok(()),
            Err(error) => Err(store_problem(&error)),
        }
    }
}

fn note(entry: &mut AuditEntry, comment: &str) {
    if !comment.trim().is_empty() {
        entry.details.insert("comment".to_owned(), comment.trim().to_owned());
    }
}

fn check_comment(comment: &str) -> Result<(), Problem> {
    if comment.chars().count() > COMMENT_MAX_CHARS {
        return Err(Problem::new(ProblemCode::CommentTooLong).with("max", COMMENT_MAX_CHARS));
    }
    Ok(())
}
