//! Remedies: what a check has found is mended by a plan, the check passes then, and what was there comes back where somebody wants it.

mod dangers;
mod work;

use crate::house::{CLUSTER, House, anna};
use crate::look;
use lab::Scenario;
use model::audit::AuditCode;
use model::operation::{Operation, StepStatus};
use model::plan::Intent;
use model::preflight::{Cell, CheckId, Matrix, Verdict};
use model::remedy::RemedyKind;
use std::time::Duration;
use work::{Mend, NODE, once_more};

async fn checked(house: &House) -> Matrix {
    house.engine().run_checks(&anna(), house.cluster).await.expect("a matrix")
}

async fn cell(house: &House, matrix: &Matrix, check: CheckId, node: &str) -> Cell {
    let node = house.id(node).await;
    let found = matrix.cells.iter().find(|cell| cell.node == node && cell.check == check);
    found.cloned().unwrap_or_else(|| panic!("no cell for {check:?}"))
}

/// Found, offered, mended, proven by the test's own look, and gone from the matrix.
async fn mends(work: Mend, check: CheckId, verdict: Verdict, kind: RemedyKind) {
    // What one firewall drops, the others miss.
    let node = if kind == RemedyKind::Firewall { "pve1" } else { NODE };
    let house = work.house().await;
    let before = cell(&house, &checked(&house).await, check, node).await;
    assert_eq!((before.verdict, RemedyKind::of(&before)), (verdict, Some(kind)), "{before:#?}");
    let operation = house.done(&work.intent(&house).await).await;
    look::is_done(&house, &operation).await;
    look::ran_what_was_shown(&operation, &look::audit_is_whole(&house).await);
    work.check(&house).await;
    let after = cell(&house, &checked(&house).await, check, node).await;
    assert_eq!((after.verdict, RemedyKind::of(&after)), (Verdict::Pass, None), "{after:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_on_loopback_gets_its_address() {
    mends(Mend::Hosts, CheckId::HostsFile, Verdict::Fail, RemedyKind::HostsFile).await;
}

#[tokio::test(start_paused = true)]
async fn the_key_of_an_earlier_cluster_is_set_aside() {
    mends(Mend::Authkey, CheckId::NoGuests, Verdict::Fail, RemedyKind::Authkey).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_gets_the_time_zone_of_the_others() {
    mends(Mend::Zone, CheckId::TimeZone, Verdict::Warn, RemedyKind::TimeZone).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_rsa_host_key_is_made() {
    mends(Mend::RsaKey, CheckId::RootSsh, Verdict::Fail, RemedyKind::RsaHostKey).await;
}

#[tokio::test(start_paused = true)]
async fn chrony_comes_in_the_place_of_timesyncd() {
    mends(Mend::Chrony, CheckId::ClockService, Verdict::Warn, RemedyKind::Chrony).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_set_right() {
    mends(Mend::Clock, CheckId::Clocks, Verdict::Fail, RemedyKind::Chrony).await;
}

#[tokio::test(start_paused = true)]
async fn a_firewall_lets_the_other_nodes_through() {
    mends(Mend::Firewall, CheckId::Ports, Verdict::Fail, RemedyKind::Firewall).await;
}

/// Whatever corosync.conf calls it, and whatever the plan is about.
async fn is_told_of(house: &House, name: &str, operation: &Operation) {
    let entries = look::audit_is_whole(house).await;
    let told: Vec<_> = entries.iter().filter(|one| one.entry.operation == Some(operation.id)).collect();
    for code in [AuditCode::PlanProposed, AuditCode::OperationStarted, AuditCode::CommandFinished] {
        assert!(told.iter().any(|one| one.entry.code == code), "no {code:?}");
    }
    for one in told {
        assert_eq!(one.entry.cluster_name.as_deref(), Some(name), "{:?}", one.entry.code);
    }
}

#[tokio::test(start_paused = true)]
async fn every_entry_of_an_operation_has_the_name_that_its_cluster_has_here() {
    let bare = Mend::Zone.house().await;
    let mended = bare.done(&Mend::Zone.intent(&bare).await).await;
    is_told_of(&bare, CLUSTER, &mended).await;

    let house = House::new(Scenario::healthy(2)).await;
    house.store().rename_cluster(house.cluster, "import-ab12").await.expect("its own name is taken");
    house.engine().watch_all().await;
    let known = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.cluster_name.is_some());
    house.until("its configuration is read", Duration::from_secs(60), known).await;
    let set_up = house.done(&house.qdevice_intent().await).await;
    assert_eq!(set_up.plan.facts.cluster_name.as_deref(), Some("lab"));
    is_told_of(&house, "import-ab12", &set_up).await;
}

/// What was there before is there again, byte for byte.
async fn comes_back(work: Mend) {
    let house = work.house().await;
    let operation = house.done(&work.intent(&house).await).await;
    look::is_done(&house, &operation).await;
    look::ran_what_was_shown(&operation, &look::audit_is_whole(&house).await);
    work.check(&house).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_remedy_replaced_comes_back() {
    for work in [Mend::HostsBack, Mend::AuthkeyBack, Mend::ZoneBack, Mend::FirewallBack] {
        comes_back(work).await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_step_may_be_repeated() {
    for work in Mend::ALL {
        eprintln!("{work:?} once more");
        let house = work.house().await;
        let first = house.done(&work.intent(&house).await).await;
        let again = once_more(&house, &first).await;
        look::is_done(&house, &again).await;
        let already = again.steps.iter().all(|step| matches!(step, StepStatus::Proven { already: true, .. }));
        assert!(already, "{work:?}: {:#?}", again.steps);
        let entries = house.audit().await;
        let changed = entries.iter().any(|one| one.entry.operation == Some(again.id) && one.entry.exit.is_some());
        assert!(!changed, "no command that changes something has run");
        work.check(&house).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_takes_the_kept_copies_along() {
    // A copy that no operation of this console has kept.
    const THEIRS: &str = "/etc/hosts.quorate-0123456789ab";
    for work in [Mend::Hosts, Mend::Authkey] {
        let house = work.house().await;
        house.done(&work.intent(&house).await).await;
        let copies = house.lab.files_with(NODE, b".quorate-");
        assert_eq!(copies.len(), 1, "{work:?} has kept what was there: {copies:?}");
        assert!(house.lab.put_file(NODE, THEIRS, b"theirs\n"));
        let operation = house.run(&Intent::Withdraw { leave: Vec::new() }).await;
        look::is_done(&house, &operation).await;
        assert_eq!(house.lab.files_with(NODE, b".quorate-"), [THEIRS], "{work:?}");
        let entries = look::audit_is_whole(&house).await;
        let line = format!("rm -rf {}", copies[0]);
        let deleted =
            entries.iter().any(|one| one.entry.command.as_ref().is_some_and(|command| command.contains(&line)));
        assert!(deleted, "the audit has the deletion of {}", copies[0]);
    }
}
