//! After `pvecm expected`: watching until the expected votes rise again, and saying so when they do not.
//!
//! What is watched stands in the audit, so that a restart of the console forgets nothing.

mod told;

use crate::audit::Person;
use crate::context::Engine;
use crate::limits::{LOWERED_ALARM, LOWERED_LOOK, LOWERED_MAX};
use crate::ports::StoreError;
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, Outcome};
use model::ids::OperationId;
use model::observation::Freshness;
use model::operation::Operation;
use model::plan::Intent;
use model::topology::{Partition, Snapshot};
use std::collections::BTreeSet;
use tokio::time::{MissedTickBehavior, interval};

/// What the votes of a cluster have come to since they were lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Since {
    /// Nobody who is believed says anything.
    Unknown,
    StillLowered,
    Risen(Partition),
}

impl Engine {
    /// Looks every few seconds, until it is dropped.
    pub async fn follow_lowered_votes(&self) {
        let mut tick = interval(LOWERED_LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut over = BTreeSet::new();
        loop {
            tick.tick().await;
            if let Err(error) = self.look_at_lowered_votes(&mut over).await {
                tracing::warn!(store.error = %error, "lowered votes were not looked at");
            }
        }
    }

    /// One look at each operation that lowered votes; `over` are those that need no further one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_at_lowered_votes(&self, over: &mut BTreeSet<OperationId>) -> Result<(), StoreError> {
        let done = AuditFilter {
            code: Some(AuditCode::OperationFinished),
            outcome: Some(Outcome::Success),
            words: Some("set_expected".to_owned()),
            ..AuditFilter::default()
        };
        for one in self.store.find(&done, LOWERED_MAX).await?.entries {
            let Some(id) = one.entry.operation.filter(|id| !over.contains(id)) else { continue };
            if self.has_entry(id, AuditCode::ExpectedRestored).await? {
                over.insert(id);
                continue;
            }
            let operation = self.store.operation(id).await?;
            self.look_at(&operation, one.entry.at).await?;
        }
        Ok(())
    }

    async fn look_at(&self, operation: &Operation, since: Timestamp) -> Result<(), StoreError> {
        let Intent::SetExpected { votes, .. } = &operation.plan.intent else { return Ok(()) };
        // A cluster that was forgotten is not watched any more.
        let Some(snapshot) = self.hub.snapshot(operation.cluster) else { return Ok(()) };
        match judge(&snapshot, *votes, since) {
            Since::Risen(partition) => {
                let entry = self.entry_of(operation, AuditCode::ExpectedRestored, Outcome::Success, since);
                self.audit.write(with_partition(entry, &partition)).await
            }
            Since::StillLowered | Since::Unknown => {
                let waited = self.clock.now().duration_since(since).unsigned_abs();
                if waited < LOWERED_ALARM || self.has_entry(operation.id, AuditCode::ExpectedStillLowered).await? {
                    return Ok(());
                }
                tracing::warn!(operation.id = %operation.id, "expected votes are still lowered");
                let entry = self.entry_of(operation, AuditCode::ExpectedStillLowered, Outcome::Failed, since);
                self.audit.write(entry).await
            }
        }
    }

    async fn has_entry(&self, operation: OperationId, code: AuditCode) -> Result<bool, StoreError> {
        let filter = AuditFilter { operation: Some(operation), code: Some(code), ..AuditFilter::default() };
        Ok(!self.store.find(&filter, 1).await?.entries.is_empty())
    }

    fn entry_of(&self, operation: &Operation, code: AuditCode, outcome: Outcome, since: Timestamp) -> AuditEntry {
        let mut entry = self.operation_entry(operation, code, &Person::system(), outcome);
        let seconds = self.clock.now().duration_since(since).as_secs();
        entry.details.insert("lowered_for".to_owned(), format!("{seconds} s"));
        entry
    }
}

fn with_partition(mut entry: AuditEntry, partition: &Partition) -> AuditEntry {
    entry.details.insert("expected".to_owned(), partition.expected_votes.to_string());
    entry.details.insert("members".to_owned(), partition.members.join(", "));
    entry
}

/// Only what was told after the votes were lowered counts.
fn judge(snapshot: &Snapshot, votes: u32, since: Timestamp) -> Since {
    let told = snapshot.quorum.as_ref().filter(|aged| aged.freshness == Freshness::Fresh && aged.fact.at > since);
    match told {
        None => Since::Unknown,
        Some(aged) if aged.fact.value.expected_votes > votes => Since::Risen(aged.fact.value.clone()),
        Some(_) => Since::StillLowered,
    }
}
