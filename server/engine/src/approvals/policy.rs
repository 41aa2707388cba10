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

impl Engine {
    /// Asks for another policy of a cluster; where there is no other admin it is in force at once.
    ///
    /// # Errors
    /// `PolicySame`, `PolicyInvalid`, `ConsentMissing`, `TooManyRequests`.
    pub async fn change_policy(
        &self,
        who: &Person,
        cluster: ClusterId,
        after: Policy,
        reason: &str,
        shown: impl Into<Shown>,
    ) -> Result<PolicyChange, Problem> {
        let shown = shown.into();
        let after = after.plain();
        after.check().map_err(|fault| Problem::new(ProblemCode::PolicyInvalid).quoting(fault.to_string()))?;
        if reason.trim().is_empty() {
            return Err(unmet(Unmet::Reason));
        }
        if let Some(missing) = SignInDemand::WHOLE.unmet(shown) {
            return Err(unmet(missing));
        }
        let cluster = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let before = self.store.policy(cluster.id).await.map_err(|error| store_problem(&error))?;
        if before == after {
            return Err(ProblemCode::PolicySame.into());
        }
        let internal = |_| Problem::from(ProblemCode::Internal);
        let seen = Seen { digest: after.digest().map_err(internal)?, facts: before.digest().map_err(internal)? };
        let request = Request {
            id: RequestId::from_uuid(self.ids.next()),
            cluster: cluster.id,
            cluster_name: cluster.name.to_string(),
            subject: Subject::Policy { before, after, seen: seen.clone() },
            agreement: Agreement::AnotherAdmin,
            requested_by: who.name.clone(),
            requested_at: self.clock.now(),
            reason: reason.trim().to_owned(),
            state: RequestState::Waiting,
        };
        let id = self.keep_request(who, request, AuditCode::PolicyProposed).await?;
        let others = self.store.other_admins(cluster.id, &who.name).await.map_err(|error| store_problem(&error))?;
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
            let done = self.store.protect_undecided(cluster.id, self.protection(&cluster)).await;
            count += u32::from(done.map_err(|error| store_problem(&error))?);
        }
        Ok(count)
    }

    /// The entry of a cluster that is protected for its guests, about whose policy nobody has decided.
    pub(crate) fn protection(&self, cluster: &Cluster) -> AuditEntry {
        let mut entry = self.audit.about(AuditCode::PolicyChanged, &Person::system(), Outcome::Success, cluster);
        let after = Policy { protected: true, ..Policy::default() };
        entry.details.insert("policy".to_owned(), serde_json::to_string(&after).unwrap_or_default());
        entry.details.insert("why".to_owned(), "the cluster has guests".to_owned());
        entry
    }
}
