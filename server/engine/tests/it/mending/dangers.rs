//! What a remedy must never do: overwrite somebody else's change, touch a cluster's key, make a clock jump under HA.

use super::work::{AUTHKEY, Mend, NODE, kept, mending, text};
use crate::house::{House, anna};
use crate::look;
use lab::{Fault, Scenario};
use model::operation::{OperationState, StepEvent};
use model::plan::{Intent, Plan};
use model::policy::Consent;
use model::problem::ProblemCode;
use model::remedy::RemedyKind;
use model::risk::Risk;

async fn planned(house: &House, intent: &Intent) -> Result<Plan, ProblemCode> {
    house.engine().plan(house.cluster, intent).await.map(|one| one.plan).map_err(|problem| problem.code)
}

/// Something happens on the machine right after the step began, which is after the plan was read.
fn meanwhile(house: &House, change: impl FnOnce(&lab::Lab) + Send + 'static) {
    let lab = house.lab.clone();
    house.console.fence.after(|entry| entry.step == 0 && entry.event == StepEvent::Started, move || change(&lab));
}

async fn fails(house: &House, intent: &Intent, code: ProblemCode) {
    let operation = house.run(intent).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!((problem.code, problem.params.get("node").map(String::as_str)), (code, Some(NODE)), "{problem}");
    look::audit_is_whole(house).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_read_before_somebody_edited_the_file_does_not_run() {
    let house = Mend::Hosts.house().await;
    let intent = Mend::Hosts.intent(&house).await;
    let seen = house.engine().plan(house.cluster, &intent).await.expect("a plan");
    let theirs = format!("{}10.9.9.9 storage\n", text(&house, "/etc/hosts").expect("a file"));
    assert!(house.lab.put_file(NODE, "/etc/hosts", theirs.as_bytes()));
    let consent = Consent { reason: String::new(), typed: String::new() };
    let refused = house.engine().run(&anna(), house.cluster, &intent, seen.digest.as_str(), &consent, true).await;
    assert_eq!(refused.expect_err("another file").code, ProblemCode::PlanChanged);
    assert_eq!(text(&house, "/etc/hosts").expect("a file"), theirs);
    let again = house.done(&intent).await;
    look::is_done(&house, &again).await;
    assert!(text(&house, "/etc/hosts").expect("a file").contains("10.9.9.9 storage\n"), "their line stays");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_writes_while_it_runs_is_not_overwritten() {
    let house = Mend::Hosts.house().await;
    meanwhile(&house, |lab| assert!(lab.put_file(NODE, "/etc/hosts", b"10.0.1.12 pve2\n10.9.9.9 theirs\n")));
    fails(&house, &Mend::Hosts.intent(&house).await, ProblemCode::FileChanged).await;
    assert_eq!(text(&house, "/etc/hosts").as_deref(), Some("10.0.1.12 pve2\n10.9.9.9 theirs\n"));
}

#[tokio::test(start_paused = true)]
async fn what_was_edited_since_is_not_taken_back() {
    let house = Mend::HostsBack.house().await;
    let edited = format!("{}10.9.9.9 theirs\n", text(&house, "/etc/hosts").expect("a file"));
    assert!(house.lab.put_file(NODE, "/etc/hosts", edited.as_bytes()));
    fails(&house, &Mend::HostsBack.intent(&house).await, ProblemCode::FileChanged).await;
    assert_eq!(text(&house, "/etc/hosts").expect("a file"), edited);
}

#[tokio::test(start_paused = true)]
async fn a_hosts_file_that_is_a_link_is_left_to_people() {
    let house = Mend::Hosts.house().await;
    house.inject(Fault::LinkFile { node: NODE.into(), path: "/etc/hosts".into(), to: "/etc/hosts.shared".into() });
    fails(&house, &Mend::Hosts.intent(&house).await, ProblemCode::FileUnfit).await;
    assert!(text(&house, "/etc/hosts.shared").expect("a file").contains("127.0.1.1"));
}

#[tokio::test(start_paused = true)]
async fn a_members_key_is_never_touched() {
    let house = House::built(Scenario::bare(2), 2).await;
    let before = house.lab.file(NODE, AUTHKEY).expect("the cluster's key");
    fails(&house, &mending(&house, RemedyKind::Authkey).await, ProblemCode::InOtherCluster).await;
    assert_eq!(house.lab.file(NODE, AUTHKEY).as_ref(), Some(&before));
    assert!(kept(&house, "/etc/corosync/authkey.quorate-").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_comes_meanwhile_stops_it() {
    let house = Mend::Authkey.house().await;
    meanwhile(&house, |lab| assert!(lab.put_file(NODE, "/etc/corosync/corosync.conf", b"totem {}\n")));
    fails(&house, &Mend::Authkey.intent(&house).await, ProblemCode::LeftoverConfig).await;
    assert!(house.lab.file(NODE, AUTHKEY).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_old_key_does_not_replace_a_new_one() {
    let house = Mend::AuthkeyBack.house().await;
    assert!(house.lab.put_file(NODE, AUTHKEY, b"of the next cluster"));
    fails(&house, &Mend::AuthkeyBack.intent(&house).await, ProblemCode::FileChanged).await;
    assert_eq!(house.lab.file(NODE, AUTHKEY).as_deref(), Some(b"of the next cluster".as_slice()));
}

/// `watchdog-mux` makes it when the first client comes.
fn arm(lab: &lab::Lab) {
    assert!(lab.put_file(NODE, "/run/watchdog-mux.active/pve-ha-lrm", b""));
}

#[tokio::test(start_paused = true)]
async fn where_ha_is_armed_no_clock_jumps() {
    let house = Mend::Chrony.house().await;
    arm(&house.lab);
    let plan = planned(&house, &Mend::Chrony.intent(&house).await).await.expect("a plan");
    assert_eq!(plan.risk, Risk::Disruptive);
    assert!(plan.steps.iter().all(|step| step.action.word() != "step_clock"), "{plan:#?}");
    let house = Mend::Clock.house().await;
    arm(&house.lab);
    assert_eq!(planned(&house, &Mend::Clock.intent(&house).await).await, Err(ProblemCode::HaArmed));
}

#[tokio::test(start_paused = true)]
async fn ha_that_is_armed_meanwhile_stops_the_jump() {
    let house = Mend::Clock.house().await;
    meanwhile(&house, arm);
    fails(&house, &Mend::Clock.intent(&house).await, ProblemCode::HaArmed).await;
    assert!(super::work::says(&house, "timedatectl show").await.contains("NTPSynchronized=no\n"));
}

#[tokio::test(start_paused = true)]
async fn another_host_key_that_changes_meanwhile_stops_it() {
    let house = Mend::RsaKey.house().await;
    meanwhile(&house, |lab| assert!(lab.put_file(NODE, "/etc/ssh/ssh_host_ed25519_key.pub", OTHER_KEY.as_bytes())));
    fails(&house, &Mend::RsaKey.intent(&house).await, ProblemCode::HostKeysDiffer).await;
    assert!(house.lab.file(NODE, "/etc/ssh/ssh_host_rsa_key.pub").is_none());
}

const OTHER_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0zvCV8lZ0cAvD2ZlSjY2CGvIbbn9bgl5cQ0YJ0rR0f root@pve2\n";

#[tokio::test(start_paused = true)]
async fn a_remedy_of_another_cluster_is_not_taken_back_here() {
    let house = Mend::ZoneBack.house().await;
    let Intent::TakeBack { operation } = Mend::ZoneBack.intent(&house).await else { panic!("a way back") };
    let other = House::new(Scenario::bare(1)).await;
    let refused = planned(&other, &Intent::TakeBack { operation }).await;
    assert_eq!(refused, Err(ProblemCode::NotFound));
}

#[tokio::test(start_paused = true)]
async fn what_drops_packets_and_is_not_proxmox_is_left_to_people() {
    let house = House::new(Scenario::bare(2)).await;
    house.inject(Fault::BlockUdp { node: NODE.into(), on: true });
    let refused = planned(&house, &mending(&house, RemedyKind::Firewall).await).await;
    assert_eq!(refused, Err(ProblemCode::FirewallElsewhere));
}

#[tokio::test(start_paused = true)]
async fn rules_that_somebody_writes_meanwhile_stay() {
    let house = Mend::Firewall.house().await;
    let rules = "/etc/pve/nodes/pve2/host.fw";
    let intent = Mend::Firewall.intent(&house).await;
    let seen = house.engine().plan(house.cluster, &intent).await.expect("a plan");
    let written = house.lab.run(NODE, &format!("tee {rules}"), b"[RULES]\nIN DROP -p icmp\n").await.expect("written");
    assert_eq!(written.exit, 0);
    let consent = Consent { reason: String::new(), typed: String::new() };
    let refused = house.engine().run(&anna(), house.cluster, &intent, seen.digest.as_str(), &consent, true).await;
    assert_eq!(refused.expect_err("another file").code, ProblemCode::PlanChanged);
    look::is_done(&house, &house.done(&intent).await).await;
    let now = super::work::says(&house, &format!("cat {rules}")).await;
    assert!(now.starts_with("[RULES]\nIN ACCEPT ") && now.ends_with("\nIN DROP -p icmp\n"), "{now}");
}
