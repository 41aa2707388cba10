//! Quorum arithmetic as corosync's votequorum does it, on votes and not on nodes.
//!
//! Source: `exec/votequorum.c` (`calculate_quorum`), votequorum(5).

use serde::{Deserialize, Serialize};

/// Votes that a partition needs to be quorate: `floor(expected / 2) + 1`.
#[must_use]
pub const fn quorum(expected_votes: u32) -> u32 {
    expected_votes / 2 + 1
}

/// Votes that corosync expects once `pvecm expected VOTES` was taken: never fewer than those of the members and all that a
/// QDevice is configured with, cast or not.
///
/// Source: `exec/votequorum.c` (`recalculate_quorum` keeps the expected votes at the most that the cluster could have).
#[must_use]
pub const fn lowered(votes: u32, of_members: u32, of_device: u32) -> u32 {
    let least = of_members.saturating_add(of_device);
    if votes > least { votes } else { least }
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

/// How many nodes may fail, those with the most votes first, before quorum is lost, while the QDevice votes.
#[must_use]
pub fn tolerated(of_nodes: &[u32], of_device: u32) -> u32 {
    let mut left = of_nodes.iter().fold(of_device, |sum, own| sum.saturating_add(*own));
    let needed = quorum(left);
    let mut falling = of_nodes.to_vec();
    falling.sort_unstable_by_key(|own| std::cmp::Reverse(*own));
    // The last one has nobody left whose quorum it could cost.
    falling.truncate(falling.len().saturating_sub(1));
    let stands = |own: &u32| {
        left = left.saturating_sub(*own);
        left >= needed
    };
    u32::try_from(falling.iter().copied().take_while(stands).count()).unwrap_or(u32::MAX)
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
    fn a_silent_qdevice_is_expected_all_the_same() {
        assert_eq!(lowered(1, 1, 0), 1, "no device");
        assert_eq!((lowered(1, 1, 1), quorum(lowered(1, 1, 1))), (2, 2), "one of two nodes, measured");
        assert_eq!((lowered(2, 2, 1), quorum(lowered(2, 2, 1))), (3, 2), "two of four nodes");
        assert_eq!((lowered(2, 2, 2), quorum(lowered(2, 2, 2))), (4, 3), "two of three nodes, lms");
        assert_eq!(lowered(3, 2, 1), 3, "a device that casts its vote is among those present");
    }

    #[test]
    fn advice_follows_the_count() {
        assert_eq!(qdevice_advice(2), QdeviceAdvice::Recommended);
        assert_eq!(qdevice_advice(4), QdeviceAdvice::Offered);
        assert_eq!(qdevice_advice(3), QdeviceAdvice::Refused);
        assert_eq!(qdevice_advice(0), QdeviceAdvice::Refused);
    }

    #[test]
    fn the_heaviest_node_fails_first() {
        assert_eq!(tolerated(&[2, 1, 1], 0), 0, "2 of 4 are left, 3 needed");
        assert_eq!(tolerated(&[1, 3, 1], 0), 0);
        assert_eq!(tolerated(&[2, 1, 1], 1), 1, "3 of 5 are left, 3 needed");
        assert_eq!(tolerated(&[], 0), 0);
    }

    proptest! {
        #[test]
        fn with_one_vote_each_it_is_the_table(nodes in 1u8..64, device in 0u32..64) {
            let line = forecast(nodes.into(), device);
            prop_assert_eq!(tolerated(&vec![1; nodes.into()], device), line.tolerates);
        }

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
