//! A cluster that was there before the console, taken over through one of its nodes.

use crate::fence::held;
use crate::house::{House, anna};
use crate::look;
use engine::approvals::PolicyChange;
use engine::audit::Person;
use engine::execute;
use engine::import::Imported;
use engine::ports::{ApprovalStore, ClusterStore, Credential, DraftStore};
use lab::{Fault, Scenario};
use model::audit::{AuditCode, AuditEntry};
use model::import::{Chosen, Source};
use model::inventory::{ClusterPhase, LogIn, Node, Purpose};
use model::operation::OperationState;
use model::plan::Intent;
use model::policy::{Consent, Policy, Row};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::role::Role;
use model::topology::Health;
use std::time::Duration;

const KEPT: &str = "/root/.ssh/authorized_keys2";
const SHARED: &str = "/etc/pve/priv/authorized_keys";
/// What the lab gives its sudo user.
const USER_PASSWORD: &str = "quorate-user";

/// An import that has got as far as logging in to this node.
pub async fn asked(scenario: Scenario, node: &str) -> House {
    let house = House::outside(scenario).await;
    house.let_in(node, "authorized_keys2");
    let row = house.add_row(node, Purpose::Member, "root").await;
    house.engine().try_log_in(&row).await.expect("the console is let in");
    house
}

/// In this lab a machine's address is its name.
pub fn at(name: &str) -> Chosen {
    Chosen { name: name.into(), host: name.into() }
}

pub async fn take_over(house: &House, chosen: &[Chosen]) -> Result<Imported, Problem> {
    let engine = house.engine();
    let answered = engine.discover(house.cluster).await?;
    let dialled = engine.dial_members(&answered, chosen).await?;
    let cluster = held(house.raw().cluster(house.cluster)).await.expect("the cluster");
    engine.adopt(&anna(), &cluster, &answered, dialled).await
}

pub async fn log_in(house: &House, node: &Node) -> Result<(), Problem> {
    house.pin(node).await;
    house.engine().try_log_in(&house.node(&node.address.host).await).await
}

fn has_key(house: &House, node: &str, file: &str) -> bool {
    let content = house.lab.file(node, file).unwrap_or_default();
    String::from_utf8_lossy(&content).contains(house.key_blob())
}

#[tokio::test(start_paused = true)]
async fn all_are_taken_over_through_the_second_and_one_key_opens_all() {
    let house = asked(Scenario::healthy(3), "pve2").await;
    let imported = take_over(&house, &[at("pve1"), at("pve3")]).await.expect("taken over");
    assert_eq!((imported.cluster.name.as_str(), imported.cluster.phase), ("lab", ClusterPhase::Live));
    assert!(!imported.name_taken && !imported.cluster.protected, "no guests, no protection");
    let confirm = |node: &Node| matches!(node.log_in, LogIn::KeyUnconfirmed) && node.offered.is_some();
    assert!(imported.added.len() == 2 && imported.added.iter().all(confirm), "{:#?}", imported.added);

    house.engine().admit_console(&anna(), &house.node("pve2").await, true, true).await.expect("shared");
    for node in ["pve1", "pve3"] {
        assert!(has_key(&house, node, SHARED) && !has_key(&house, node, KEPT));
        let row = house.node(node).await;
        log_in(&house, &row).await.expect("no password is needed here");
        let row = house.node(node).await;
        assert!(!house.engine().keeps_console_key(&row).await.expect("asked"));
        house.engine().admit_console(&anna(), &row, false, true).await.expect("kept");
        assert!(has_key(&house, node, KEPT) && house.engine().keeps_console_key(&row).await.expect("asked"));
    }
    let healthy = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.health == Health::Healthy);
    house.until("the cluster is healthy", Duration::from_secs(60), healthy).await;
    let draft = held(house.raw().draft(house.cluster)).await.expect("a draft");
    assert_eq!(draft.links.iter().map(|link| link.addresses.len()).collect::<Vec<_>>(), [3, 3]);
    let entries = look::audit_is_whole(&house).await;
    let imported: Vec<_> = entries.iter().filter(|one| one.entry.code == AuditCode::ClusterImported).collect();
    assert_eq!(imported.len(), 1);
    assert_eq!(imported[0].entry.details["members"], "pve1, pve2, pve3");
}

#[tokio::test(start_paused = true)]
async fn a_dead_member_is_taken_over_with_its_failure_and_shows_its_key_later() {
    let house = asked(Scenario::healthy(3), "pve1").await;
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    let answered = house.engine().discover(house.cluster).await.expect("asked");
    let online: Vec<_> = answered.discovery.found.iter().map(|one| one.online).collect();
    assert_eq!(online, [Some(true), Some(true), Some(false)]);
    take_over(&house, &[at("pve2"), at("pve3")]).await.expect("taken over");
    let dead = house.node("pve3").await;
    assert!(dead.offered.is_none(), "{dead:?}");
    assert!(matches!(&dead.log_in, LogIn::Fails { problem, .. } if problem.code == ProblemCode::Unreachable));
    house
        .engine()
        .admit_console(&anna(), &house.node("pve1").await, true, true)
        .await
        .expect("two of three are a majority");
    house.inject(Fault::Start { node: "pve3".into() });
    house.lab.settle().await;
    log_in(&house, &dead).await.expect("the shared file has reached it");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_when_the_node_was_asked_is_taken_over_afterwards() {
    let house = asked(Scenario::healthy(3), "pve1").await;
    take_over(&house, &[at("pve2")]).await.expect("taken over");
    let again = take_over(&house, &[at("pve2"), at("pve3")]).await.expect("the rest");
    assert_eq!(again.added.iter().map(Node::label).collect::<Vec<_>>(), ["pve3"]);
    let entries = house.audit().await;
    assert_eq!(entries.iter().filter(|one| one.entry.code == AuditCode::ClusterImported).count(), 1);
    let draft = held(house.raw().draft(house.cluster)).await.expect("a draft");
    assert!(draft.links.iter().all(|link| link.addresses.len() == 3), "{:?}", draft.links);
}

#[tokio::test(start_paused = true)]
async fn without_quorum_it_is_taken_over_and_nothing_is_shared() {
    let house = asked(Scenario::healthy(3), "pve1").await;
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    let answered = house.engine().discover(house.cluster).await.expect("asked");
    assert_eq!(answered.discovery.quorate, Some(false));
    let imported = take_over(&house, &[at("pve2")]).await.expect("taken over");
    assert_eq!(imported.cluster.phase, ClusterPhase::Live);
    house.engine().admit_console(&anna(), &house.node("pve1").await, false, true).await.expect("kept");
    assert!(!has_key(&house, "pve1", SHARED));
}

#[tokio::test(start_paused = true)]
async fn without_pmxcfs_the_local_copy_tells_who_belongs_to_it() {
    let house = asked(Scenario::healthy(3), "pve1").await;
    house.inject(Fault::StopPmxcfs { node: "pve1".into() });
    house.lab.settle().await;
    let answered = house.engine().discover(house.cluster).await.expect("asked");
    assert_eq!((answered.discovery.source, answered.discovery.found.len()), (Source::Local, 3));
    let codes: Vec<_> = answered.discovery.differs.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["pmxcfs_down"]);
}

#[tokio::test(start_paused = true)]
async fn guests_protect_and_a_cut_link_does_not_matter() {
    let mut scenario = Scenario::healthy(3);
    scenario.faults =
        vec![Fault::AddGuest { node: "pve2".into(), vmid: 100 }, Fault::CutLink { node: "pve3".into(), link: 1 }];
    let house = asked(scenario, "pve1").await;
    let imported = take_over(&house, &[at("pve2"), at("pve3")]).await.expect("taken over");
    assert!(imported.cluster.protected);
    assert_eq!(protections(&house).await, 1);
    let degraded = async || house.engine().hub.snapshot(house.cluster).is_some_and(|one| one.quorum.is_some());
    house.until("the cluster is watched", Duration::from_secs(60), degraded).await;
}

/// How often the console protected a cluster by itself.
async fn protections(house: &House) -> usize {
    let by_itself =
        |entry: &AuditEntry| entry.code == AuditCode::PolicyChanged && entry.who == Person::system().name.as_str();
    house.audit().await.iter().filter(|one| by_itself(&one.entry)).count()
}

/// An import dials machines for seconds with the cluster as it was before; what ada decides meanwhile, each in turn.
async fn taken_over_while_ada_decides(house: &House, switches: &[bool], chosen: &[Chosen]) -> bool {
    let (engine, ada) = (house.engine(), Person { name: "ada".into() });
    let before = held(house.raw().cluster(house.cluster)).await.expect("the cluster");
    let answered = engine.discover(house.cluster).await.expect("asked");
    let dialled = engine.dial_members(&answered, chosen).await.expect("knocked at");
    for protected in switches.iter().copied() {
        let change = engine.change_policy(&ada, house.cluster, with_line(protected), "a lab", true).await;
        assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
    }
    let imported = engine.adopt(&anna(), &before, &answered, dialled).await.expect("taken over");
    imported.cluster.protected
}

fn with_line(protected: bool) -> Policy {
    let decided = Row::shipped(Risk::Destructive);
    Policy { protected, actions: [("withdraw".to_owned(), decided)].into(), ..Policy::default() }
}

/// Three nodes with a guest on one of them, and an admin.
async fn asked_with_guest() -> House {
    let mut scenario = Scenario::healthy(3);
    scenario.faults = vec![Fault::AddGuest { node: "pve2".into(), vmid: 100 }];
    let house = asked(scenario, "pve1").await;
    house.person("ada", Role::Admin).await;
    house
}

#[tokio::test(start_paused = true)]
async fn what_an_admin_decides_about_protection_meanwhile_stands() {
    let house = asked_with_guest().await;
    let decisions: [(&[bool], Vec<Chosen>); 3] =
        [(&[true, false], vec![at("pve2")]), (&[true], Vec::new()), (&[false], vec![at("pve3")])];
    for (switches, chosen) in decisions {
        let protected = taken_over_while_ada_decides(&house, switches, &chosen).await;
        assert_eq!(Some(&protected), switches.last(), "{chosen:?}");
    }
    assert_eq!(protections(&house).await, 0);
}

#[tokio::test(start_paused = true)]
async fn who_decides_about_a_line_meanwhile_leaves_the_switch_to_the_guests() {
    let house = asked_with_guest().await;
    assert!(taken_over_while_ada_decides(&house, &[false], &[at("pve2")]).await);
    assert_eq!(protections(&house).await, 1);
    let policy = held(house.raw().policy(house.cluster)).await.expect("policy");
    assert_eq!(policy, with_line(true), "her line is still there");
    let audit = house.audit().await;
    let told = audit.iter().rev().find(|one| one.entry.details.contains_key("policy")).expect("an entry");
    let told: Policy = serde_json::from_str(&told.entry.details["policy"]).expect("a policy");
    assert_eq!(told, policy, "the entry tells of all of it");
}

#[tokio::test(start_paused = true)]
async fn a_node_of_no_cluster_is_none_and_a_console_outside_asks_nobody() {
    let house = asked(Scenario::bare(1), "pve1").await;
    let refused = house.engine().discover(house.cluster).await.expect_err("no cluster");
    assert_eq!(refused.code, ProblemCode::NotAMember);
    let house = House::outside(Scenario::healthy(2)).await;
    house.add_row("pve1", Purpose::Member, "root").await;
    let refused = house.engine().discover(house.cluster).await.expect_err("nobody lets it in");
    assert_eq!(refused.code, ProblemCode::NoWayIn);
}

#[tokio::test(start_paused = true)]
async fn another_machine_at_a_members_address_is_not_taken_for_it() {
    let house = asked(Scenario::healthy(3), "pve1").await;
    let swapped = Chosen { name: "pve2".into(), host: "pve3".into() };
    take_over(&house, &[swapped]).await.expect("taken over");
    house.engine().admit_console(&anna(), &house.node("pve1").await, true, true).await.expect("shared");
    let row = house.node("pve3").await;
    assert_eq!(row.name.as_deref(), Some("pve2"));
    let refused = log_in(&house, &row).await.expect_err("another machine");
    assert_eq!(refused.code, ProblemCode::NotTheMember);
    assert_eq!(refused.params["found"], "pve3");
    assert_eq!(house.node("pve3").await.name.as_deref(), Some("pve2"), "the member keeps its name");
    let unknown = take_over(&house, &[at("pve9")]).await.expect_err("nobody of that name");
    assert_eq!(unknown.code, ProblemCode::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_qdevice_is_recognised() {
    let house = House::new(Scenario::healthy(2)).await;
    house.done(&house.qdevice_intent().await).await;
    let answered = house.engine().discover(house.cluster).await.expect("asked");
    let device = answered.discovery.qdevice.expect("a QDevice");
    assert_eq!((device.host.as_deref(), device.algorithm.as_deref()), (Some("10.0.1.50"), Some("ffsplit")));
    assert_eq!(answered.discovery.found.len(), 2, "the device is no member");
}

#[tokio::test(start_paused = true)]
async fn a_member_says_which_key_it_sees_of_another() {
    let house = asked(Scenario::healthy(2), "pve1").await;
    take_over(&house, &[at("pve2")]).await.expect("taken over");
    let answered = house.engine().discover(house.cluster).await.expect("asked");
    let row = house.node("pve2").await;
    let offered = row.offered.clone().expect("an offer");
    let seen = house.engine().seen_by_member(&row, &answered.discovery, &offered).await.expect("it looks");
    assert_eq!((seen.by.as_str(), seen.seen.as_ref()), ("pve1", Some(&offered)));
    house.inject(Fault::ChangeHostKey { node: "pve2".into() });
    let seen = house.engine().seen_by_member(&row, &answered.discovery, &offered).await.expect("it looks");
    assert_ne!(seen.seen, Some(offered.clone()), "it sees what is there now");
    house.inject(Fault::Kill { node: "pve2".into() });
    let seen = house.engine().seen_by_member(&row, &answered.discovery, &offered).await.expect("it looks");
    assert_eq!(seen.seen, None);
}

#[tokio::test(start_paused = true)]
async fn a_sudo_users_password_lets_that_user_in() {
    let mut scenario = Scenario::healthy(1);
    scenario.nodes[0].sudo_user = Some("ops".into());
    let house = House::outside(scenario).await;
    let row = house.add_row("pve1", Purpose::Member, "ops").await;
    let engine = house.engine();
    let endpoint = engine.endpoint(&row).await.expect("the store answers");
    let password = Credential::Password(USER_PASSWORD.to_owned().into());
    let shell = engine.dialer.once(&endpoint, password).await.expect("the password opens");
    let proposal = engine.plan(house.cluster, &Intent::InstallKey { node: row.id }).await.expect("a plan");
    let shown = proposal.plan.steps[0].commands.join("\n");
    assert!(shown.contains("tee -a .ssh/authorized_keys2") && !shown.contains("/root/"), "{shown}");
    let consent = Consent { reason: String::new(), typed: String::new() };
    let id = engine.begin(&anna(), proposal, &consent).await.expect("it begins");
    execute::run(engine, id, &anna(), Some(shell)).await.expect("the journal is written");
    assert_eq!(house.operation(id).await.state, OperationState::Done);
    assert!(has_key(&house, "pve1", "/home/ops/.ssh/authorized_keys2"));
    assert!(house.lab.file("pve1", KEPT).is_none(), "root's own files are not touched");
    engine.try_log_in(&row).await.expect("ops is let in, and is root by sudo");
    let answered = engine.discover(house.cluster).await.expect("asked as root");
    assert_eq!(answered.discovery.cluster_name, "lab");
}
