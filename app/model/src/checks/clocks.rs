//! The clocks agree, and something keeps them so.
//!
//! Needs: the offset to the console's clock from the best of several `date` round trips, `timedatectl show`.
//! Rule: not synchronised fails. Between two nodes up to 0.5 s passes, up to 1 s warns, above fails; the measurements'
//! error bounds are taken off first, so that a slow connection does not make a clock wrong.
//! Why: HA compares times across nodes ("detected time drift!" from 2 s on), certificates and logs do as well.
//! Source: Proxmox VE, Cluster Manager, Requirements ("date and time must be synchronized"); the limits are ours.

use super::sheet::Sheet;
use crate::preflight::{Cell, CheckId, ClockOffset, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// Farther apart than this warns, in milliseconds.
pub const CLOCK_WARN_MS: u64 = 500;
/// Farther apart than this fails, in milliseconds.
pub const CLOCK_FAIL_MS: u64 = 1_000;

pub fn judge(node: &NodeEvidence, nodes: &[NodeEvidence]) -> Cell {
    let mut sheet = Sheet::new(CheckId::Clocks, node);
    let own = sheet.need(Source::Clock, &node.clock);
    if let Some(status) = sheet.need(Source::TimeSync, &node.time_sync) {
        match status.synchronized {
            Some(true) => {}
            Some(false) => {
                sheet.note(Verdict::Fail, Finding::new(FindingCode::NotSynchronized));
                sheet.accuse(Source::TimeSync, |line| line.contains("NTPSynchronized") || line.contains("NTP=no"));
            }
            None => sheet.absent(),
        }
    }
    if let Some(own) = own {
        judge_peers(&mut sheet, node, *own, nodes);
    }
    sheet.cell()
}

/// How far two clocks are apart: as measured, what of it is certain, and the error of both measurements together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Apart {
    pub certain_ms: u64,
    pub measured_ms: u64,
    pub error_ms: u64,
}

pub fn apart(one: ClockOffset, other: ClockOffset) -> Apart {
    let measured_ms = one.millis.abs_diff(other.millis);
    let error_ms = one.error_millis.unsigned_abs().saturating_add(other.error_millis.unsigned_abs());
    Apart { certain_ms: measured_ms.saturating_sub(error_ms), measured_ms, error_ms }
}

fn judge_peers(sheet: &mut Sheet<'_>, node: &NodeEvidence, own: ClockOffset, nodes: &[NodeEvidence]) {
    let peers: Vec<&NodeEvidence> = nodes.iter().filter(|peer| peer.node != node.node).collect();
    let known = peers.iter().filter_map(|peer| peer.clock.as_ref().ok().map(|clock| (apart(own, *clock), *peer)));
    let Some((farthest, peer)) = known.max_by_key(|(apart, _)| *apart) else {
        for peer in peers {
            sheet.wait_for(peer);
        }
        return;
    };
    sheet.brief(span(farthest.measured_ms));
    let finding = |code, limit: u64| {
        Finding::new(code).with("peer", &peer.label).with("millis", farthest.measured_ms).with("limit_millis", limit)
    };
    if farthest.certain_ms > CLOCK_FAIL_MS {
        sheet.note(Verdict::Fail, finding(FindingCode::ClockApart, CLOCK_FAIL_MS));
        sheet.accuse(Source::Clock, |line| !line.trim().is_empty());
    } else if farthest.certain_ms > CLOCK_WARN_MS {
        sheet.note(Verdict::Warn, finding(FindingCode::ClockDrifting, CLOCK_WARN_MS));
        sheet.accuse(Source::Clock, |line| !line.trim().is_empty());
    } else if farthest.error_ms > CLOCK_WARN_MS {
        // The measurement is coarser than what it should tell.
        sheet.note(Verdict::Warn, Finding::new(FindingCode::ClockUnsure).with("error_millis", farthest.error_ms));
    }
}

fn span(millis: u64) -> String {
    if millis < 1_000 { format!("{millis} ms") } else { format!("{}.{} s", millis / 1_000, millis % 1_000 / 100) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, lost, params, show};

    /// (offset, error) in milliseconds per node.
    fn judged(clocks: &[(i64, i64)]) -> Vec<Cell> {
        let nodes: Vec<NodeEvidence> = (11u8..)
            .zip(clocks)
            .map(|(n, (millis, error_millis))| NodeEvidence {
                clock: Ok(ClockOffset { millis: *millis, error_millis: *error_millis }),
                ..healthy(n, n == 11)
            })
            .collect();
        nodes.iter().map(|node| judge(node, &nodes)).collect()
    }

    #[test]
    fn limits_are_kept_between_any_two() {
        assert_eq!(judged(&[(0, 0), (500, 0)])[0].verdict, Verdict::Pass);
        assert_eq!(judged(&[(0, 0), (501, 0)])[0].verdict, Verdict::Warn);
        assert_eq!(judged(&[(0, 0), (1_000, 0)])[1].verdict, Verdict::Warn);
        let cells = judged(&[(-600, 0), (0, 0), (600, 0)]);
        assert_eq!(cells[0].verdict, Verdict::Fail, "each is near the console, not near the other");
        assert_eq!(params(&cells[0], FindingCode::ClockApart)["peer"], "alder13");
        assert_eq!(cells[0].brief.as_deref(), Some("1.2 s"));
        assert_eq!(cells[1].verdict, Verdict::Warn);
    }

    #[test]
    fn error_bounds_are_taken_off_and_a_coarse_measurement_is_no_pass() {
        assert_eq!(judged(&[(0, 20), (530, 20)])[0].verdict, Verdict::Pass);
        let coarse = judged(&[(0, 400), (530, 400)]);
        assert_eq!(coarse[0].verdict, Verdict::Warn);
        assert_eq!(params(&coarse[0], FindingCode::ClockUnsure)["error_millis"], "800");
    }

    #[test]
    fn a_clock_that_nobody_keeps_fails() {
        let mut node = healthy(11, true);
        show(&mut node, Source::TimeSync, "Timezone=UTC\nNTPSynchronized=no\n");
        node.time_sync.as_mut().unwrap().synchronized = Some(false);
        let cell = judge(&node, &[node.clone(), healthy(12, false)]);
        assert!(has(&cell, FindingCode::NotSynchronized));
        assert_eq!(guilty(&cell), ["NTPSynchronized=no"]);
    }

    #[test]
    fn missing_measurements_are_errors_and_a_missing_peer_is_waited_for() {
        let nodes = [healthy(11, true), lost(12)];
        assert_eq!(judge(&nodes[1], &nodes).verdict, Verdict::Error);
        assert_eq!(judge(&nodes[0], &nodes).verdict, Verdict::Skipped);
        let mut node = healthy(11, true);
        node.time_sync = gone();
        assert_eq!(judge(&node, &[node.clone(), healthy(12, false)]).verdict, Verdict::Error);
        node.time_sync = healthy(11, true).time_sync;
        node.time_sync.as_mut().unwrap().synchronized = None;
        assert_eq!(judge(&node, &[node.clone(), healthy(12, false)]).verdict, Verdict::Error, "unsaid is not yes");
    }
}
