//! Requests, policies, and the gate: what a decision depends on is read in the transaction that writes it down.

mod gate;
mod policies;
mod rows;

pub(crate) use gate::refuse_unagreed;
pub(crate) use policies::protect_undecided;

use crate::SqliteStore;
use crate::audit::append_in;
use crate::codec::{corrupt, db};
use crate::{evidence, operations};
use async_trait::async_trait;
use engine::approvals::told_void;
use engine::ports::{ApprovalStore, Overtaking, StoreError};
use jiff::Timestamp;
use model::approval::{Request, RequestEvent, RequestState, Seen, Subject, VoidCode};
use model::audit::AuditEntry;
use model::ids::{ClusterId, OperationId, RequestId};
use model::operation::Operation;
use model::policy::Policy;
use model::role::Role;
use sqlx::{QueryBuilder, SqliteConnection};

/// The longest list, in rows.
const LIST_MAX: u32 = 1_000;

#[async_trait]
impl ApprovalStore for SqliteStore {
    async fn add_request(&self, request: &Request, audit: AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        gate::refuse_moved(&mut tx, request).await?;
        rows::insert(&mut tx, request).await?;
        evidence::rely(&mut tx, request).await?;
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn request(&self, id: RequestId) -> Result<Request, StoreError> {
        let mut tx = self.read().await?;
        rows::one(&mut tx, id).await
    }

    async fn requests(&self, cluster: Option<ClusterId>, open: bool, limit: u32) -> Result<Vec<Request>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM requests WHERE 1 = 1");
        if let Some(cluster) = cluster {
            query.push(" AND cluster = ").push_bind(cluster.to_string());
        }
        if open {
            query.push(" AND state IN ('waiting', 'approved', 'counting')");
        }
        query.push(" ORDER BY requested_at DESC, id DESC LIMIT ").push_bind(i64::from(limit.min(LIST_MAX)));
        let mut tx = self.read().await?;
        rows::all(&mut tx, query).await
    }

    async fn unreviewed(&self) -> Result<Vec<Request>, StoreError> {
        // In the very words of the index of such requests (migration 21), which finds them among all that were ever used.
        let mut query = QueryBuilder::new(
            "SELECT * FROM requests WHERE state = 'used' AND operation IS NOT NULL
             AND instr(state_json, '\"agreed\":\"alone\"') > 0 AND instr(state_json, '\"review\":null') > 0",
        );
        query.push(" ORDER BY requested_at DESC, id DESC LIMIT ").push_bind(i64::from(LIST_MAX));
        let mut tx = self.read().await?;
        let mut found = rows::all(&mut tx, query).await?;
        found.retain(|request| request.state.awaits_review());
        Ok(found)
    }

    async fn request_behind(&self, operation: OperationId) -> Result<Option<Request>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM requests WHERE operation = ");
        query.push_bind(operation.to_string());
        let mut tx = self.read().await?;
        Ok(rows::all(&mut tx, query).await?.pop())
    }

    async fn decide(
        &self,
        id: RequestId,
        actor: &str,
        event: &RequestEvent,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<Request, StoreError> {
        if matches!(event, RequestEvent::Use { .. } | RequestEvent::RunOut { .. }) {
            return Err(StoreError::Conflict { what: "decision without its operation" });
        }
        let mut tx = self.write().await?;
        let request = rows::one(&mut tx, id).await?;
        let event = with_policy_of_now(&mut tx, &request, event).await?;
        let state = gate::next(&mut tx, &request, actor, &event, at).await?;
        rows::set_state(&mut tx, id, &state).await?;
        if matches!(event, RequestEvent::Approve { .. }) {
            evidence::rely(&mut tx, &request).await?;
        }
        if let (Subject::Policy { after, .. }, RequestState::Used { .. }) = (&request.subject, &state) {
            policies::set(&mut tx, request.cluster, after).await?;
        }
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)?;
        Ok(Request { state, ..request })
    }

    async fn start_agreed(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let started = use_up(&mut tx, id, event, at).await?;
        operations::mark_running(&mut tx, started.id).await?;
        for entry in audit {
            append_in(&mut tx, entry).await?;
        }
        tx.commit().await.map_err(db)
    }

    async fn start_overtaking(
        &self,
        id: RequestId,
        event: &RequestEvent,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let started = use_up(&mut tx, id, event, at).await?;
        take_place(&mut tx, &started, overtaking, at, audit).await?;
        tx.commit().await.map_err(db)
    }

    async fn start_in_place(
        &self,
        id: OperationId,
        at: Timestamp,
        overtaking: &Overtaking,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let started = operations::begun_by(&mut tx, id).await?;
        refuse_unagreed(&mut tx, id).await?;
        take_place(&mut tx, &started, overtaking, at, vec![audit]).await?;
        tx.commit().await.map_err(db)
    }

    async fn policy(&self, cluster: ClusterId) -> Result<Policy, StoreError> {
        let mut tx = self.read().await?;
        policies::of(&mut tx, cluster).await
    }

    async fn protect_undecided(&self, cluster: ClusterId, audit: AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        if !policies::protect_undecided(&mut tx, cluster).await? {
            return Ok(false);
        }
        append_in(&mut tx, audit).await?;
        tx.commit().await.map_err(db)?;
        Ok(true)
    }

    async fn other_admins(&self, cluster: ClusterId, but: &str) -> Result<u32, StoreError> {
        let mut tx = self.read().await?;
        gate::other_admins(&mut tx, cluster, but).await
    }
}

/// Ends the operation that has the cluster's place, as the person who starts the other one may, and gives it the place.
async fn take_place(
    tx: &mut SqliteConnection,
    started: &Operation,
    overtaking: &Overtaking,
    at: Timestamp,
    audit: Vec<AuditEntry>,
) -> Result<(), StoreError> {
    let role = gate::role_of(tx, &started.proposed_by, started.cluster).await?.unwrap_or(Role::Viewer);
    operations::overtake(tx, overtaking, started, role, at).await?;
    operations::mark_running(tx, started.id).await?;
    append_in(tx, overtaking.audit.clone()).await?;
    for entry in audit {
        append_in(tx, entry).await?;
    }
    Ok(())
}

/// Uses a request up; returns the operation that starts by that.
async fn use_up(
    tx: &mut SqliteConnection,
    id: RequestId,
    event: &RequestEvent,
    at: Timestamp,
) -> Result<Operation, StoreError> {
    let (RequestEvent::Use { seen, operation } | RequestEvent::RunOut { seen, operation }) = event else {
        return Err(StoreError::Conflict { what: "event that starts nothing" });
    };
    let request = rows::one(tx, id).await?;
    let started = operations::begun_by(tx, *operation).await?;
    // What was agreed to is what starts, for the same cluster and by who asked.
    if started.digest != seen.digest || started.cluster != request.cluster {
        return Err(StoreError::Conflict { what: "other plan of the operation" });
    }
    let state = gate::next(tx, &request, &started.proposed_by, event, at).await?;
    rows::set_state(tx, id, &state).await?;
    Ok(started)
}

/// What a change of the policy rests on is the policy that is in force when it is decided.
async fn with_policy_of_now(
    tx: &mut SqliteConnection,
    request: &Request,
    event: &RequestEvent,
) -> Result<RequestEvent, StoreError> {
    let Subject::Policy { after, .. } = &request.subject else { return Ok(event.clone()) };
    let now = policies::of(tx, request.cluster).await?;
    let digest = |policy: &Policy| policy.digest().map_err(|error| corrupt("policy", error));
    let seen = Seen { digest: digest(after)?, facts: digest(&now)? };
    Ok(match event {
        RequestEvent::Approve { comment, .. } => RequestEvent::Approve { seen, comment: comment.clone() },
        RequestEvent::ApplyAlone { .. } => RequestEvent::ApplyAlone { seen },
        other => other.clone(),
    })
}

/// What was asked for a cluster that is forgotten comes to nothing, and each of it has its entry: who asked is told by that.
pub(crate) async fn void_all(tx: &mut SqliteConnection, cluster: ClusterId, at: Timestamp) -> Result<(), StoreError> {
    let why = VoidCode::ClusterGone;
    let mut open = QueryBuilder::new("SELECT * FROM requests WHERE state IN ('waiting', 'approved', 'counting')");
    open.push(" AND cluster = ").push_bind(cluster.to_string()).push(" ORDER BY requested_at, id");
    for request in rows::all(tx, open).await? {
        rows::set_state(tx, request.id, &RequestState::Void { at, why }).await?;
        append_in(tx, told_void(&request, why, at)).await?;
    }
    Ok(())
}
