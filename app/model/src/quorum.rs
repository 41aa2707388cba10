//! Quorum arithmetic as corosync's votequorum does it, on votes and not on nodes.
//!
//! Source: `exec/votequorum.c` (`calculate_quorum`), votequorum(5).

use serde::{Deserialize, Serialize};

/// Votes that a partition needs to be quorate: `floor(expected / 2) + 1`.
#[must_use]
pub const fn quorum(expected_votes: u32) -> u32 {
    expected_votes / 2 + 1
}

/// One line of the quorum table: so many nodes with one vote each, with or without a QDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    pub nodes: u32,
    pub qdevice_votes: u32,
    pub expected_votes: u32,
    pub quorum: u32,
    /// How many nodes may fail, one after the other, before quorum is lost, while the QDevice votes.
    pub tolerates: u32,
}

/// What a cluster of `nodes` nodes with one vote each can stand.
#[must_use]
pub const fn forecast(nodes: u32, qdevice_votes: u32) -> Forecast {
    let expected_votes = nodes + qdevice_votes;
    let needed = quorum(expected_votes);
    let most = if nodes == 0 { 0 } else { nodes - 1 };
    let spare = expected_votes.saturating_sub(needed);
    let tolerates = if spare < most { spare } else { most };
    Forecast { nodes, qdevice_votes, expected_votes, quorum: needed, tolerates }
}

/// Votes that a QDevice gets from `pvecm qdevice setup`: one with the algorithm ffsplit, nodes - 1 with lms.
///
/// Source: corosync-qdevice(8); `pvecm` takes ffsplit for even counts and lms only with `--force` on odd ones.
#[must_use]
pub const fn qdevice_votes(nodes: u32) -> u32 {
    if nodes.is_multiple_of(2) { 1 } else { nodes - 1 }
}

/// Whether the wizard asks for a QDevice, offers it, or refuses it (`decisions.md`, Links).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QdeviceAdvice {
    /// Two nodes: without a third vote the loss of either stops the other.
    Recommended,
    /// Even counts: it breaks an even split.
    Offered,
    /// Odd counts: it would hold nodes - 1 votes and become a single point of failure.
    Refused,
}

#[must_use]
pub const fn qdevice_advice(nodes: u32) -> QdeviceAdvice {
    match nodes {
        2 => QdeviceAdvice::Recommended,
        n if n % 2 == 0 && n > 0 => QdeviceAdvice::Offered,
        _ => QdeviceAdvice::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_table_holds() {
        let rows = [(2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2)];
        for (nodes, needed, tolerated) in rows {
            let line = forecast(nodes, 0);
            assert_eq!((line.quorum, line.tolerates), (needed, tolerated), "{nodes} nodes");
        }
        assert_eq!(forecast(2, 1).tolerates, 1, "two nodes and a QDevice stand one failure");
        assert_eq!(forecast(1, 0).tolerates, 0);
    }

    #[test]
    fn advice_follows_the_count() {
        assert_eq!(qdevice_advice(2), QdeviceAdvice::Recommended);
        assert_eq!(qdevice_advice(4), QdeviceAdvice::Offered);
        assert_eq!(qdevice_advice(3), QdeviceAdvice::Refused);
        assert_eq!(qdevice_advice(0), QdeviceAdvice::Refused);
    }

    proptest! {
        #[test]
        fn two_disjoint_halves_are_never_both_quorate(expected in 1u32..10_000, left in 0u32..10_000) {
            let left = left.min(expected);
            let right = expected - left;
            prop_assert!(!(left >= quorum(expected) && right >= quorum(expected)));
        }

        #[test]
        fn it_is_votequorums_formula(expected in 0u32..1_000_000) {
            prop_assert_eq!(quorum(expected), (expected + 2) / 2);
        }

        #[test]
        fn tolerated_failures_leave_a_quorum(nodes in 1u32..64) {
            let line = forecast(nodes, 0);
            prop_assert!(line.expected_votes - line.tolerates >= line.quorum);
            prop_assert!(line.tolerates + 1 == nodes || line.expected_votes - line.tolerates - 1 < line.quorum);
        }
    }
}
