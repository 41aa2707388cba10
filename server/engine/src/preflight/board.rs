//! What all nodes have said so far, and the matrix of it.

use crate::evidence::unreadable;
use model::checks;
use model::ids::NodeId;
use model::inventory::Node;
use model::links::LinkPlan;
use model::observation::Evidence;
use model::preflight::{Cell, CheckId, ClockOffset, NodeEvidence, Source, Verdict};
use model::problem::{Problem, ProblemCode};
use pve::prerequisites::{BEFORE_PROBE, Question};
use pve::{Answer, ParseError, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// One place per node, in the order of the columns.
pub struct Board {
    places: Mutex<Vec<Place>>,
    changed: Notify,
    /// Nodes of which the probe's plan still waits for something.
    unplaced: watch::Sender<usize>,
}

/// What one node has said.
struct Place {
    found: NodeEvidence,
    /// The raw answers; `found` has their times alone until the end, because the matrix is judged often meanwhile.
    kept: BTreeMap<Source, Evidence>,
    /// Questions of a source that are not answered yet.
    open: BTreeMap<Source, usize>,
    /// All that will ever be known of these sources is there.
    settled: BTreeSet<Source>,
    /// An answer of these sources could not be read: nothing of them counts.
    broken: BTreeSet<Source>,
    /// Nothing more is asked of the node.
    lost: bool,
}

impl Board {
    pub fn new(members: &[Node], name: &str) -> Self {
        let waiting = Problem::new(ProblemCode::Garbage);
        let place = |(index, node): (usize, &Node)| {
            let mut found = NodeEvidence::missing(node.id, node.label(), index == 0, &waiting);
            found.management = node.address.host.parse().ok();
            found.wanted_name = Some(name.to_owned());
            Place {
                found,
                kept: BTreeMap::new(),
                open: BTreeMap::new(),
                settled: BTreeSet::new(),
                broken: BTreeSet::new(),
                lost: false,
            }
        };
        Self {
            places: Mutex::new(members.iter().enumerate().map(place).collect()),
            changed: Notify::new(),
            unplaced: watch::Sender::new(members.len()),
        }
    }

    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        // A panic while holding it can only come from an allocation; the data is still whole.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at<R>(&self, index: usize, work: impl FnOnce(&mut Place) -> R) -> Option<R> {
        let (done, unplaced) = {
            let mut places = self.places();
            let done = places.get_mut(index).map(work);
            (done, places.iter().filter(|place| !place.placed()).count())
        };
        self.unplaced.send_replace(unplaced);
        self.changed.notify_one();
        done
    }

    /// Returns once all that the probe's plan needs is known of every node, or never will be.
    pub async fn placed(&self) {
        // The sender is this board's own, so it is there for as long as anybody waits.
        let _ = self.unplaced.subscribe().wait_for(|left| *left == 0).await;
    }

    /// What the probe's plan needs of this node is known, or never will be.
    pub fn is_placed(&self, index: usize) -> bool {
        self.places().get(index).is_none_or(Place::placed)
    }

    /// Whether the node was given up.
    pub fn is_lost(&self, index: usize) -> bool {
        self.places().get(index).is_none_or(|place| place.lost)
    }

    /// Returns once something has changed since it last returned.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    pub fn begin(&self, index: usize, questions: &[Question]) {
        self.at(index, |place| {
            for question in questions {
                *place.open.entry(question.source).or_default() += 1;
            }
        });
    }

    pub fn answer(&self, index: usize, question: &Question, answer: Answer<'_>, seen: Evidence) {
        self.at(index, |place| place.answer(question, answer, seen));
    }

    /// Everything of the node that is not known by now never will be.
    pub fn give_up(&self, index: usize, problem: &Problem) {
        self.at(index, |place| {
            place.lost = true;
            for source in sources() {
                if !place.settled.contains(&source) {
                    place.found.forget(source, problem);
                    place.settled.insert(source);
                }
            }
        });
    }

    /// A fact that has no question of the usual kind: the clock, the probe.
    pub fn set(&self, index: usize, source: Source, seen: Option<Evidence>, set: impl FnOnce(&mut NodeEvidence)) {
        self.at(index, |place| {
            set(&mut place.found);
            if let Some(seen) = seen {
                place.keep(source, seen);
            }
            place.settled.insert(source);
        });
    }

    /// A look at the clock: the one with the shortest way tells the most.
    pub fn clock(&self, index: usize, offset: ClockOffset, seen: Evidence) {
        self.at(index, |place| {
            let best = place.found.clock.as_ref().ok().map(|best| best.error_millis);
            if best.is_none_or(|best| offset.error_millis < best) {
                place.found.clock = Ok(offset);
                place.kept.insert(Source::Clock, seen);
            }
        });
    }

    pub fn found(&self, index: usize) -> Option<NodeEvidence> {
        self.places().get(index).map(|place| place.found.clone())
    }

    pub fn all(&self) -> Vec<NodeEvidence> {
        self.places().iter().map(|place| place.found.clone()).collect()
    }

    /// The facts with all their raw answers.
    pub fn whole(&self) -> Vec<NodeEvidence> {
        let mut places = self.places();
        let whole =
            |place: &mut Place| NodeEvidence { evidence: std::mem::take(&mut place.kept), ..place.found.clone() };
        places.iter_mut().map(whole).collect()
    }

    /// The cells that can be told by now, without raw answers. What only waits for another node is not told yet.
    pub fn cells(&self, links: &[LinkPlan]) -> Vec<Cell> {
        let (facts, settled): (Vec<NodeEvidence>, BTreeMap<NodeId, BTreeSet<Source>>) = {
            let places = self.places();
            let settled = places.iter().map(|place| (place.found.node, place.settled.clone())).collect();
            (places.iter().map(|place| place.found.clone()).collect(), settled)
        };
        let mut cells = checks::judge(&facts, links);
        let ready = |check: CheckId, node| {
            settled.get(&node).is_some_and(|known| check.needs().iter().all(|source| known.contains(source)))
        };
        cells.retain(|cell| cell.verdict != Verdict::Skipped && ready(cell.check, cell.node));
        cells.iter_mut().for_each(|cell| cell.evidence.clear());
        cells
    }
}

/// A program or file that the machine simply does not have, where that is nothing unusual.
fn absent(source: Source, error: &ParseError, node: &str) -> Option<Problem> {
    let missing = matches!(error.reason, Reason::NotInstalled | Reason::NoSuchFile);
    let problem = Problem::new(ProblemCode::NotOnThisMachine).with("node", node).with("what", error.what);
    (missing && source.may_be_absent()).then_some(problem)
}

impl Place {
    fn placed(&self) -> bool {
        self.lost || BEFORE_PROBE.iter().all(|source| self.settled.contains(source))
    }

    fn answer(&mut self, question: &Question, answer: Answer<'_>, seen: Evidence) {
        let source = question.source;
        let label = self.found.label.clone();
        self.keep(source, seen);
        if !self.broken.contains(&source)
            && let Err(error) = question.fill(answer, &mut self.found)
        {
            self.found.forget(source, &absent(source, &error, &label).unwrap_or_else(|| unreadable(&error, &label)));
            self.broken.insert(source);
        }
        let open = self.open.entry(source).or_default();
        *open = open.saturating_sub(1);
        if *open == 0 {
            self.settled.insert(source);
        }
    }

    fn keep(&mut self, source: Source, seen: Evidence) {
        self.found.evidence.insert(source, Evidence { lines: Vec::new(), ..seen.clone() });
        match self.kept.get_mut(&source) {
            // Several commands speak for one source: their lines stand together.
            Some(one) => one.lines.extend(seen.lines),
            None => {
                self.kept.insert(source, seen);
            }
        }
    }
}

/// Every source that some check needs.
fn sources() -> BTreeSet<Source> {
    CheckId::ALL.iter().flat_map(|check| check.needs()).copied().collect()
}
