//! What of votequorum's options decides what fewer expected votes bring.

use crate::problem::{Problem, ProblemCode};
use crate::quorum::quorum;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// As corosync-quorumtool prints it among its flags; `two_node` implies it (votequorum(5)).
const WAITS_FOR_ALL: &str = "WaitForAll";
/// Keys of the `quorum` block with which the expected votes never fall: the second implies the first (votequorum(5)).
const TRACKING: [&str; 2] = ["expected_votes_tracking", "allow_downscale"];

/// Options beside which a side may have votes enough, and no quorum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumOptions {
    /// Without quorum, no votes short of all that are expected are enough.
    pub waits_for_all: bool,
    /// The key of corosync.conf that keeps the expected votes at the most that there ever were.
    pub tracked_by: Option<String>,
}

impl QuorumOptions {
    /// From the flags that a node prints, and the `quorum` block of its corosync.conf: tracking has no flag.
    #[must_use]
    pub fn told(flags: &BTreeSet<String>, keys: &BTreeMap<String, String>) -> Self {
        let set = |key: &&&str| keys.get(**key).is_some_and(|value| value.trim() != "0");
        Self {
            waits_for_all: flags.contains(WAITS_FOR_ALL),
            tracked_by: TRACKING.iter().find(set).map(|key| (*key).to_owned()),
        }
    }

    /// Why a side without quorum stays so with `votes` present once corosync expects `expected`; `device` are those
    /// that a QDevice has in the configuration and does not cast. The command would be taken all the same.
    ///
    /// Source: `exec/votequorum.c` (`are_we_quorate`: while it waits, the votes have to be exactly those expected;
    /// `message_handler_req_exec_votequorum_reconfigure`: what tracks never falls below `ev_tracking_barrier`).
    #[must_use]
    pub fn kept_blocked(&self, votes: u32, expected: u32, device: u32) -> Option<Problem> {
        if votes == 0 && device == 0 {
            return Some(ProblemCode::NoVotesHere.into());
        }
        if let Some(key) = &self.tracked_by {
            return Some(Problem::new(ProblemCode::ExpectedTracked).with("switch", key));
        }
        let because = |code| Problem::new(code).with("votes", votes).with("expected", expected).with("device", device);
        if quorum(expected) > votes {
            return Some(because(ProblemCode::QdeviceKeepsBlocked).with("quorum", quorum(expected)));
        }
        (self.waits_for_all && expected != votes).then(|| because(ProblemCode::WaitsForAllVotes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_and_either_key_are_read_and_a_key_that_is_off_is_none() {
        let flags = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        let keys = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let waits = QuorumOptions::told(&flags(&["2Node", "WaitForAll"]), &keys("two_node", "1"));
        assert_eq!(waits, QuorumOptions { waits_for_all: true, tracked_by: None });
        for key in TRACKING {
            let tracked = QuorumOptions { waits_for_all: false, tracked_by: Some(key.to_owned()) };
            assert_eq!(QuorumOptions::told(&flags(&["Quorate", "Qdevice"]), &keys(key, "1")), tracked);
            assert_eq!(QuorumOptions::told(&flags(&[]), &keys(key, "0")), QuorumOptions::default());
        }
    }

    #[test]
    fn whoever_waits_for_all_is_blocked_by_one_vote_that_is_expected_and_not_there() {
        let waits = QuorumOptions { waits_for_all: true, tracked_by: None };
        let code = |options: &QuorumOptions, votes, expected, device| {
            options.kept_blocked(votes, expected, device).map(|problem| problem.code)
        };
        // Two of four, and a device (ffsplit) that is silent.
        assert_eq!(code(&waits, 2, 3, 1), Some(ProblemCode::WaitsForAllVotes));
        assert_eq!(code(&QuorumOptions::default(), 2, 3, 1), None);
        // One of two after a cold start, and two of four without a device.
        assert_eq!((code(&waits, 1, 1, 0), code(&waits, 2, 2, 0)), (None, None));
        // What is not even enough is told as that.
        assert_eq!(code(&waits, 1, 2, 1), Some(ProblemCode::QdeviceKeepsBlocked));
    }

    #[test]
    fn without_a_vote_nothing_is_said_of_a_device_that_has_none() {
        let code = |device| QuorumOptions::default().kept_blocked(0, device, device).map(|problem| problem.code);
        assert_eq!((code(0), code(1)), (Some(ProblemCode::NoVotesHere), Some(ProblemCode::QdeviceKeepsBlocked)));
    }
}
