//! Where one cluster's observations meet.

use super::view::{self, News};
use super::{Measured, Message, Observed};
use crate::limits::{HURRY_PAUSE, LIVE_BACKLOG, REPEAT_PAUSE, REPLAY_MAX, SEND_PAUSE, SWEEP_PAUSE};
use crate::ports::Clock;
use jiff::Timestamp;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Node, Purpose};
use model::live::{Live, LiveEvent};
use model::preflight::Matrix;
use model::problem::ProblemCode;
use model::topology::{
    Contact, HAPPENINGS_MAX, Happening, HappeningCode, NodeView, Snapshot, changes, fold, in_nodelist,
};
use model::verify::Verification;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep_until};

pub(super) struct Place {
    cluster: ClusterId,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    live: broadcast::Sender<Arc<Message>>,
    look: Arc<Notify>,
}

struct State {
    views: Vec<NodeView>,
    snapshot: Arc<Snapshot>,
    changed: BTreeMap<String, Timestamp>,
    matrix: Option<Arc<Matrix>>,
    measured: Option<Arc<Measured>>,
    verification: Option<Arc<Verification>>,
    seq: u64,
    /// What a browser that was cut off cannot get from the newest state: operations and their lines, oldest first.
    recent: VecDeque<Arc<Message>>,
    /// The sequence of the newest message that has left `recent`.
    forgotten: u64,
    /// The newest time that was handed out: a clock that is set back does not take the stream along.
    at: Timestamp,
    /// The views know more than the snapshot.
    unfolded: bool,
    /// The snapshot, or the views, know more than what was sent.
    unsent: bool,
    sent_at: Option<Instant>,
    /// When a task of this place will send.
    due: Option<Instant>,
    /// When a machine was last said to be within reach again.
    hurried: BTreeMap<NodeId, Instant>,
}

impl Place {
    pub(super) fn new(cluster: ClusterId, clock: Arc<dyn Clock>) -> Arc<Self> {
        let at = clock.now();
        let state = State {
            views: Vec::new(),
            snapshot: Arc::new(fold(cluster, &[], Vec::new(), &BTreeMap::new(), at)),
            changed: BTreeMap::new(),
            matrix: None,
            measured: None,
            verification: None,
            seq: 0,
            recent: VecDeque::new(),
            forgotten: 0,
            at,
            unfolded: false,
            unsent: false,
            sent_at: None,
            due: None,
            hurried: BTreeMap::new(),
        };
        let live = broadcast::channel(LIVE_BACKLOG).0;
        Arc::new(Self { cluster, clock, state: Mutex::new(state), live, look: Arc::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while holding it can only come from an allocation; the data is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_nodes(&self, nodes: &[Node]) {
        let mut state = self.lock();
        let members: Vec<&Node> = nodes.iter().filter(|node| node.purpose == Purpose::Member).collect();
        state.views.retain(|view| members.iter().any(|node| node.id == view.id));
        state.hurried.retain(|id, _| members.iter().any(|node| node.id == *id));
        for node in members {
            match state.views.iter_mut().find(|view| view.id == node.id) {
                Some(view) => node.label().clone_into(&mut view.name),
                None => state.views.push(NodeView::untried(node.id, node.label().to_owned())),
            }
        }
        state.mark();
        self.send_snapshot(&mut state);
    }

    pub(super) fn observe(self: &Arc<Self>, node: NodeId, observed: Observed) -> Vec<NodeId> {
        let mut state = self.lock();
        let names_members = matches!(observed, Observed::Quorum(_) | Observed::Block(_));
        let Some(view) = state.views.iter_mut().find(|view| view.id == node) else { return Vec::new() };
        let pause = match view::take(view, observed) {
            News::Nothing => return Vec::new(),
            News::Changed => SEND_PAUSE,
            News::Repeated if self.live.receiver_count() > 0 => REPEAT_PAUSE,
            // Nobody sees it; whoever looks folds.
            News::Repeated => SWEEP_PAUSE,
        };
        state.mark();
        self.send_after(&mut state, pause);
        if names_members { state.found_again(node, Instant::now()) } else { Vec::new() }
    }

    /// Sends now, or when so much time has passed since the last sending.
    fn send_after(self: &Arc<Self>, state: &mut State, pause: Duration) {
        let now = Instant::now();
        let due = state.sent_at.map_or(now, |sent| sent + pause);
        if state.due.is_some_and(|planned| planned <= due) {
            return;
        }
        let runtime = Handle::try_current().ok().filter(|_| due > now);
        let Some(runtime) = runtime else {
            self.send_snapshot(state);
            return;
        };
        state.due = Some(due);
        let place = Arc::downgrade(self);
        runtime.spawn(async move {
            sleep_until(due).await;
            if let Some(place) = place.upgrade() {
                place.send_if_due(due);
            }
        });
    }

    fn send_if_due(&self, due: Instant) {
        let mut state = self.lock();
        // Another one may have been faster, or nearer.
        if state.due == Some(due) {
            self.send_snapshot(&mut state);
        }
    }

    pub(super) fn age(&self) {
        let mut state = self.lock();
        state.mark();
        self.send_snapshot(&mut state);
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        let mut state = self.lock();
        if state.unfolded {
            self.fold(&mut state);
        }
        Arc::clone(&state.snapshot)
    }

    pub(super) fn look(&self) -> (Arc<Snapshot>, u64) {
        let mut state = self.lock();
        self.fold(&mut state);
        (Arc::clone(&state.snapshot), state.seq)
    }

    pub(super) fn contact(&self, node: NodeId) -> Option<Contact> {
        self.lock().views.iter().find(|view| view.id == node).map(|view| view.contact.clone())
    }

    pub(super) fn in_nodelist(&self, node: NodeId, claimed: &BTreeSet<NodeId>) -> Option<bool> {
        in_nodelist(&self.lock().views, node, claimed)
    }

    pub(super) fn quorum_lost_at(&self) -> Option<Timestamp> {
        self.lock().views.iter().filter_map(|view| view.quorum_lost_at).max()
    }

    pub(super) fn matrix(&self) -> Option<Arc<Matrix>> {
        self.lock().matrix.clone()
    }

    pub(super) fn set_matrix(&self, matrix: Arc<Matrix>) {
        let mut state = self.lock();
        state.matrix = Some(Arc::clone(&matrix));
        // Raw answers of what passed are asked for one by one.
        self.send(&mut state, Live::Matrix(Arc::new(matrix.for_page())));
    }

    pub(super) fn measured(&self) -> Option<Arc<Measured>> {
        self.lock().measured.clone()
    }

    pub(super) fn set_measured(&self, measured: Measured) {
        let mut state = self.lock();
        let sent = Arc::clone(&measured.report);
        state.measured = Some(Arc::new(measured));
        self.send(&mut state, Live::Measurement(sent));
    }

    pub(super) fn verification(&self) -> Option<Arc<Verification>> {
        self.lock().verification.clone()
    }

    pub(super) fn set_verification(&self, report: Verification) {
        self.lock().verification = Some(Arc::new(report));
    }

    pub(super) fn push(&self, what: Live) {
        self.send(&mut self.lock(), what);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Message>> {
        self.live.subscribe()
    }

    /// A receiver, and what was sent after `since` and is more than state; `None` where that is not known any more.
    pub(super) fn resume(&self, since: u64) -> (broadcast::Receiver<Arc<Message>>, Option<Vec<Arc<Message>>>) {
        // Under one lock: what is sent meanwhile comes either with the missed or from the receiver, not both ways.
        let state = self.lock();
        let missed = (since >= state.forgotten && since <= state.seq)
            .then(|| state.recent.iter().filter(|message| message.seq > since).cloned().collect());
        (self.live.subscribe(), missed)
    }

    pub(super) fn looks(&self) -> Arc<Notify> {
        Arc::clone(&self.look)
    }

    fn now(&self, state: &mut State) -> Timestamp {
        state.at = state.at.max(self.clock.now());
        state.at
    }

    fn send(&self, state: &mut State, what: Live) {
        let at = self.now(state);
        state.seq += 1;
        let message = Arc::new(Message::new(LiveEvent { seq: state.seq, at, what }));
        state.remember(&message);
        // Nobody listening is no error.
        let _ = self.live.send(message);
    }

    fn send_snapshot(&self, state: &mut State) {
        state.due = None;
        if state.unfolded {
            self.fold(state);
        }
        if !state.unsent {
            return;
        }
        state.unsent = false;
        state.sent_at = Some(Instant::now());
        let snapshot = Arc::clone(&state.snapshot);
        self.send(state, Live::Snapshot(snapshot));
    }

    fn fold(&self, state: &mut State) {
        let now = self.now(state);
        let happened = state.snapshot.happened.clone();
        let mut next = fold(self.cluster, &state.views, happened, &state.changed, now);
        let fresh = changes(&state.snapshot, &next);
        if !fresh.is_empty() {
            state.note(&fresh);
            let happened = merge(fresh, std::mem::take(&mut next.happened));
            next = fold(self.cluster, &state.views, happened, &state.changed, now);
        }
        state.snapshot = Arc::new(next);
        state.unfolded = false;
    }
}

impl State {
    fn remember(&mut self, message: &Arc<Message>) {
        if matches!(message.what, Live::Snapshot(_) | Live::Matrix(_) | Live::Measurement(_)) {
            return;
        }
        self.recent.push_back(Arc::clone(message));
        while self.recent.len() > REPLAY_MAX {
            self.forgotten = self.recent.pop_front().map_or(self.forgotten, |oldest| oldest.seq);
        }
    }

    fn mark(&mut self) {
        self.unfolded = true;
        self.unsent = true;
    }

    /// Machines without a connection that `teller` names as members, each once in a while.
    fn found_again(&mut self, teller: NodeId, now: Instant) -> Vec<NodeId> {
        let Some(told) = self.views.iter().find(|view| view.id == teller).and_then(|view| view.quorum.as_ref()) else {
            return Vec::new();
        };
        let conf = self.views.iter().filter_map(|view| view.conf.as_ref()).max_by_key(|fact| fact.value.config_version);
        let named = |name: &str| {
            let id = conf.and_then(|fact| fact.value.nodes.iter().find(|node| node.name == name)).map(|node| node.id);
            told.value.members.iter().any(|member| Some(member.id) == id)
        };
        let lost: Vec<NodeId> = self
            .views
            .iter()
            .filter(|view| out_of_reach(&view.contact))
            .filter(|view| named(&view.name))
            .map(|view| view.id)
            .collect();
        lost.into_iter()
            .filter(|node| {
                let due = self.hurried.get(node).is_none_or(|last| now.duration_since(*last) >= HURRY_PAUSE);
                if due {
                    self.hurried.insert(*node, now);
                }
                due
            })
            .collect()
    }

    fn note(&mut self, fresh: &[Happening]) {
        // Whoever folded it, everybody is to be told.
        self.unsent = true;
        for one in fresh {
            if matches!(one.code, HappeningCode::MemberLeft | HappeningCode::MemberJoined)
                && let Some(node) = one.params.get("node")
            {
                self.changed.insert(node.clone(), one.at);
            }
        }
    }
}

/// Lost for a reason that time can mend; a key that is not the right one stays so.
fn out_of_reach(contact: &Contact) -> bool {
    use ProblemCode::{HostKeyChanged, HostKeyUnknown, KeyRefused};
    matches!(contact, Contact::Lost { problem, .. } if !matches!(problem.code, HostKeyChanged | HostKeyUnknown | KeyRefused))
}

fn merge(mut fresh: Vec<Happening>, old: Vec<Happening>) -> Vec<Happening> {
    fresh.reverse();
    fresh.extend(old);
    fresh.truncate(HAPPENINGS_MAX);
    fresh
}
