//! One place per cluster where observations meet: the last views, the folded snapshot, the stream to the browsers.

use crate::limits::LIVE_BACKLOG;
use crate::ports::Clock;
use jiff::Timestamp;
use model::facts::{CorosyncConf, LinkStatus, PmxMembers, QuorumStatus};
use model::ids::{ClusterId, NodeId};
use model::inventory::{Node, Purpose};
use model::live::{Live, LiveEvent};
use model::observation::Fact;
use model::preflight::Matrix;
use model::topology::{Contact, HAPPENINGS_MAX, Happening, HappeningCode, NodeView, Snapshot, changes, fold};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast};

/// One thing that a node said, or that became of the connection to it.
#[derive(Debug, Clone)]
pub enum Observed {
    Quorum(Fact<QuorumStatus>),
    /// corosync does not run there, or the node is in no cluster.
    NoQuorum,
    Links(Fact<LinkStatus>),
    Members(Fact<PmxMembers>),
    Conf(Fact<CorosyncConf>),
    Version(Fact<String>),
    Contact(Contact),
}

/// All clusters. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    clock: Arc<dyn Clock>,
    places: Arc<Mutex<BTreeMap<ClusterId, Place>>>,
}

struct Place {
    views: Vec<NodeView>,
    snapshot: Arc<Snapshot>,
    changed: BTreeMap<String, Timestamp>,
    matrix: Option<Arc<Matrix>>,
    seq: u64,
    live: broadcast::Sender<Arc<LiveEvent>>,
    look: Arc<Notify>,
}

impl Hub {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, places: Arc::default() }
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<ClusterId, Place>> {
        // A panic while holding it can only come from an allocation; the data is still whole.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, cluster: ClusterId, work: impl FnOnce(&mut Place, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut places = self.places();
        let place = places.entry(cluster).or_insert_with(|| Place::new(cluster, now));
        work(place, now)
    }

    /// Takes over the list of machines: new ones are untried, forgotten ones leave.
    pub fn set_nodes(&self, cluster: ClusterId, nodes: &[Node]) {
        self.with(cluster, |place, now| {
            let members: Vec<&Node> = nodes.iter().filter(|node| node.purpose == Purpose::Member).collect();
            place.views.retain(|view| members.iter().any(|node| node.id == view.id));
            for node in members {
                match place.views.iter_mut().find(|view| view.id == node.id) {
                    Some(view) => node.label().clone_into(&mut view.name),
                    None => place.views.push(empty_view(node)),
                }
            }
            place.refold(cluster, now);
        });
    }

    /// Takes over one observation and tells everybody. Older facts never replace newer ones.
    pub fn observe(&self, cluster: ClusterId, node: NodeId, observed: Observed) {
        self.with(cluster, |place, now| {
            let Some(view) = place.views.iter_mut().find(|view| view.id == node) else { return };
            take(view, observed);
            place.refold(cluster, now);
        });
    }

    /// Folds again because facts have aged.
    pub fn age(&self, cluster: ClusterId) {
        self.with(cluster, |place, now| place.refold(cluster, now));
    }

    #[must_use]
    pub fn snapshot(&self, cluster: ClusterId) -> Option<Arc<Snapshot>> {
        self.places().get(&cluster).map(|place| Arc::clone(&place.snapshot))
    }

    /// The snapshot as of now (empty where nothing is known) and the sequence from which a stream goes on.
    #[must_use]
    pub fn look(&self, cluster: ClusterId) -> (Arc<Snapshot>, u64) {
        self.with(cluster, |place, now| {
            place.fold_quietly(cluster, now);
            (Arc::clone(&place.snapshot), place.seq)
        })
    }

    #[must_use]
    pub fn matrix(&self, cluster: ClusterId) -> Option<Arc<Matrix>> {
        self.places().get(&cluster).and_then(|place| place.matrix.clone())
    }

    pub fn set_matrix(&self, cluster: ClusterId, matrix: Matrix) {
        self.with(cluster, |place, now| {
            place.matrix = Some(Arc::new(matrix.clone()));
            place.push(Live::Matrix(Box::new(matrix)), now);
        });
    }

    /// Sends something to everybody who watches the cluster.
    pub fn push(&self, cluster: ClusterId, what: Live) {
        self.with(cluster, |place, now| place.push(what, now));
    }

    /// A receiver of everything from now on.
    #[must_use]
    pub fn subscribe(&self, cluster: ClusterId) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.with(cluster, |place, _| place.live.subscribe())
    }

    /// Brings the next look at a cluster's nodes forward.
    pub fn look_again(&self, cluster: ClusterId) {
        self.with(cluster, |place, _| place.look.notify_waiters());
    }

    /// Wakes up when somebody asks for another look.
    #[must_use]
    pub fn looks(&self, cluster: ClusterId) -> Arc<Notify> {
        self.with(cluster, |place, _| Arc::clone(&place.look))
    }

    pub fn forget(&self, cluster: ClusterId) {
        self.places().remove(&cluster);
    }
}

impl Place {
    fn new(cluster: ClusterId, now: Timestamp) -> Self {
        let snapshot = fold(cluster, &[], Vec::new(), &BTreeMap::new(), now);
        Self {
            views: Vec::new(),
            snapshot: Arc::new(snapshot),
            changed: BTreeMap::new(),
            matrix: None,
            seq: 0,
            live: broadcast::channel(LIVE_BACKLOG).0,
            look: Arc::default(),
        }
    }

    fn push(&mut self, what: Live, at: Timestamp) {
        self.seq += 1;
        // Nobody listening is no error.
        let _ = self.live.send(Arc::new(LiveEvent { seq: self.seq, at, what }));
    }

    fn refold(&mut self, cluster: ClusterId, now: Timestamp) {
        self.fold_quietly(cluster, now);
        let snapshot = Box::new((*self.snapshot).clone());
        self.push(Live::Snapshot(snapshot), now);
    }

    fn fold_quietly(&mut self, cluster: ClusterId, now: Timestamp) {
        let happened = self.snapshot.happened.clone();
        let mut next = fold(cluster, &self.views, happened, &self.changed, now);
        let fresh = changes(&self.snapshot, &next);
        if !fresh.is_empty() {
            self.note(&fresh);
            let happened = merge(fresh, std::mem::take(&mut next.happened));
            next = fold(cluster, &self.views, happened, &self.changed, now);
        }
        self.snapshot = Arc::new(next);
    }

    fn note(&mut self, fresh: &[Happening]) {
        for one in fresh {
            if matches!(one.code, HappeningCode::MemberLeft | HappeningCode::MemberJoined)
                && let Some(node) = one.params.get("node")
            {
                self.changed.insert(node.clone(), one.at);
            }
        }
    }
}

fn merge(mut fresh: Vec<Happening>, old: Vec<Happening>) -> Vec<Happening> {
    fresh.reverse();
    fresh.extend(old);
    fresh.truncate(HAPPENINGS_MAX);
    fresh
}

fn empty_view(node: &Node) -> NodeView {
    NodeView {
        id: node.id,
        name: node.label().to_owned(),
        contact: Contact::Untried,
        quorum: None,
        links: None,
        members: None,
        conf: None,
        version: None,
    }
}

fn take(view: &mut NodeView, observed: Observed) {
    match observed {
        Observed::Quorum(fact) => newer(&mut view.quorum, fact),
        Observed::NoQuorum => view.quorum = None,
        Observed::Links(fact) => newer(&mut view.links, fact),
        Observed::Members(fact) => newer(&mut view.members, fact),
        Observed::Conf(fact) => newer(&mut view.conf, fact),
        Observed::Version(fact) => newer(&mut view.version, fact),
        Observed::Contact(contact) => view.contact = contact,
    }
}

fn newer<T>(slot: &mut Option<Fact<T>>, fact: Fact<T>) {
    if slot.as_ref().is_none_or(|old| old.at <= fact.at) {
        *slot = Some(fact);
    }
}
