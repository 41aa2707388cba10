//! One cluster, followed while somebody looks: first paint from the page, then the server's stream.

mod source;

use crate::api::ClusterView;
use crate::reactive::memo;
use crate::state::belief::believed;
use crate::state::clock::{Clock, use_clock};
use jiff::Timestamp;
use leptos::prelude::*;
use model::ids::{ClusterId, OperationId};
use model::live::{Live, LiveEvent};
use model::measure::Measurement;
use model::operation::{Operation, OutputLine};
use model::preflight::Matrix;
use model::topology::{Agreement, Health, Snapshot};
use std::sync::Arc;

/// Lines of output that a page keeps of the operation that prints now; the operation's own page has the rest.
pub const OUTPUT_LINES_MAX: usize = 2_000;

/// How often the browser judges by itself what has become too old, in seconds: no page is greener than its ages say.
const BELIEF_STEP_S: i64 = 1;

/// The state of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The page is not awake yet, or the stream is being opened for the first time.
    Opening,
    Live,
    /// The stream broke; the browser tries again by itself.
    Reconnecting {
        since: Timestamp,
    },
}

/// A cluster that is followed. Copy it freely; it ends with the component that made it.
#[derive(Clone, Copy)]
pub struct LiveCluster {
    pub id: ClusterId,
    /// As it came.
    pub snapshot: RwSignal<Snapshot>,
    /// As it is to be believed now; this is what pages show.
    pub believed: Memo<Snapshot>,
    /// Newest first.
    pub operations: RwSignal<Vec<Operation>>,
    /// `None` until checks have run since the page was opened; the wizard fills it from its first paint.
    pub matrix: RwSignal<Option<Matrix>>,
    /// The links as they were measured last, as far as nodes have answered.
    pub measurement: RwSignal<Option<Measurement>>,
    /// What the running operation prints, in order, without gaps or doubles.
    pub output: RwSignal<Vec<OutputLine>>,
    pub connection: RwSignal<Connection>,
    /// When the server last said anything, its heartbeat included.
    pub heard_at: RwSignal<Timestamp>,
    /// Grows when the stream has to be opened anew.
    #[cfg(not(feature = "ssr"))]
    attempt: RwSignal<u32>,
    /// Whose lines `output` holds.
    printing: StoredValue<Option<OperationId>>,
    /// The page is about this one, whatever else the cluster does.
    only: Option<OperationId>,
    clock: Clock,
}

/// Follows a cluster from what the page was painted with, and provides it to the components below.
#[must_use]
pub fn follow(view: &ClusterView) -> LiveCluster {
    begin(view.snapshot.clone(), view.operations.clone(), None)
}

/// Follows the cluster of an operation; nothing is known of its nodes before the stream tells it.
#[must_use]
pub fn follow_operation(operation: &Operation) -> LiveCluster {
    let nothing_yet = Snapshot {
        cluster: operation.cluster,
        at: Timestamp::UNIX_EPOCH,
        cluster_name: None,
        config_version: None,
        expected_set: None,
        health: Health::Unknown,
        agreement: Agreement::Unknown,
        quorum: None,
        tolerates: None,
        nodes: Vec::new(),
        links: Vec::new(),
        qdevice: None,
        happened: Vec::new(),
        next_aging: None,
    };
    begin(nothing_yet, vec![operation.clone()], Some(operation.id))
}

fn begin(first: Snapshot, operations: Vec<Operation>, only: Option<OperationId>) -> LiveCluster {
    let clock = use_clock();
    let (id, at) = (first.cluster, first.at);
    let snapshot = RwSignal::new(first);
    let step = memo(move |_| clock.now().as_second() / BELIEF_STEP_S);
    let believed = memo(move |_| {
        step.track();
        believed(snapshot.get(), clock.now_untracked())
    });
    let printing = only.or_else(|| operations.iter().find(|one| one.state.holds_cluster()).map(|one| one.id));
    let live = LiveCluster {
        id,
        snapshot,
        believed,
        operations: RwSignal::new(operations),
        matrix: RwSignal::new(None),
        measurement: RwSignal::new(None),
        output: RwSignal::new(Vec::new()),
        connection: RwSignal::new(Connection::Opening),
        heard_at: RwSignal::new(at),
        #[cfg(not(feature = "ssr"))]
        attempt: RwSignal::new(0),
        printing: StoredValue::new(printing),
        only,
        clock,
    };
    provide_context(live);
    source::open(live);
    live
}

/// The cluster that the page follows, where it follows one.
#[must_use]
pub fn use_live() -> Option<LiveCluster> {
    use_context()
}

impl LiveCluster {
    /// Takes over one event of the stream. What is older than what is known is dropped.
    pub fn take(self, event: LiveEvent) {
        self.clock.heard(event.at);
        self.heard_at.update(|at| *at = event.at.max(*at));
        match event.what {
            Live::Snapshot(new) => self.take_snapshot(Arc::unwrap_or_clone(new)),
            Live::Matrix(new) => self.take_matrix(Arc::unwrap_or_clone(new)),
            Live::Measurement(new) => self.take_measurement(Arc::unwrap_or_clone(new)),
            Live::Operation(new) => self.take_operation(*new),
            Live::Output { operation, line } => self.take_line(operation, line),
        }
    }

    /// The operation that holds the cluster now.
    #[must_use]
    pub fn running(self) -> Option<Operation> {
        self.operations.with(|all| all.iter().find(|one| one.state.holds_cluster()).cloned())
    }

    fn take_snapshot(self, new: Snapshot) {
        if self.snapshot.with_untracked(|old| new.at >= old.at && new != *old) {
            self.snapshot.set(new);
        }
    }

    fn take_matrix(self, new: Matrix) {
        let older = self.matrix.with_untracked(|old| old.as_ref().is_some_and(|old| new.started_at < old.started_at));
        if !older {
            self.matrix.set(Some(new));
        }
    }

    /// Takes over a measurement; an answer that comes late does not replace a newer one, nor an unfinished one its end.
    pub fn take_measurement(self, new: Measurement) {
        let later = |one: &Measurement| (one.started_at, one.finished_at.is_some(), one.ways.len());
        if self.measurement.with_untracked(|old| old.as_ref().is_none_or(|old| later(&new) > later(old))) {
            self.measurement.set(Some(new));
        }
    }

    fn take_operation(self, new: Operation) {
        if self.only.is_none() && new.state.holds_cluster() && self.printing.get_value() != Some(new.id) {
            self.printing.set_value(Some(new.id));
            self.output.set(Vec::new());
        }
        self.operations.update(|all| match all.iter_mut().find(|one| one.id == new.id) {
            Some(one) => *one = new,
            None => all.insert(0, new),
        });
    }

    fn take_line(self, operation: OperationId, line: OutputLine) {
        if self.printing.get_value() == Some(operation) {
            self.output.update(|lines| insert_line(lines, line));
        }
    }

    /// Takes over operations from an answer of the server; what the stream told after that stays.
    pub fn merge_operations(self, answered: &[Operation]) {
        self.operations.update(|all| merge(all, answered));
    }

    /// What an operation printed, and became, while the stream was not open yet or was cut.
    #[cfg(not(feature = "ssr"))]
    pub(super) fn catch_up(self) {
        let Some(id) = self.printing.try_get_value().flatten() else { return };
        leptos::task::spawn_local(async move {
            let Ok(view) = crate::api::operation(id).await else { return };
            // The page may be gone, or show another operation by now.
            if self.printing.try_get_value().flatten() == Some(id) {
                self.merge_operations(&[view.operation]);
                self.add_output(&view.output);
            }
        });
    }

    /// Adds what the page was painted with, so that the stream can go on from there.
    pub fn add_output(self, earlier: &[OutputLine]) {
        self.output.update(|lines| earlier.iter().for_each(|line| insert_line(lines, line.clone())));
    }
}

fn merge(all: &mut Vec<Operation>, answered: &[Operation]) {
    for new in answered {
        match all.iter_mut().find(|one| one.id == new.id) {
            Some(known) if new.is_as_new_as(known) => known.clone_from(new),
            Some(_) => {}
            None => all.push(new.clone()),
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.proposed_at));
}

fn insert_line(lines: &mut Vec<OutputLine>, line: OutputLine) {
    if let Err(place) = lines.binary_search_by_key(&line.seq, |one| one.seq) {
        lines.insert(place, line);
    }
    let extra = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    lines.drain(..extra);
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::digest;
    use model::operation::{OperationState, StepStatus};
    use model::plan::{Intent, MaterialFacts, Plan};
    use model::risk::Risk;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn operation(n: u128, state: OperationState, steps: Vec<StepStatus>) -> Operation {
        let cluster = ClusterId::from_uuid(uuid::Uuid::from_u128(1));
        let facts =
            MaterialFacts { cluster_name: None, config_version: None, members: Vec::new(), expected_votes: None };
        let node = model::ids::NodeId::from_uuid(uuid::Uuid::from_u128(2));
        let plan = Plan {
            cluster,
            intent: Intent::InstallKey { node },
            risk: Risk::Reversible,
            target: "prod".into(),
            steps: Vec::new(),
            consequences: Vec::new(),
            facts,
            acknowledged: Vec::new(),
        };
        Operation {
            id: OperationId::from_uuid(uuid::Uuid::from_u128(n)),
            cluster,
            digest: digest::of("test", &plan).expect("a digest"),
            plan,
            reason: String::new(),
            proposed_by: "anna".into(),
            proposed_at: at(i64::try_from(n).expect("small")),
            finished_at: state.is_over().then(|| at(100)),
            state,
            steps,
        }
    }

    #[test]
    fn an_answer_replaces_what_is_older_and_never_what_is_newer() {
        let early = operation(1, OperationState::Running, vec![StepStatus::Started { at: at(50) }]);
        let late = operation(1, OperationState::Running, vec![StepStatus::Proven { at: at(60), already: false }]);
        let ended = operation(1, OperationState::Done, vec![StepStatus::Proven { at: at(60), already: false }]);
        let mut all = vec![early.clone()];
        merge(&mut all, std::slice::from_ref(&late));
        assert_eq!(all.first(), Some(&late));
        merge(&mut all, std::slice::from_ref(&early));
        assert_eq!(all.first(), Some(&late), "an old answer that came late");
        merge(&mut all, std::slice::from_ref(&ended));
        merge(&mut all, std::slice::from_ref(&late));
        assert_eq!(all, [ended], "what is over stays over");
        let other = operation(2, OperationState::Running, Vec::new());
        merge(&mut all, std::slice::from_ref(&other));
        assert_eq!(all.first(), Some(&other), "newest first");
    }

    #[test]
    fn lines_come_together_whatever_way_and_order_they_arrive() {
        let line = |seq| OutputLine { seq, step: 0, at: at(0), error: false, text: seq.to_string() };
        let mut lines = Vec::new();
        for seq in [1, 2, 5, 6, 2, 3, 4, 6] {
            insert_line(&mut lines, line(seq));
        }
        assert_eq!(lines.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    }
}
