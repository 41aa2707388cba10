//! One place per cluster where observations meet: the last views, the folded snapshot, the stream to the browsers.
//!
//! Each cluster has its own place and lock, so that a busy one does not slow the others down. An observation marks the
//! place; folding and sending happens at once if nothing was sent lately, else when the next sending is due.

mod message;
mod place;
mod view;

pub use message::Message;

use crate::ports::Clock;
use jiff::Timestamp;
use model::capability::Packages;
use model::facts::{CorosyncConf, LinkStatus, PmxMembers, QuorumStatus};
use model::ids::{ClusterId, NodeId};
use model::inventory::Node;
use model::live::Live;
use model::measure::Measurement;
use model::observation::{Evidence, Fact};
use model::preflight::Matrix;
use model::topology::{Contact, Snapshot};
use model::verify::Verification;
use place::Place;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast};

/// One thing that a node said, or that became of the connection to it.
#[derive(Debug, Clone)]
pub enum Observed {
    /// An answer to a question: it stands, whatever it says.
    Quorum(Fact<QuorumStatus>),
    /// A block that the follower printed. Older corosync versions print some late: one of an older ring says nothing.
    Block(Fact<QuorumStatus>),
    /// corosync does not run there, or the node is in no cluster.
    NoQuorum(Fact<()>),
    Links(Fact<LinkStatus>),
    Members(Fact<PmxMembers>),
    Conf(Fact<CorosyncConf>),
    Packages(Fact<Packages>),
    QuorumtoolOptions(Fact<BTreeSet<char>>),
    Contact(Contact),
}

/// The links as they were measured last, with each node's whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub report: Arc<Measurement>,
    pub evidence: BTreeMap<NodeId, Evidence>,
}

/// All clusters. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    clock: Arc<dyn Clock>,
    /// Tells the sequences of this run from those of an earlier one.
    epoch: i64,
    places: Arc<Mutex<BTreeMap<ClusterId, Arc<Place>>>>,
}

impl Hub {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { epoch: clock.now().as_microsecond(), clock, places: Arc::default() }
    }

    /// Held for a look-up only, never while folding.
    fn places(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Arc<Place>>> {
        // A panic while holding it can only come from an allocation; the data is still whole.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, cluster: ClusterId) -> Option<Arc<Place>> {
        self.places().get(&cluster).map(Arc::clone)
    }

    fn place(&self, cluster: ClusterId) -> Arc<Place> {
        let mut places = self.places();
        Arc::clone(places.entry(cluster).or_insert_with(|| Place::new(cluster, Arc::clone(&self.clock))))
    }

    /// Takes over the list of machines: new ones are untried, forgotten ones leave.
    pub fn set_nodes(&self, cluster: ClusterId, nodes: &[Node]) {
        self.place(cluster).set_nodes(nodes);
    }

    /// Takes over one observation and tells everybody. Older facts never replace newer ones.
    ///
    /// Returns machines without a connection that the node names as members: they may be within reach again.
    pub fn observe(&self, cluster: ClusterId, node: NodeId, observed: Observed) -> Vec<NodeId> {
        self.place(cluster).observe(node, observed)
    }

    /// Folds again because facts have aged.
    pub fn age(&self, cluster: ClusterId) {
        self.place(cluster).age();
    }

    /// What is known by now, with everything that was observed.
    #[must_use]
    pub fn snapshot(&self, cluster: ClusterId) -> Option<Arc<Snapshot>> {
        self.known(cluster).map(|place| place.snapshot())
    }

    /// What became of the connection to a machine.
    #[must_use]
    pub fn contact(&self, cluster: ClusterId, node: NodeId) -> Option<Contact> {
        self.known(cluster)?.contact(node)
    }

    /// Whether a machine is in the cluster's corosync.conf, as [`model::topology::in_nodelist`] tells it.
    #[must_use]
    pub fn in_nodelist(&self, cluster: ClusterId, node: NodeId, claimed: &BTreeSet<NodeId>) -> Option<bool> {
        self.known(cluster)?.in_nodelist(node, claimed)
    }

    /// When a machine of the cluster was last seen to lose its quorum, or first seen without one, and has none since.
    #[must_use]
    pub fn quorum_lost_at(&self, cluster: ClusterId) -> Option<Timestamp> {
        self.known(cluster)?.quorum_lost_at()
    }

    /// The snapshot as of now (empty where nothing is known) and the sequence from which a stream goes on.
    #[must_use]
    pub fn look(&self, cluster: ClusterId) -> (Arc<Snapshot>, u64) {
        self.place(cluster).look()
    }

    #[must_use]
    pub fn matrix(&self, cluster: ClusterId) -> Option<Arc<Matrix>> {
        self.known(cluster)?.matrix()
    }

    pub fn set_matrix(&self, cluster: ClusterId, matrix: Matrix) {
        self.place(cluster).set_matrix(Arc::new(matrix));
    }

    /// The links as they were measured last, as far as nodes have answered.
    #[must_use]
    pub fn measured(&self, cluster: ClusterId) -> Option<Arc<Measured>> {
        self.known(cluster)?.measured()
    }

    pub fn set_measured(&self, cluster: ClusterId, measured: Measured) {
        self.place(cluster).set_measured(measured);
    }

    /// What all members said in the last verification.
    #[must_use]
    pub fn verification(&self, cluster: ClusterId) -> Option<Arc<Verification>> {
        self.known(cluster)?.verification()
    }

    pub fn set_verification(&self, cluster: ClusterId, report: Verification) {
        self.place(cluster).set_verification(report);
    }

    /// Sends something to everybody who watches the cluster.
    pub fn push(&self, cluster: ClusterId, what: Live) {
        self.place(cluster).push(what);
    }

    /// A receiver of everything from now on.
    #[must_use]
    pub fn subscribe(&self, cluster: ClusterId) -> broadcast::Receiver<Arc<Message>> {
        self.place(cluster).subscribe()
    }

    /// A receiver of everything from now on, and what a browser missed that heard `since` last.
    ///
    /// `None` when that is too long ago: it needs the whole state.
    #[must_use]
    pub fn resume(
        &self,
        cluster: ClusterId,
        since: u64,
    ) -> (broadcast::Receiver<Arc<Message>>, Option<Vec<Arc<Message>>>) {
        self.place(cluster).resume(since)
    }

    /// The run that the sequences belong to: after a restart they begin anew.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Brings the next look at a cluster's nodes forward.
    pub fn look_again(&self, cluster: ClusterId) {
        self.place(cluster).looks().notify_waiters();
    }

    /// Wakes up when somebody asks for another look.
    #[must_use]
    pub fn looks(&self, cluster: ClusterId) -> Arc<Notify> {
        self.place(cluster).looks()
    }

    pub fn forget(&self, cluster: ClusterId) {
        self.places().remove(&cluster);
    }
}
