//! Watching one machine, for as long as the cluster is known.

use super::{follow, sweep};
use crate::context::Engine;
use crate::hub::Observed;
use crate::limits::{DIAL_RETRY_PAUSE, FLAP_CHANGES, FLAP_HOLD, FLAP_WINDOW};
use crate::ports::{NodeShell, StoreError};
use crate::watch::counts::Counts;
use model::ids::{ClusterId, NodeId};
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::topology::Contact;
use pve::journal::Cursor;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// A connected machine, for all that look at it.
pub struct Watched<'a> {
    pub engine: &'a Engine,
    pub cluster: ClusterId,
    pub node: &'a Node,
    pub shell: &'a Arc<dyn NodeShell>,
    /// Brings the next look forward.
    pub wake: Notify,
}

impl Watched<'_> {
    /// Tells the hub, and hurries to machines that this answer has found again.
    pub fn observe(&self, observed: Observed) {
        self.engine.watchers.tally.count(self.cluster, self.node.id, &observed, self.engine.clock.now());
        for node in self.engine.hub.observe(self.cluster, self.node.id, observed) {
            self.engine.dialer.hurry(node);
        }
    }

    pub fn keep(&self, evidence: Evidence) {
        self.engine.evidence.keep(self.cluster, evidence);
    }

    pub fn lost(&self) -> Problem {
        Problem::new(ProblemCode::ConnectionLost).with("node", self.node.label())
    }
}

/// Never returns before the machine is forgotten; aborted then at the latest.
pub async fn watch(engine: Engine, cluster: ClusterId, id: NodeId) {
    let mut contacts = Contacts::default();
    let mut cursor = None;
    loop {
        let node = match engine.store.node(id).await {
            Ok(node) => node,
            Err(StoreError::NotFound { .. }) => return,
            // A busy disk is no reason to stop watching.
            Err(_) => {
                sleep(DIAL_RETRY_PAUSE).await;
                continue;
            }
        };
        match engine.shell_to(&node).await {
            Ok(shell) => {
                let hold = contacts.came(Instant::now());
                if hold > Duration::ZERO {
                    Counts::add(&engine.watchers.counts.flaps);
                }
                let watched = Watched { engine: &engine, cluster, node: &node, shell: &shell, wake: Notify::new() };
                let problem = connected(&watched, &mut cursor, hold).await;
                contacts.went(Instant::now());
                lost(&engine, cluster, id, problem);
            }
            Err(problem) => lost(&engine, cluster, id, problem),
        }
        sleep(DIAL_RETRY_PAUSE).await;
    }
}

/// The time of the loss is the first failure, not the newest one.
fn lost(engine: &Engine, cluster: ClusterId, id: NodeId, problem: Problem) {
    let known = engine.hub.contact(cluster, id);
    let was_lost = matches!(known, Some(Contact::Lost { .. }));
    let since = match known {
        Some(Contact::Lost { since, problem: known }) if known.code == problem.code => since,
        _ => engine.clock.now(),
    };
    let observed = Observed::Contact(Contact::Lost { since, problem });
    if !was_lost {
        engine.watchers.tally.count(cluster, id, &observed, engine.clock.now());
    }
    engine.hub.observe(cluster, id, observed);
}

/// Sweeps and follows until the connection breaks; returns why it did.
///
/// What is read counts at once; that the connection stands is told after `hold`.
async fn connected(watched: &Watched<'_>, cursor: &mut Option<Cursor>, hold: Duration) -> Problem {
    let since = watched.engine.clock.now();
    let announce = async {
        if hold > Duration::ZERO {
            sleep(hold).await;
        }
        watched.observe(Observed::Contact(Contact::Connected { since }));
        std::future::pending::<Problem>().await
    };
    tokio::select! {
        // In this order: that it stands is known before what it says.
        biased;
        problem = announce => problem,
        problem = sweep::repeat(watched) => problem,
        () = follow::quorum(watched) => watched.lost(),
        () = follow::journal(watched, cursor) => watched.lost(),
    }
}

/// When the connection came and went lately.
#[derive(Debug, Default)]
struct Contacts {
    came_before: bool,
    changes: VecDeque<Instant>,
}

impl Contacts {
    /// For how long the connection has to last before it is believed. The very first one is no change.
    fn came(&mut self, now: Instant) -> Duration {
        if !std::mem::replace(&mut self.came_before, true) {
            return Duration::ZERO;
        }
        self.change(now);
        if self.changes.len() >= FLAP_CHANGES { FLAP_HOLD } else { Duration::ZERO }
    }

    fn went(&mut self, now: Instant) {
        self.change(now);
    }

    fn change(&mut self, now: Instant) {
        self.changes.retain(|at| now.duration_since(*at) < FLAP_WINDOW);
        // As many as are counted, and one more.
        if self.changes.len() > FLAP_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_break_is_no_flapping_and_three_changes_in_a_minute_are() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut contacts = Contacts::default();
        assert_eq!(contacts.came(at(0)), Duration::ZERO);
        contacts.went(at(5));
        assert_eq!(contacts.came(at(8)), Duration::ZERO, "it broke once");
        contacts.went(at(20));
        assert_eq!(contacts.came(at(23)), FLAP_HOLD);
        contacts.went(at(200));
        assert_eq!(contacts.came(at(203)), Duration::ZERO, "long ago is forgotten");
        assert!(contacts.changes.len() <= FLAP_CHANGES + 1);
    }
}
