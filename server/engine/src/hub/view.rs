//! What one observation changes in the view of its machine.

use super::Observed;
use jiff::Timestamp;
use model::clock;
use model::facts::QuorumStatus;
use model::observation::Fact;
use model::topology::NodeView;

/// How much of a view is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// Older than what is known.
    Nothing,
    /// The same again, said later.
    Repeated,
    Changed,
}

pub(super) fn take(view: &mut NodeView, observed: Observed) -> News {
    match observed {
        Observed::Quorum(fact) => quorum(view, fact),
        Observed::Block(fact) if is_late(view, &fact) => News::Nothing,
        Observed::Block(fact) => quorum(view, fact),
        Observed::NoQuorum(fact) => no_quorum(view, fact),
        Observed::Links(fact) => newer(&mut view.links, fact),
        Observed::Members(fact) => newer(&mut view.members, fact),
        Observed::Conf(fact) => newer(&mut view.conf, fact),
        Observed::Packages(fact) => newer(&mut view.packages, fact),
        Observed::QuorumtoolOptions(fact) => newer(&mut view.quorumtool_options, fact),
        Observed::Contact(contact) if view.contact == contact => News::Nothing,
        Observed::Contact(contact) => {
            view.contact = contact;
            News::Changed
        }
    }
}

/// Whether what was told then is overtaken by what is known. What is known from far in the future was told before the clock
/// was set back: it overtakes nothing, or nothing would be believed until the clock is there again.
fn is_overtaken(known: Timestamp, told: Timestamp) -> bool {
    known > told && !clock::is_set_back(known, told)
}

fn newer<T: PartialEq>(slot: &mut Option<Fact<T>>, fact: Fact<T>) -> News {
    let news = match slot {
        Some(old) if is_overtaken(old.at, fact.at) => return News::Nothing,
        Some(old) if old.value == fact.value => News::Repeated,
        _ => News::Changed,
    };
    *slot = Some(fact);
    news
}

fn quorum(view: &mut NodeView, fact: Fact<QuorumStatus>) -> News {
    if view.no_quorum.as_ref().is_some_and(|down| is_overtaken(down.at, fact.at)) {
        return News::Nothing;
    }
    let same_ring = view.quorum.as_ref().is_some_and(|old| old.value.ring_id == fact.value.ring_id);
    let (at, quorate) = (fact.at, fact.value.quorate);
    let was = view.quorum.as_ref().map(|old| old.value.quorate);
    let news = newer(&mut view.quorum, fact);
    if news != News::Nothing {
        view.no_quorum = None;
        match (was, quorate) {
            (_, true) => view.quorum_lost_at = None,
            (Some(true), false) => view.quorum_lost_at = Some(at),
            // Nobody saw it go: perhaps this very moment.
            (None, false) if view.quorum_lost_at.is_none() => view.quorum_lost_at = Some(at),
            (_, false) => {}
        }
        if !same_ring {
            view.ring_since = Some(at);
        }
    }
    news
}

/// A slow answer does not erase what the follower said meanwhile.
fn no_quorum(view: &mut NodeView, fact: Fact<()>) -> News {
    if view.quorum.as_ref().is_some_and(|told| is_overtaken(told.at, fact.at)) {
        return News::Nothing;
    }
    let at = fact.at;
    let news = newer(&mut view.no_quorum, fact);
    if news != News::Nothing {
        if view.quorum.as_ref().is_some_and(|old| old.value.quorate) {
            view.quorum_lost_at = Some(at);
        }
        view.quorum = None;
        view.ring_since = None;
    }
    news
}

/// Of a ring that this machine has left already.
fn is_late(view: &NodeView, block: &Fact<QuorumStatus>) -> bool {
    let newest = view.quorum.as_ref().and_then(|fact| fact.value.ring_sequence());
    newest.zip(block.value.ring_sequence()).is_some_and(|(newest, printed)| printed < newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::NodeId;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn fact<T>(value: T, second: i64) -> Fact<T> {
        Fact { value, node: "ash".into(), command: "a command".into(), at: time(second) }
    }

    fn ring(id: &str, second: i64) -> Fact<QuorumStatus> {
        let value = QuorumStatus {
            nodes: 1,
            node_id: 1,
            ring_id: id.into(),
            quorate: true,
            expected_votes: 1,
            highest_expected: 1,
            total_votes: 1,
            quorum: 1,
            blocked: false,
            flags: BTreeSet::new(),
            members: Vec::new(),
            qdevice_votes: None,
        };
        fact(value, second)
    }

    fn view() -> NodeView {
        NodeView::untried(NodeId::from_uuid(Uuid::nil()), "ash".into())
    }

    #[test]
    fn a_slow_no_does_not_erase_a_newer_block() {
        let mut view = view();
        assert_eq!(take(&mut view, Observed::Block(ring("1.d", 10))), News::Changed);
        assert_eq!(take(&mut view, Observed::NoQuorum(fact((), 9))), News::Nothing);
        assert!(view.quorum.is_some());
        assert_eq!(take(&mut view, Observed::NoQuorum(fact((), 11))), News::Changed);
        assert_eq!((view.quorum.is_none(), view.ring_since), (true, None));
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.d", 10))), News::Nothing, "asked before the no");
        assert_eq!(take(&mut view, Observed::NoQuorum(fact((), 21))), News::Repeated);
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.11", 22))), News::Changed);
        assert!(view.no_quorum.is_none());
    }

    #[test]
    fn when_the_quorum_went_stays_known_until_it_is_back() {
        let told = |quorate: bool, id: &str, second: i64| {
            let mut fact = ring(id, second);
            fact.value.quorate = quorate;
            Observed::Quorum(fact)
        };
        let mut view = view();
        take(&mut view, told(false, "1.9", 5));
        assert_eq!(view.quorum_lost_at, Some(time(5)), "nobody saw it go: it may have been then");
        take(&mut view, told(true, "1.d", 10));
        take(&mut view, told(false, "1.11", 20));
        take(&mut view, told(false, "1.15", 30));
        assert_eq!(view.quorum_lost_at, Some(time(20)), "another ring without quorum is no other loss");
        take(&mut view, told(true, "1.19", 40));
        assert_eq!(view.quorum_lost_at, None);
        take(&mut view, Observed::NoQuorum(fact((), 50)));
        take(&mut view, told(false, "1.1d", 60));
        assert_eq!(view.quorum_lost_at, Some(time(50)), "with corosync itself");
    }

    #[test]
    fn a_late_block_says_nothing_and_an_answer_may_lower_the_ring() {
        let mut view = view();
        take(&mut view, Observed::Block(ring("1.11", 10)));
        assert_eq!(take(&mut view, Observed::Block(ring("1.d", 11))), News::Nothing, "hexadecimal: d is 13, 11 is 17");
        assert_eq!(view.quorum.as_ref().map(|fact| fact.value.ring_id.as_str()), Some("1.11"));
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.d", 12))), News::Changed);
        assert_eq!(take(&mut view, Observed::Block(ring("1.11", 13))), News::Changed);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_deaf() {
        let mut view = view();
        take(&mut view, Observed::Quorum(ring("1.d", 10_000)));
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.9", 9_999))), News::Nothing, "a slow answer");
        assert_eq!(take(&mut view, Observed::NoQuorum(fact((), 9_990))), News::Nothing, "and another one");
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.11", 5_000))), News::Changed, "from a clock set back");
        assert_eq!(take(&mut view, Observed::NoQuorum(fact((), 1_000))), News::Changed, "and once more");
        assert!(view.quorum.is_none());
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.15", 950))), News::Nothing, "slow again");
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.15", 500))), News::Changed);
    }

    #[test]
    fn a_ring_counts_from_when_it_was_first_told() {
        let mut view = view();
        take(&mut view, Observed::Block(ring("1.d", 10)));
        assert_eq!(take(&mut view, Observed::Quorum(ring("1.d", 20))), News::Repeated);
        assert_eq!(view.ring_since, Some(time(10)));
        take(&mut view, Observed::Quorum(ring("1.11", 30)));
        assert_eq!(view.ring_since, Some(time(30)));
    }
}
