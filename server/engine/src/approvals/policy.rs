//! Changes of a cluster's policy: audited, and agreed to by another admin where there is one.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::propose::unmet;
use model::approval::{Request, RequestEvent, RequestState, Seen, Subject};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{ClusterId, RequestId};
use model::inventory::Cluster;
use model::policy::{Agreement, Policy, Shown, SignInDemand, Unmet};
use model::problem::{Problem, ProblemCode};
use std::collections::BTreeSet;

/// What became of a wish to change a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChange {
    /// There is no other admin: it is in force.
    InForce(RequestId),
    /// Another admin has to agree.
    Waits(RequestId),
}

/// What somebody wants a policy to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWish {
    /// What it was when they looked at it, where that is told.
    pub before: Option<Policy>,
    pub after: Policy,
}

impl From<Policy> for PolicyWish {
    fn from(after: Policy) -> Self {
        Self { before: None, after }
    }
}

impl Engine {
    /// Asks for another policy of a cluster; where there is no other admin it is in force at once. Of two changes that begin
    /// from the same policy one takes.
    ///
    /// # Errors
    /// `PolicyMoved`, `PolicySame`, `PolicyInvalid`, `ConsentMissing`, `TooManyRequests`.
    pub async fn change_policy(
        &self,
        who: &Person,
        cluster: ClusterId,
        wish: impl Into<PolicyWish>,
        reason: &str,
        shown: impl Into<Shown>,
    ) -> Result<PolicyChange, Problem> {
        let wish: PolicyWish = wish.into();
        let shown: Shown = shown.into();
        let after = wish.after.plain();
        let cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let before = self.store.policy(cluster.id).await.map_err(|error| store_problem(&error))?;
        // What somebody else, or a guest, has changed since they looked is not turned back unseen. From here on the store goes
        // by what the request says that it begins from.
        if wish.before.is_some_and(|seen| seen.plain() != before.clone().plain()) {
            return Err(ProblemCode::PolicyMoved.into());
        }
        after.check().map_err(|fault| Problem::new(ProblemCode::PolicyInvalid).quoting(fault.to_string()))?;
        if reason.trim().is_empty() {
            return Err(unmet(Unmet::Reason));
        }
        if let Some(missing) = SignInDemand::WHOLE.unmet(shown) {
            return Err(unmet(missing));
        }
        if before == after {
            return Err(ProblemCode::PolicySame.into());
        }
        let internal = |_| Problem::from(ProblemCode::Internal);
        let seen = Seen { digest: after.digest().map_err(internal)?, facts: before.digest().map_err(internal)? };
        let request = Request {
            id: RequestId::from_uuid(self.ids.next()),
            cluster: cluster.id,
            cluster_name: cluster.name.to_string(),
            subject: Subject::Policy { before: before.clone(), after, seen: seen.clone() },
            agreement: Agreement::AnotherAdmin,
            requested_by: who.name.clone(),
            requested_at: self.clock.now(),
            reason: reason.trim().to_owned(),
            state: RequestState::Waiting,
        };
        match self.ask_for_policy(who, request, seen).await {
            Ok(change) => Ok(change),
            Err(problem) => Err(self.told_of_move(cluster.id, &before, problem).await?),
        }
    }

    async fn ask_for_policy(&self, who: &Person, request: Request, seen: Seen) -> Result<PolicyChange, Problem> {
        let cluster = request.cluster;
        let id = self.keep_request(who, request, AuditCode::PolicyProposed).await?;
        let others = self.store.other_admins(cluster, &who.name).await.map_err(|error| store_problem(&error))?;
        if others > 0 {
            return Ok(PolicyChange::Waits(id));
        }
        // The store puts in what is in force.
        let event = RequestEvent::ApplyAlone { seen };
        if let Err(problem) = self.decided(who, id, event, AuditCode::PolicyChanged, "").await {
            self.void_where_over(&self.request(id).await?, &problem).await?;
            return Err(problem);
        }
        Ok(PolicyChange::InForce(id))
    }

    /// Whoever comes second finds other facts, or the very request used up by the first: either way the policy has moved.
    async fn told_of_move(&self, cluster: ClusterId, before: &Policy, problem: Problem) -> Result<Problem, Problem> {
        use ProblemCode::{FactsChanged, PolicyMoved, RequestOver, WorldChanged};
        if !matches!(problem.code, FactsChanged | RequestOver | WorldChanged) {
            return Ok(problem);
        }
        let now = self.store.policy(cluster).await.map_err(|error| store_problem(&error))?;
        Ok(if now == *before { problem } else { PolicyMoved.into() })
    }

    /// A cluster that has guests is protected, unless somebody has decided otherwise; returns how many became so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn protect_clusters_with_guests(&self) -> Result<u32, Problem> {
        let mut count = 0;
        for cluster in self.store.clusters().await.map_err(|error| store_problem(&error))? {
            let guests = self.watchers.guests.of(cluster.id, self.clock.now()).unwrap_or_default();
            if cluster.protected || guests.values().all(BTreeSet::is_empty) {
                continue;
            }
            let entry = self.protection(&cluster).await?;
            let done = self.store.protect_undecided(cluster.id, entry).await;
            count += u32::from(done.map_err(|error| store_problem(&error))?);
        }
        Ok(count)
    }

    /// The entry of a cluster that is protected for its guests, about whose switch nobody has decided. Its lines stay.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn protection(&self, cluster: &Cluster) -> Result<AuditEntry, Problem> {
        let mut entry = self.audit.about(AuditCode::PolicyChanged, &Person::system(), Outcome::Success, cluster);
        let before = self.store.policy(cluster.id).await.map_err(|error| store_problem(&error))?;
        let after = Policy { protected: true, ..before };
        entry.details.insert("policy".to_owned(), serde_json::to_string(&after).unwrap_or_default());
        entry.details.insert("why".to_owned(), "the cluster has guests".to_owned());
        Ok(entry)
    }
}
