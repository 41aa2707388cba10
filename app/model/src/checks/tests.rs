//! What holds for the whole matrix, whatever the nodes say.

mod cases;
pub mod fixture_host;

use super::fixture::{gone, healthy, links, lost, probed};
use super::judge;
use crate::preflight::{CheckId, Matrix, MatrixNode, NodeEvidence, Source, Verdict};
use crate::problem::{Problem, ProblemCode};
use jiff::Timestamp;
use proptest::prelude::*;

#[test]
fn healthy_nodes_pass_everything() {
    let nodes = probed([healthy(11, true), healthy(12, false), healthy(13, false)]);
    let cells = judge(&nodes, &links(&[11, 12, 13]));
    let bad: Vec<_> = cells.iter().filter(|cell| cell.verdict != Verdict::Pass || cell.brief.is_none()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let columns = nodes.iter().map(|node| MatrixNode { node: node.node, label: node.label.clone(), first: node.first });
    let matrix = Matrix {
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Some(Timestamp::UNIX_EPOCH),
        nodes: columns.collect(),
        cells: cells.clone(),
    };
    assert!(matrix.passes());
}

#[test]
fn what_a_machine_may_lack_is_skipped_and_never_a_pass() {
    let absent = Problem::new(ProblemCode::NotOnThisMachine).with("what", "sqlite3");
    for (source, check) in [
        (Source::Database, CheckId::PmxcfsDatabase),
        (Source::Ruleset, CheckId::Firewall),
        (Source::IoPressure, CheckId::DiskLatency),
        (Source::Lldp, CheckId::LinkSwitches),
    ] {
        assert!(source.may_be_absent());
        let mut nodes = probed([healthy(11, true), healthy(12, false)]);
        nodes[1].forget(source, &absent);
        let cells = judge(&nodes, &[]);
        let verdict = |node: &NodeEvidence| {
            cells.iter().find(|cell| cell.check == check && cell.node == node.node).map(|cell| cell.verdict)
        };
        assert_eq!(
            (verdict(&nodes[0]), verdict(&nodes[1])),
            (Some(Verdict::Pass), Some(Verdict::Skipped)),
            "{check:?}"
        );
    }
}

#[test]
fn cells_come_check_by_check_in_the_order_of_the_nodes() {
    let nodes = [healthy(13, false), lost(11), healthy(12, true)];
    let order: Vec<_> = judge(&nodes, &[]).iter().map(|cell| (cell.check, cell.node)).collect();
    let expected: Vec<_> =
        CheckId::ALL.iter().flat_map(|check| nodes.iter().map(move |node| (*check, node.node))).collect();
    assert_eq!(order, expected);
}

/// Takes the facts away whose bits are set.
fn forget(node: &mut NodeEvidence, bits: u16) {
    let lost = |bit: u16| bits & (1 << bit) != 0;
    macro_rules! forget {
        ($($bit:literal $field:ident),+) => { $( if lost($bit) { node.$field = gone(); } )+ };
    }
    for (bit, source) in [(4, Source::Resolve), (6, Source::Interfaces)] {
        if lost(bit) {
            node.host.forget(source, &ProblemCode::NodeHangs.into());
        }
    }
    forget!(
        0 version, 1 host_name, 2 host_name_file, 3 hosts_file, 4 resolves_to, 5 addresses, 6 interfaces,
        7 clock, 8 time_sync, 9 guests, 10 traces, 11 host_keys, 12 user_id, 13 probe
    );
}

/// Whether a check rests on one of the facts that were taken away.
fn lacks(check: CheckId, bits: u16) -> bool {
    use Source as S;
    let sources: [&[Source]; 14] = [
        &[S::Version],
        &[S::HostName],
        &[S::HostNameFile],
        &[S::HostsFile],
        &[S::Resolve],
        &[S::Addresses],
        &[S::Interfaces],
        &[S::Clock],
        &[S::TimeSync],
        &[S::Guests],
        &[S::ClusterConfig],
        &[S::HostKeys],
        &[S::User],
        &[S::Probe],
    ];
    let lost = |(bit, sources): (usize, &&[Source])| {
        bits & (1 << bit) != 0 && sources.iter().any(|source| check.needs().contains(source))
    };
    sources.iter().enumerate().any(lost)
}

proptest! {
    #[test]
    fn the_matrix_is_always_full_and_a_missing_fact_is_never_a_pass(bits in proptest::collection::vec(any::<u16>(), 0..6)) {
        let mut nodes: Vec<NodeEvidence> =
            probed([healthy(11, true), healthy(12, false), healthy(13, false), healthy(14, false), healthy(15, false)]).to_vec();
        nodes.truncate(bits.len());
        for (node, bits) in nodes.iter_mut().zip(&bits) {
            forget(node, *bits);
        }
        let cells = judge(&nodes, &[]);
        prop_assert_eq!(cells.len(), nodes.len() * CheckId::ALL.len());
        for cell in &cells {
            let Some((_, bits)) = nodes.iter().zip(&bits).find(|(node, _)| node.node == cell.node) else { continue };
            if lacks(cell.check, *bits) {
                prop_assert_eq!(cell.verdict, Verdict::Error, "{:?} with {:b}", cell.check, bits);
            }
        }
    }

    #[test]
    fn a_node_that_says_nothing_has_no_pass(others in 0u8..4) {
        let mut nodes: Vec<NodeEvidence> = (0..others).map(|n| healthy(20 + n, n == 0)).collect();
        nodes.push(lost(11));
        let cells = judge(&nodes, &[]);
        for cell in cells.iter().filter(|cell| Some(cell.node) == nodes.last().map(|node| node.node)) {
            prop_assert!(cell.verdict.blocks(), "{:?}", cell);
        }
    }
}
