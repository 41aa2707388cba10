//! The eight prerequisites, against nodes that meet them and nodes that do not.

use crate::house::{House, anna};
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::live::Live;
use model::preflight::{Cell, CheckId, FindingCode, Matrix, Verdict};
use std::time::Duration;

async fn check(house: &House) -> Matrix {
    house.engine().run_checks(&anna(), house.cluster).await.expect("a matrix")
}

/// Every cell that is not green: check, node, verdict, findings.
fn troubles(matrix: &Matrix) -> Vec<(CheckId, String, Verdict, Vec<FindingCode>)> {
    let label = |cell: &Cell| matrix.nodes.iter().find(|node| node.node == cell.node).map(|node| node.label.clone());
    let bad = matrix.cells.iter().filter(|cell| cell.verdict != Verdict::Pass);
    bad.map(|cell| {
        let codes = cell.findings.iter().map(|finding| finding.code).collect();
        (cell.check, label(cell).expect("a column"), cell.verdict, codes)
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn bare_nodes_pass() {
    let house = House::new(Scenario::bare(3)).await;
    let matrix = check(&house).await;
    assert!(matrix.passes(), "{:#?}", troubles(&matrix));
    // Links are chosen in the next step, the lab's kernel tracks no connections, and nobody has installed lldpd.
    let left_out = [CheckId::HostLink, CheckId::LinkDedicated, CheckId::Conntrack, CheckId::LinkSwitches];
    let found = troubles(&matrix);
    let other = found.iter().filter(|one| one.2 != Verdict::Skipped || !left_out.contains(&one.0));
    assert_eq!(other.count(), 0, "{found:#?}");
    assert_eq!(house.engine().hub.matrix(house.cluster).as_deref(), Some(&matrix));
    assert!(matrix.cells.iter().all(|cell| !cell.evidence.is_empty()), "every verdict quotes its evidence");
    let entries = house.audit().await;
    let run = entries.iter().find(|one| one.entry.code == AuditCode::ChecksRun).expect("the run is in the audit");
    let passed = matrix.cells.iter().filter(|cell| cell.verdict == Verdict::Pass).count();
    assert_eq!(run.entry.details["pass"], passed.to_string());
    assert!(run.entry.details.keys().all(|name| model::audit::DETAILS.contains(&name.as_str())), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn unprepared_nodes_are_found_out() {
    let house = House::new(Scenario::unprepared(4)).await;
    let matrix = check(&house).await;
    assert!(!matrix.passes());
    let found = troubles(&matrix);
    let has = |check: CheckId, node: &str, verdict: Verdict, code: FindingCode| {
        found.iter().any(|one| one.0 == check && one.1 == node && one.2 == verdict && one.3.contains(&code))
    };
    assert!(has(CheckId::HostsFile, "pve1", Verdict::Fail, FindingCode::HostsLoopbackLine), "{found:#?}");
    assert!(has(CheckId::NoGuests, "pve2", Verdict::Fail, FindingCode::HasGuests), "{found:#?}");
    assert!(has(CheckId::Clocks, "pve3", Verdict::Fail, FindingCode::ClockApart), "{found:#?}");
    assert!(has(CheckId::SameVersion, "pve4", Verdict::Warn, FindingCode::VersionMinorDiffers), "{found:#?}");
    let innocent = [CheckId::HostsFile, CheckId::NoGuests]
        .iter()
        .flat_map(|check| found.iter().filter(move |one| one.0 == *check && one.1 == "pve4"));
    assert_eq!(innocent.count(), 0, "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_asked_is_an_error_and_never_a_pass() {
    let house = House::new(Scenario::bare(3)).await;
    house.inject(Fault::Kill { node: "pve2".into() });
    let matrix = check(&house).await;
    let second = house.id("pve2").await;
    let cells: Vec<_> = matrix.cells.iter().filter(|cell| cell.node == second).collect();
    assert_eq!(cells.len(), CheckId::ALL.len());
    assert!(
        cells.iter().all(|cell| matches!(cell.verdict, Verdict::Error | Verdict::Skipped | Verdict::Fail)),
        "{cells:#?}"
    );
    assert!(!matrix.passes());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_in_every_command_keeps_nobody_waiting() {
    let house = House::new(Scenario::bare(3)).await;
    house.inject(Fault::HangCommands { node: "pve2".into(), on: true });
    let began = tokio::time::Instant::now();
    let matrix = check(&house).await;
    // The nodes' time: the looks and the probe have limits, however many commands there are.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let (first, second) = (house.id("pve1").await, house.id("pve2").await);
    let version = |node| {
        let cell = matrix.cells.iter().find(|cell| cell.node == node && cell.check == CheckId::RootSsh);
        cell.map(|cell| cell.verdict)
    };
    assert_eq!(
        (version(first), version(second)),
        (Some(Verdict::Pass), Some(Verdict::Error)),
        "{:#?}",
        troubles(&matrix)
    );
}

#[tokio::test(start_paused = true)]
async fn a_firewall_that_drops_udp_is_found() {
    let house = House::new(Scenario::bare(3)).await;
    house.inject(Fault::BlockUdp { node: "pve3".into(), on: true });
    let matrix = check(&house).await;
    let found = troubles(&matrix);
    assert!(found.iter().any(|one| one.0 == CheckId::Ports && one.3.contains(&FindingCode::UdpLost)), "{found:#?}");
    assert!(!matrix.passes());
}

#[tokio::test(start_paused = true)]
async fn verdicts_are_told_one_by_one_and_the_last_matrix_has_them_all() {
    let house = House::new(Scenario::bare(3)).await;
    let mut live = house.engine().hub.subscribe(house.cluster);
    let matrix = check(&house).await;
    let mut filled = Vec::new();
    while let Ok(message) = live.try_recv() {
        if let Live::Matrix(one) = &message.what {
            filled.push((one.cells.len(), one.finished_at.is_some()));
        }
    }
    let open: Vec<usize> = filled.iter().filter(|(_, over)| !over).map(|(cells, _)| *cells).collect();
    assert!(open.iter().any(|cells| (1..matrix.cells.len()).contains(cells)), "{filled:?}");
    assert_eq!(filled.last(), Some(&(matrix.cells.len(), true)));
}

#[tokio::test(start_paused = true)]
async fn losses_and_small_packets_are_measured_between_the_nodes() {
    let house = House::new(Scenario::bare(3)).await;
    house.inject(Fault::Loss { node: "pve2".into(), link: 1, percent: 20 });
    house.inject(Fault::Mtu { node: "pve3".into(), link: 0, mtu: 1_400 });
    let matrix = check(&house).await;
    let found = troubles(&matrix);
    let has = |check: CheckId, node: &str, code: FindingCode| {
        found.iter().any(|one| one.0 == check && one.1 == node && one.2 == Verdict::Fail && one.3.contains(&code))
    };
    assert!(has(CheckId::LinkLoss, "pve1", FindingCode::PingLost), "{found:#?}");
    assert!(has(CheckId::LinkMtu, "pve1", FindingCode::MtuBlocked), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_answers_rubbish_passes_nothing_that_it_was_asked() {
    let house = House::new(Scenario::bare(3)).await;
    house.inject(Fault::Garbage { node: "pve2".into(), on: true });
    let matrix = check(&house).await;
    let second = house.id("pve2").await;
    let passed: Vec<CheckId> = matrix
        .cells
        .iter()
        .filter(|cell| cell.node == second && cell.verdict == Verdict::Pass)
        .map(|cell| cell.check)
        .collect();
    // The shell itself is sound there, and what it prints by itself is its own.
    assert_eq!(passed, [CheckId::QuietShell], "rubbish is no proof");
}

#[tokio::test(start_paused = true)]
async fn the_probe_runs_while_the_rest_is_asked() {
    let house = House::new(Scenario::bare(3)).await;
    let matrix = check(&house).await;
    for node in &matrix.nodes {
        let seen = |check: CheckId| {
            let cell = matrix.cells.iter().find(|cell| cell.node == node.node && cell.check == check);
            cell.and_then(|cell| cell.evidence.last()).expect("its evidence")
        };
        // The last question of the second round, and the four seconds in which all nodes call each other.
        let (asked, probe) = (seen(CheckId::QuietShell), seen(CheckId::Ports));
        assert!(probe.command.starts_with("perl"), "{probe:?}");
        let began = engine::evidence::asked(probe.at, probe.millis);
        assert!(began < asked.at, "{}: began at {began}, the second round ended at {}", node.label, asked.at);
    }
}
