//! Watching a live cluster: pushed blocks of `corosync-quorumtool -m`, journal lines that bring the next look forward,
//! and sweeps that catch what events miss. One task per machine; one that hangs, floods, lies or flaps disturbs nobody.

pub mod counts;
mod follow;
mod guests;
mod lanes;
mod node;
mod sweep;
mod tally;

use crate::context::Engine;
use crate::limits::SWEEP_PAUSE;
use counts::Counts;
use guests::Guests;
use lanes::Lanes;
use model::ids::{ClusterId, NodeId};
use model::inventory::{ClusterPhase, Purpose};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
pub(crate) use sweep::Question;
use tally::Tally;
use tokio::task::AbortHandle;

/// The running watchers; dropping the last handle does not stop them, `stop_all` does.
#[derive(Clone, Default)]
pub struct Watchers {
    /// What went wrong.
    pub counts: Arc<Counts>,
    /// How many guests there are.
    pub guests: Guests,
    tally: Tally,
    lanes: Lanes,
    running: Arc<Mutex<BTreeMap<Key, AbortHandle>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Node(ClusterId, NodeId),
    Aging(ClusterId),
}

impl Key {
    const fn cluster(self) -> ClusterId {
        match self {
            Self::Node(cluster, _) | Self::Aging(cluster) => cluster,
        }
    }
}

impl Watchers {
    fn ensure(&self, key: Key, spawn: impl FnOnce() -> AbortHandle) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&key).is_none_or(AbortHandle::is_finished) {
            running.insert(key, spawn());
        }
    }

    fn stop_where(&self, gone: impl Fn(Key) -> bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|key, handle| {
            if gone(*key) {
                handle.abort();
            }
            !gone(*key)
        });
    }

    /// Ends every watcher.
    pub fn stop_all(&self) {
        self.stop_where(|_| true);
    }
}

impl Engine {
    /// Watches every member of a live cluster; what is watched already stays as it is.
    pub async fn watch(&self, cluster: ClusterId) {
        let Ok(known) = self.store.cluster(cluster).await else { return };
        let Ok(nodes) = self.store.nodes(cluster).await else { return };
        self.hub.set_nodes(cluster, &nodes);
        if known.phase != ClusterPhase::Live {
            return;
        }
        for node in nodes.into_iter().filter(|node| node.purpose == Purpose::Member) {
            let engine = self.clone();
            let id = node.id;
            self.watchers
                .ensure(Key::Node(cluster, id), || tokio::spawn(node::watch(engine, cluster, id)).abort_handle());
        }
        let engine = self.clone();
        self.watchers.ensure(Key::Aging(cluster), || tokio::spawn(age(engine, cluster)).abort_handle());
    }

    /// Watches every live cluster, and takes up what was gathered of each one before the console ended.
    pub async fn watch_all(&self) {
        for cluster in self.store.clusters().await.unwrap_or_default() {
            self.remember_gathered(cluster.id).await;
            self.watch(cluster.id).await;
        }
    }

    /// Stops watching a cluster that is being forgotten.
    pub fn unwatch(&self, cluster: ClusterId) {
        self.watchers.stop_where(|key| key.cluster() == cluster);
        self.hub.forget(cluster);
        self.watchers.guests.forget(cluster);
        self.evidence.forget(cluster);
    }

    /// Stops watching a machine that is being forgotten.
    pub fn unwatch_node(&self, node: NodeId) {
        self.watchers.stop_where(|key| matches!(key, Key::Node(_, id) if id == node));
    }
}

/// Folds again whenever a fact grows stale or unknown without any news.
async fn age(engine: Engine, cluster: ClusterId) {
    loop {
        let now = engine.clock.now();
        let due = engine.hub.snapshot(cluster).and_then(|snapshot| snapshot.next_aging);
        let pause = due
            .and_then(|due| u64::try_from(due.duration_since(now).as_millis()).ok())
            .map_or(SWEEP_PAUSE, std::time::Duration::from_millis)
            .min(SWEEP_PAUSE);
        tokio::time::sleep(pause + std::time::Duration::from_millis(1)).await;
        if due.is_some_and(|due| engine.clock.now() >= due) {
            engine.hub.age(cluster);
        }
    }
}
