//! A person asks others to agree to exactly the plan that they saw.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::REQUESTS_OWN_MAX;
use crate::ports::StoreError;
use crate::propose::{Proposal, unmet};
use model::approval::{Compared, Request, RequestState, Subject, VoidCode, compare};
use model::audit::{AuditCode, Outcome};
use model::ids::{ClusterId, RequestId};
use model::plan::Intent;
use model::policy::{Agreement, Consent, Shown, Unmet};
use model::problem::{Problem, ProblemCode};

impl Engine {
    /// Asks for the agreement that the policy wants for a plan; who asks again for the same gets the same request.
    ///
    /// # Errors
    /// `PlanChanged`, `ApprovalNotNeeded`, `ConsentMissing`, `TooManyRequests`.
    pub async fn ask(
        &self,
        who: &Person,
        cluster: ClusterId,
        intent: &Intent,
        seen: &str,
        consent: &Consent,
        shown: impl Into<Shown>,
    ) -> Result<RequestId, Problem> {
        let shown = shown.into();
        let proposal = self.plan(cluster, intent).await?;
        if proposal.digest.as_str() != seen {
            return Err(ProblemCode::PlanChanged.into());
        }
        if proposal.ruling.agreement == Agreement::Nobody {
            return Err(ProblemCode::ApprovalNotNeeded.into());
        }
        // The agreement itself is what is asked for here.
        let missing = proposal.ruling.unmet(consent, &proposal.plan.target, shown, true);
        if let Some(first) = missing.first() {
            let problem = unmet(*first);
            self.refuse(who, cluster, &proposal, &problem).await?;
            return Err(problem);
        }
        let request = self.drafted(who, cluster, proposal, consent).await?;
        self.keep_request(who, request, AuditCode::ApprovalRequested).await
    }

    async fn drafted(
        &self,
        who: &Person,
        cluster: ClusterId,
        proposal: Proposal,
        consent: &Consent,
    ) -> Result<Request, Problem> {
        let cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let ground = self.ground(&proposal).await?;
        let subject = Subject::Plan {
            plan: Box::new(proposal.plan),
            seen: ground.seen,
            facts: ground.facts,
            around: ground.around,
            blast: ground.blast,
        };
        Ok(Request {
            id: RequestId::from_uuid(self.ids.next()),
            cluster: cluster.id,
            cluster_name: cluster.name.to_string(),
            subject,
            agreement: proposal.ruling.agreement,
            requested_by: who.name.clone(),
            requested_at: self.clock.now(),
            reason: consent.reason.trim().to_owned(),
            state: RequestState::Waiting,
        })
    }

    /// Writes a request down, unless the same is open already.
    pub(super) async fn keep_request(
        &self,
        who: &Person,
        request: Request,
        code: AuditCode,
    ) -> Result<RequestId, Problem> {
        self.expire_requests().await?;
        let open = self.store.requests(Some(request.cluster), true, u32::MAX).await;
        let open = open.map_err(|error| store_problem(&error))?;
        if let Some(same) = same(&open, &request) {
            return Ok(same);
        }
        // The same plan on other facts: nobody can agree to that one any more.
        let old = open.iter().find(|one| is_again(one, &request));
        // Each person's own: nobody's many keep anybody else from asking for what brings a cluster back.
        let own = open.iter().filter(|one| one.is_of(&request.requested_by)).count();
        if own - usize::from(old.is_some()) >= usize::try_from(REQUESTS_OWN_MAX).unwrap_or(usize::MAX) {
            return Err(Problem::new(ProblemCode::TooManyRequests).with("max", REQUESTS_OWN_MAX));
        }
        if let Some(old) = old {
            self.void(old, VoidCode::FactsChanged).await?;
        }
        let mut entry = self.request_entry(&request, code, who, Outcome::Success);
        if let Some(plan) = request.subject.plan() {
            let commands = plan.steps.iter().flat_map(|step| step.commands.clone()).collect::<Vec<_>>();
            entry.command = Some(commands.join("\n"));
        }
        // What the person saw of the nodes is bound to it, also what still waits for the disk.
        if request.subject.plan().is_some() {
            self.evidence.flush().await;
        }
        match self.store.add_request(&request, entry).await {
            Ok(()) => Ok(request.id),
            // Pressed twice: the other one was first.
            Err(StoreError::Conflict { .. }) => {
                let open = self.store.requests(Some(request.cluster), true, u32::MAX).await;
                let open = open.map_err(|error| store_problem(&error))?;
                same(&open, &request).ok_or_else(|| ProblemCode::WorldChanged.into())
            }
            Err(error) => Err(store_problem(&error)),
        }
    }
}

/// The same person asks for the same.
fn is_again(one: &Request, request: &Request) -> bool {
    one.is_of(&request.requested_by) && one.subject.seen().digest == request.subject.seen().digest
}

/// What it rests on has moved since. What cannot be told at this moment is no change.
fn has_moved(one: &Request, request: &Request) -> bool {
    match (&one.subject, &request.subject) {
        (Subject::Plan { facts: then, .. }, Subject::Plan { facts: now, .. }) => {
            compare(then, now) == Compared::Changed
        }
        (then, now) => then.seen() != now.seen(),
    }
}

fn same(open: &[Request], request: &Request) -> Option<RequestId> {
    let same = |one: &&Request| is_again(one, request) && !has_moved(one, request);
    open.iter().find(same).map(|one| one.id)
}

/// The demand that this way of running meets by itself.
pub(super) const fn is_left_out(demand: Unmet) -> bool {
    // Reason and target were given when it was asked for, and stand in the frozen request.
    matches!(demand, Unmet::Reason | Unmet::TypedTarget | Unmet::Agreement)
}
