//! What the six steps share: the server's judgement, kept up to date, and the cluster's stream.

use crate::api::{self, WizardView};
use crate::reactive::{derived, memo};
use crate::state::clock::{Clock, use_clock};
use crate::state::live::{Connection, LiveCluster, follow};
use crate::state::session::{Session, use_session};
use crate::words::use_words;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::Timestamp;
use model::can::{self, Deed};
use model::ids::{ClusterId, NodeId, OperationId};
use model::inventory::{ClusterPhase, Node, Purpose};
use model::measure::Measurement;
use model::operation::Operation;
use model::preflight::Matrix;
use model::topology::Membership;
use model::verify::Verification;
use model::wizard::{StepState, WizardStep};

/// The wizard of one cluster. Copy it freely; the components below get it with [`Wizard::here`].
#[derive(Clone, Copy)]
pub struct Wizard {
    pub id: ClusterId,
    pub view: RwSignal<WizardView>,
    pub live: LiveCluster,
    /// The newest verification since the page was opened; it survives a walk through the other steps.
    pub verification: RwSignal<Option<Verification>>,
    pub session: Option<Session>,
    /// Grows with every question to the server, so that a late answer to an old one is dropped.
    asked: StoredValue<u32>,
}

impl Wizard {
    /// Follows the cluster from the first paint on, and asks again whenever something has changed that the steps depend on.
    pub fn open(view: WizardView) -> Self {
        let live = follow(&view.view);
        live.matrix.set(view.matrix.clone());
        live.measurement.set(view.measurement.clone());
        let wizard = Self {
            id: view.view.cluster.id,
            view: RwSignal::new(view),
            live,
            verification: RwSignal::new(None),
            session: use_session(),
            asked: StoredValue::new(0),
        };
        provide_context(wizard);
        wizard.follow_changes(use_clock());
        wizard
    }

    /// The wizard that the component stands in.
    ///
    /// # Panics
    /// Outside of the wizard's page, which is a mistake of the program.
    pub fn here() -> Self {
        expect_context()
    }

    /// Asks the server again. What was typed stays.
    pub fn refresh(self) {
        let turn = self.asked.try_update_value(|count| {
            *count = count.wrapping_add(1);
            *count
        });
        spawn_local(async move {
            let Ok(view) = api::wizard(self.id).await else { return };
            if turn.is_some() && self.asked.try_get_value() == turn {
                self.take(view);
            }
        });
    }

    fn take(self, view: WizardView) {
        let checks = |one: &Matrix| (one.started_at, one.finished_at.is_some());
        if self.live.matrix.with_untracked(|old| overtakes(view.matrix.as_ref().map(checks), old.as_ref().map(checks)))
        {
            self.live.matrix.set(view.matrix.clone());
        }
        let ways = |one: &Measurement| (one.started_at, one.finished_at.is_some());
        let known = |old: &Option<Measurement>| overtakes(view.measurement.as_ref().map(ways), old.as_ref().map(ways));
        if self.live.measurement.with_untracked(known) {
            self.live.measurement.set(view.measurement.clone());
        } else if let Some(measurement) = view.measurement.clone() {
            self.live.take_measurement(measurement);
        }
        self.live.merge_operations(&view.view.operations);
        if self.view.with_untracked(|old| *old != view) {
            self.view.set(view);
        }
    }

    fn follow_changes(self, clock: Clock) {
        let signature = memo(move |_| self.signature(clock));
        Effect::new(move |before: Option<Signature>| {
            let now = signature.get();
            if before.is_some_and(|before| before != now) {
                self.refresh();
            }
            now
        });
        // The console was away: what it was doing then may be over, and what it would have told was missed.
        let away = memo(move |_| self.live.connection.with(|one| matches!(one, Connection::Reconnecting { .. })));
        Effect::new(move |before: Option<bool>| {
            let now = away.get();
            if before == Some(true) && !now {
                self.refresh();
            }
            now
        });
        // Another person may have changed the draft while this window was in the background.
        Effect::new(move |_| {
            let handle = window_event_listener(ev::focus, move |_| self.refresh());
            on_cleanup(move || handle.remove());
        });
    }

    fn signature(self, clock: Clock) -> Signature {
        Signature {
            operations: self.live.operations.with(|all| all.iter().map(|one| (one.id, one.state.word())).collect()),
            members: self
                .live
                .snapshot
                .with(|one| one.nodes.iter().map(|node| (node.name.clone(), node.membership)).collect()),
            qdevice: self.live.snapshot.with(|one| one.qdevice.as_ref().map(|aged| aged.fact.value.works())),
            checked_at: self.live.matrix.with(|one| one.as_ref().and_then(|matrix| matrix.finished_at)),
            stale: self.live.matrix.with(|one| {
                one.as_ref().is_some_and(|matrix| matrix.finished_at.is_some() && matrix.stale(clock.now()))
            }),
        }
    }

    #[must_use]
    pub fn name(self) -> String {
        self.view.with_untracked(|view| view.view.cluster.name.to_string())
    }

    /// `pvecm create` has been proven.
    #[must_use]
    pub fn is_live(self) -> bool {
        self.view.with(|view| view.view.cluster.phase == ClusterPhase::Live)
    }

    #[must_use]
    pub fn is_me(self, name: &str) -> bool {
        self.session.is_some_and(|session| session.0.with(|me| me.name == name))
    }

    #[must_use]
    pub fn state(self, step: WizardStep) -> StepState {
        self.view.with(|view| {
            view.steps.iter().find(|(one, _)| *one == step).map_or(StepState::Open, |(_, state)| state.clone())
        })
    }

    #[must_use]
    pub fn is_done(self, step: WizardStep) -> bool {
        matches!(self.state(step), StepState::Done)
    }

    #[must_use]
    pub fn node(self, id: NodeId) -> Option<Node> {
        self.view.with(|view| view.view.nodes.iter().find(|node| node.id == id).cloned())
    }

    /// The machines of one purpose, in the order in which people added them.
    #[must_use]
    pub fn nodes(self, purpose: Purpose) -> Vec<Node> {
        let mut found: Vec<Node> =
            self.view.with(|view| view.view.nodes.iter().filter(|node| node.purpose == purpose).cloned().collect());
        found.sort_by_key(|node| node.position);
        found
    }

    #[must_use]
    pub fn label(self, id: NodeId) -> String {
        self.node(id).map_or_else(|| id.short(), |node| node.label().to_owned())
    }

    /// The nodes that are not in the cluster yet.
    #[must_use]
    pub fn joiners(self) -> Vec<Node> {
        // A member that is down is no joiner; a node that nobody tells of is not offered either.
        let joined: Vec<NodeId> = self.live.snapshot.with(|one| {
            one.nodes
                .iter()
                .filter(|state| state.membership != Membership::NotJoined)
                .filter_map(|state| state.id)
                .collect()
        });
        self.nodes(Purpose::Member).into_iter().filter(|node| !joined.contains(&node.id)).collect()
    }

    /// The matrix as far as it is filled.
    #[must_use]
    pub fn matrix(self) -> Option<Matrix> {
        self.live.matrix.get()
    }

    /// Why the person may not do something here, as a sentence.
    #[must_use]
    pub fn refusal(self, deed: Deed) -> Signal<Option<String>> {
        let words = use_words();
        derived(move || {
            let role = self.view.with(|view| view.view.role);
            can::do_it(role, deed).err().map(|problem| words.problem(&problem))
        })
    }

    /// The newest operation of a step that runs a plan.
    #[must_use]
    pub fn operation_of(self, step: WizardStep) -> Option<Operation> {
        let word = match step {
            WizardStep::Create => "create_cluster",
            WizardStep::Join => "join_nodes",
            WizardStep::Qdevice => "set_up_qdevice",
            _ => return None,
        };
        self.live.operations.with(|all| all.iter().find(|one| one.plan.intent.word() == word).cloned())
    }

    /// An operation of the step runs, or waits for a person.
    #[must_use]
    pub fn runs(self, step: WizardStep) -> bool {
        self.operation_of(step).is_some_and(|one| one.state.holds_cluster())
    }

    /// Where a step stands in the address.
    #[must_use]
    pub fn path(self, step: WizardStep) -> String {
        format!("/clusters/{}/build/{}", self.id, step.word())
    }
}

/// Whether results that the server answers with take the place of those that the page has; of each when they began, and
/// whether they have ended.
///
/// What the page saw begin and the server does not know is over: the console was started anew in the middle of it, and
/// nobody finishes it any more.
fn overtakes(answered: Option<(Timestamp, bool)>, known: Option<(Timestamp, bool)>) -> bool {
    match (answered, known) {
        (Some((new, ended)), Some((old, known_ended))) => new > old || (ended && !known_ended),
        (Some(_), None) => true,
        (None, Some((_, known_ended))) => !known_ended,
        (None, None) => false,
    }
}

/// What the server's judgement depends on, as far as the stream tells it.
#[derive(Clone, PartialEq)]
struct Signature {
    operations: Vec<(OperationId, &'static str)>,
    members: Vec<(String, Membership)>,
    /// Whether it works, where there is one.
    qdevice: Option<bool>,
    checked_at: Option<Timestamp>,
    stale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(second: i64, ended: bool) -> Option<(Timestamp, bool)> {
        Some((Timestamp::from_second(second).expect("a time"), ended))
    }

    #[test]
    fn what_nobody_finishes_any_more_gives_way() {
        assert!(overtakes(None, run(2, false)), "the console knows nothing of it");
        assert!(overtakes(run(1, true), run(2, false)), "the console knows those before it");
        assert!(!overtakes(None, run(2, true)) && !overtakes(None, None));
    }

    #[test]
    fn newer_results_take_the_place_of_older_ones_only() {
        assert!(overtakes(run(2, false), run(1, true)) && overtakes(run(1, true), None));
        assert!(overtakes(run(1, true), run(1, false)), "they have ended");
        assert!(!overtakes(run(1, true), run(2, true)) && !overtakes(run(2, false), run(2, false)));
    }
}
