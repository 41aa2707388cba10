//! Votes: whether a partition may act.

use super::corosync::COROSYNC_PID;
use super::membership::Event;
use super::pmxcfs::{PMXCFS_PID, WRITABLE_AFTER_MS};
use crate::world::World;

impl World {
    /// Counts the votes of a node's partition again and tells pmxcfs.
    pub(crate) fn recount(&mut self, name: &str) {
        let now = self.now;
        let mut writable_soon = false;
        let Some(node) = self.nodes.get_mut(name) else { return };
        let corosync = &mut node.corosync;
        // More votes than expected raise the expectation (votequorum.5), those of a silent QDevice too.
        corosync.expected = corosync.expected.max(corosync.least_expected()).max(corosync.total_votes());
        let quorate = corosync.running && corosync.total_votes() >= corosync.quorum();
        let before = corosync.quorate;
        corosync.quorate = quorate;
        if quorate {
            corosync.extremes = corosync.members.first().copied().zip(corosync.members.last().copied());
        }
        if quorate && node.pmxcfs.running && node.pmxcfs.writable_from.is_none() {
            node.pmxcfs.writable_from = Some(now + WRITABLE_AFTER_MS);
            writable_soon = true;
        }
        if !quorate {
            node.pmxcfs.writable_from = None;
        }
        if before != quorate {
            let (line, word) = if quorate {
                ("  [QUORUM] This node is within the primary component and will provide service.", "has quorum")
            } else {
                (
                    "  [QUORUM] This node is within the non-primary component and will NOT provide any services.",
                    "lost quorum",
                )
            };
            self.log(name, "corosync.service", "corosync", COROSYNC_PID, line);
            self.log(name, "pve-cluster.service", "pmxcfs", PMXCFS_PID, &format!("[status] notice: node {word}"));
            self.touch_members(name);
        }
        if writable_soon {
            self.after(WRITABLE_AFTER_MS, Event::Moment);
        }
        self.changed();
    }
}
