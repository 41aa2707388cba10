//! Watching is not audited command by command; one summary per cluster and hour is.

use crate::audit::Person;
use crate::context::Engine;
use crate::hub::Observed;
use crate::limits::WATCH_SUMMARY;
use crate::ports::StoreError;
use jiff::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::ids::{ClusterId, NodeId};
use model::topology::Contact;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::interval;

/// What was seen since the last summary. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<ClusterId, Seen>>>);

#[derive(Debug)]
struct Seen {
    since: Timestamp,
    answers: u64,
    /// How often the connection to a machine was lost; a machine that stays away counts once.
    lost: u64,
    nodes: BTreeSet<NodeId>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, cluster: ClusterId, node: NodeId, observed: &Observed, now: Timestamp) {
        let mut all = self.lock();
        let seen = all.entry(cluster).or_insert_with(|| Seen::new(now));
        seen.nodes.insert(node);
        match observed {
            Observed::Contact(Contact::Lost { .. }) => seen.lost = seen.lost.saturating_add(1),
            Observed::Contact(_) => {}
            _ => seen.answers = seen.answers.saturating_add(1),
        }
    }

    fn take(&self) -> BTreeMap<ClusterId, Seen> {
        std::mem::take(&mut *self.lock())
    }
}

impl Seen {
    const fn new(since: Timestamp) -> Self {
        Self { since, answers: 0, lost: 0, nodes: BTreeSet::new() }
    }

    fn details(&self) -> impl Iterator<Item = (String, String)> {
        let words = [
            ("since", self.since.to_string()),
            ("answers", self.answers.to_string()),
            ("lost", self.lost.to_string()),
            ("nodes", self.nodes.len().to_string()),
        ];
        words.into_iter().map(|(name, value)| (name.to_owned(), value))
    }
}

impl Engine {
    /// Writes the summaries once an hour, until it is dropped.
    pub async fn summarise_hourly(&self) {
        let mut tick = interval(WATCH_SUMMARY);
        // The first one comes at once, when nothing has been watched yet.
        tick.tick().await;
        loop {
            tick.tick().await;
            if let Err(error) = self.summarise_watching().await {
                tracing::error!(store.error = %error, "what was watched is not in the audit");
            }
        }
    }

    /// Writes what was watched since the last time, one entry per cluster; called once an hour and at the end.
    ///
    /// # Errors
    /// When the store fails; what was not written then is lost, the raw answers are not.
    pub async fn summarise_watching(&self) -> Result<(), StoreError> {
        for (id, seen) in self.watchers.tally.take() {
            let cluster = match self.store.cluster(id).await {
                Ok(cluster) => cluster,
                // Forgotten meanwhile.
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let mut entry = self.audit.about(AuditCode::WatchSummary, &Person::system(), Outcome::Success, &cluster);
            entry.details.extend(seen.details());
            self.audit.write(entry).await?;
        }
        Ok(())
    }
}
