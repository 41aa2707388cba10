mod classes;

use super::*;
use crate::bmc::{BmcWay, SystemUuid};
use crate::ids::ClusterId;
use crate::inventory::LogIn;
use crate::name::SshAddress;
use crate::recovery::{DeathProof, QuorumOptions, WrittenOff};
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

fn id(n: u128) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(n))
}

fn cluster(phase: ClusterPhase) -> Cluster {
    Cluster {
        id: ClusterId::from_uuid(Uuid::from_u128(99)),
        name: "prod".parse().expect("name"),
        phase,
        protected: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "ops-1".into(),
    }
}

fn node(n: u8, purpose: Purpose) -> Node {
    Node {
        id: id(u128::from(n)),
        cluster: ClusterId::from_uuid(Uuid::from_u128(99)),
        purpose,
        address: SshAddress { host: format!("10.0.1.{n}"), port: 22, user: "root".into() },
        via: None,
        name: Some(format!("blade-{n}")),
        pin: None,
        offered: None,
        log_in: LogIn::NeedsKey,
        position: u32::from(n),
    }
}

fn links(nodes: &[Node]) -> Vec<LinkPlan> {
    (0u8..2)
        .map(|number| LinkPlan {
            number,
            priority: Some(10 + 10 * u32::from(number)),
            network: None,
            addresses: nodes
                .iter()
                .map(|node| (node.id, format!("10.0.{number}.{}", node.position).parse().expect("address")))
                .collect(),
        })
        .collect()
}

fn members(count: u8) -> Vec<Node> {
    (11..11 + count).map(|n| node(n, Purpose::Member)).collect()
}

#[test]
fn create_keeps_the_key_before_pvecm_replaces_the_files() {
    let nodes = members(3);
    let cluster = cluster(ClusterPhase::Draft);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let intent = Intent::CreateCluster { name: "prod".parse().expect("name"), first: id(11), links: links(&nodes) };
    let plan = plan(&intent, &world).expect("plan");
    let words: Vec<_> = plan.steps.iter().map(|step| step.action.word()).collect();
    assert_eq!(words, ["keep_console_key", "create_cluster", "share_console_key"]);
    assert_eq!(plan.risk, Risk::Disruptive);
    assert_eq!(plan.target, "prod");
}

#[test]
fn a_live_cluster_is_not_created_again() {
    let nodes = members(2);
    let cluster = cluster(ClusterPhase::Live);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let intent = Intent::CreateCluster { name: "prod".parse().expect("name"), first: id(11), links: links(&nodes) };
    assert_eq!(plan(&intent, &world).expect_err("refused").code, ProblemCode::ClusterAlreadyBuilt);
}

#[test]
fn joins_come_one_after_the_other_and_carry_no_priority() {
    let nodes = members(3);
    let cluster = cluster(ClusterPhase::Live);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let intent = Intent::JoinNodes { joiners: vec![id(12), id(13)], member: id(11), links: links(&nodes) };
    let plan = plan(&intent, &world).expect("plan");
    let joins: Vec<_> =
        plan.steps.iter().enumerate().filter(|(_, step)| step.action.word() == "join_cluster").collect();
    assert_eq!(joins.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [4, 9]);
    for (_, step) in joins {
        let Action::JoinCluster { links, member_address, .. } = &step.action else { panic!("a join") };
        assert!(links.iter().all(|link| link.priority.is_none()));
        assert_eq!(member_address.to_string(), "10.0.0.11");
    }
}

#[test]
fn a_missing_address_is_named() {
    let nodes = members(2);
    let cluster = cluster(ClusterPhase::Live);
    let mut chosen = links(&nodes);
    chosen[1].addresses.remove(&id(12));
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let intent = Intent::JoinNodes { joiners: vec![id(12)], member: id(11), links: chosen };
    let problem = plan(&intent, &world).expect_err("refused");
    assert_eq!(problem.code, ProblemCode::LinksIncomplete);
    assert_eq!(problem.params["node"], "blade-12");
}

#[test]
fn the_qnetd_host_is_left_without_the_key() {
    let mut nodes = members(2);
    nodes.push(node(50, Purpose::Qnetd));
    let cluster = cluster(ClusterPhase::Live);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let asked = |against_advice| Intent::SetUpQdevice {
        host: id(50),
        address: "10.0.1.50".parse().expect("address"),
        against_advice,
    };
    let intent = asked(false);
    let made = plan(&intent, &world).expect("plan");
    assert_eq!(made.steps.last().map(|step| step.action.word()), Some("forget_root_key"));
    assert_eq!(made.risk, Risk::Reversible);
    nodes.push(node(13, Purpose::Member));
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    assert_eq!(plan(&intent, &world).expect_err("odd").code, ProblemCode::QdeviceOddCount);
    let forced = plan(&asked(true), &world).expect("against advice");
    assert_eq!(forced.risk, Risk::Destructive);
    let said = forced.consequences.iter().find(|one| one.code == ConsequenceCode::QdeviceAgainstAdvice);
    assert_eq!(said.map(|one| (one.params["nodes"].as_str(), one.params["votes"].as_str())), Some(("3", "2")));
    assert!(forced.steps.iter().any(|step| matches!(step.action, Action::SetUpQdevice { force: true, .. })));
    let dropped = forced.consequences.iter().find(|one| one.code == ConsequenceCode::QdeviceStoreDeleted);
    let said = dropped.map(|one| (one.params["node"].as_str(), one.params["path"].as_str()));
    assert_eq!(said, Some(("blade-11", "/etc/corosync/qdevice/net/nssdb")), "force drops what is there");
    assert!(made.consequences.iter().all(|one| one.code != ConsequenceCode::QdeviceStoreDeleted));
}

/// Two members, and a third machine that has still to join.
#[test]
fn a_node_that_waits_in_the_draft_does_not_count() {
    use crate::topology::fixture;
    let named = |n: u8| Node { name: Some(fixture::name(n.into())), ..node(n, Purpose::Member) };
    let mut nodes: Vec<Node> = (1..=3).map(named).collect();
    nodes.push(node(50, Purpose::Qnetd));
    let cluster = cluster(ClusterPhase::Live);
    let snapshot = |device: bool| {
        let view = |n| fixture::view(n, &[1, 2], "1.10", 2, 0);
        let with = |n| if device { fixture::with_qdevice(view(n), true) } else { view(n) };
        fixture::folded(&[1, 2].map(with), 1)
    };
    let (bare, voting) = (snapshot(false), snapshot(true));
    let world = |snapshot| PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: Some(snapshot), look: None };
    let address = "10.0.1.50".parse().expect("address");
    for against_advice in [false, true] {
        let set_up = Intent::SetUpQdevice { host: id(50), address, against_advice };
        let problem = plan(&set_up, &world(&bare)).expect_err("somebody waits");
        assert_eq!((problem.code, problem.params["nodes"].as_str()), (ProblemCode::NodesNotJoined, "cedar"));
    }
    let links = links(&nodes);
    let join = Intent::JoinNodes { joiners: vec![id(3)], member: id(1), links };
    assert!(plan(&join, &world(&bare)).is_ok());
    assert_eq!(plan(&join, &world(&voting)).expect_err("not beside it").code, ProblemCode::QdeviceBeforeJoin);
    let removal = plan(&Intent::RemoveQdevice, &world(&voting)).expect("the way to its join");
    assert!(matches!(removal.steps[0].action, Action::RemoveQdevice { votes_after: 2 }), "{:?}", removal.steps);
    // One whose nodes have more than one vote is left with those, not with their number.
    let mut heavy = voting.clone();
    heavy.nodes[0].votes = Some(3);
    heavy.qdevice.as_mut().expect("a device").fact.value.configured_votes = 2;
    let removal = plan(&Intent::RemoveQdevice, &world(&heavy)).expect("a plan");
    assert!(matches!(removal.steps[0].action, Action::RemoveQdevice { votes_after: 4 }), "{:?}", removal.steps);
    let said = &removal.consequences[0].params;
    assert_eq!((said["expected_before"].as_str(), said["expected_after"].as_str()), ("6", "4"));
}

/// So many votes of a side, and of a device that says nothing.
fn lowering(votes: u32, of_device: u32) -> Result<Plan, Problem> {
    lowering_beside(votes, of_device, QuorumOptions::default())
}

fn lowering_beside(votes: u32, of_device: u32, options: QuorumOptions) -> Result<Plan, Problem> {
    let (nodes, cluster) = (members(3), cluster(ClusterPhase::Live));
    let proof = DeathProof::Attested { by: "anna".into(), how: "no power".into() };
    let dead = WrittenOff { name: "blade-13".into(), addresses: vec![], proof, guests: vec![], services: vec![] };
    let look = Look::SilentDevice { votes: of_device, options };
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: Some(&look) };
    let members = vec!["blade-11".into(), "blade-12".into()];
    plan(&Intent::SetExpected { through: id(11), votes, members, written_off: vec![dead] }, &world)
}

#[test]
fn a_silent_qdevice_is_in_the_plan_that_lowers_the_votes() {
    let expected = |plan: &Plan| match &plan.steps[0].action {
        Action::SetExpected { votes, expected, .. } => (*votes, *expected),
        other => panic!("{other:?}"),
    };
    let told = |plan: &Plan| {
        let said = plan.consequences.iter().find(|one| one.code == ConsequenceCode::QdeviceStillExpected)?;
        Some(["votes", "device", "expected", "quorum"].map(|name| said.params[name].clone()))
    };
    let bare = lowering(2, 0).expect("no device");
    assert_eq!((expected(&bare), told(&bare)), ((2, None), None));
    // A BMC that is asked first takes up to 61 s, and then everybody is asked.
    assert_eq!(bare.steps[0].action.time_limit_s(), 240);
    let beside = lowering(2, 1).expect("two votes are enough of three");
    assert_eq!(expected(&beside), (2, Some(3)));
    assert_eq!(told(&beside), Some(["2", "1", "3", "2"].map(str::to_owned)));
    for (votes, of_device) in [(1, 1), (2, 2)] {
        let refused = lowering(votes, of_device).expect_err("it would stay blocked");
        assert_eq!(refused.code, ProblemCode::QdeviceKeepsBlocked, "{votes} {of_device}");
    }
}

#[test]
fn what_would_stay_blocked_is_not_planned() {
    let waits = QuorumOptions { waits_for_all: true, tracked_by: None };
    let tracked = QuorumOptions { waits_for_all: false, tracked_by: Some("expected_votes_tracking".to_owned()) };
    let code = |votes, device, options: &QuorumOptions| {
        lowering_beside(votes, device, options.clone()).err().map(|problem| problem.code)
    };
    assert_eq!(code(2, 1, &waits), Some(ProblemCode::WaitsForAllVotes));
    assert_eq!((code(2, 0, &waits), code(1, 0, &waits)), (None, None), "all that are expected are there");
    assert_eq!(code(1, 0, &tracked), Some(ProblemCode::ExpectedTracked));
    assert_eq!(code(0, 0, &QuorumOptions::default()), Some(ProblemCode::NoVotesHere));
}

proptest! {
    #[test]
    fn equal_worlds_give_equal_plans_and_digests(count in 2u8..30, pick in 1usize..29) {
        let nodes = members(count);
        let cluster = cluster(ClusterPhase::Live);
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
        let joiners: Vec<NodeId> = nodes.iter().skip(1).take(pick).map(|node| node.id).collect();
        let intent = Intent::JoinNodes { joiners: joiners.clone(), member: id(11), links: links(&nodes) };
        let one = plan(&intent, &world).expect("plan");
        let other = plan(&intent, &world).expect("plan");
        prop_assert_eq!(one.digest().expect("digest"), other.digest().expect("digest"));
        let joined: Vec<NodeId> = one.steps.iter().filter(|step| step.action.word() == "join_cluster").map(|step| step.node).collect();
        prop_assert_eq!(joined, joiners, "each joiner exactly once, in order");
    }

    #[test]
    fn one_changed_byte_changes_the_digest(last in 14u8..250) {
        let nodes = members(3);
        let cluster = cluster(ClusterPhase::Live);
        let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
        let intent = |links: Vec<LinkPlan>| Intent::JoinNodes { joiners: vec![id(12)], member: id(11), links };
        let before = plan(&intent(links(&nodes)), &world).expect("plan").digest().expect("digest");
        let mut moved = links(&nodes);
        moved[0].addresses.insert(id(12), format!("10.0.0.{last}").parse().expect("address"));
        let after = plan(&intent(moved), &world).expect("plan").digest().expect("digest");
        prop_assert_ne!(before, after);
    }
}

#[test]
fn machines_do_what_they_were_added_for() {
    let mut nodes = members(2);
    nodes.push(node(50, Purpose::Qnetd));
    let cluster = cluster(ClusterPhase::Live);
    let draft = Cluster { phase: ClusterPhase::Draft, ..cluster.clone() };
    let refusal = |cluster: &Cluster, intent: Intent| {
        let world = PlanWorld { cluster, nodes: &nodes, snapshot: None, look: None };
        plan(&intent, &world).err().map(|problem| (problem.code, problem.params.get("node").cloned()))
    };
    let links = links(&nodes);
    let join = |joiner, member| Intent::JoinNodes { joiners: vec![joiner], member, links: links.clone() };
    let no_node = Some((ProblemCode::NotANode, Some("blade-50".to_owned())));
    assert_eq!(refusal(&cluster, join(id(50), id(11))), no_node);
    assert_eq!(refusal(&cluster, join(id(12), id(50))), no_node);
    assert_eq!(refusal(&cluster, join(id(12), id(11))), None);
    let create = Intent::CreateCluster { name: "prod".parse().expect("name"), first: id(50), links: links.clone() };
    assert_eq!(refusal(&draft, create), no_node);
    let witness =
        |host| Intent::SetUpQdevice { host, address: "10.0.0.50".parse().expect("address"), against_advice: false };
    assert_eq!(refusal(&cluster, witness(id(12))), Some((ProblemCode::NotAQnetdHost, Some("blade-12".to_owned()))));
    assert_eq!(refusal(&cluster, witness(id(50))), None);
}

#[test]
fn off_and_on_again_is_two_steps_and_each_power_has_its_risk() {
    let mut nodes = members(3);
    nodes.push(node(50, Purpose::Qnetd));
    let cluster = cluster(ClusterPhase::Live);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: None };
    let way = BmcWay::Ipmi { host: "10.0.9.12".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let uuid: SystemUuid = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse().expect("a UUID");
    let (w, u) = (|| way.clone(), || uuid.clone());
    for (intent, risk, words) in [
        (Intent::PowerOff { node: id(12), way: w(), uuid: u() }, Risk::Destructive, &["power_off"][..]),
        (Intent::PowerOn { node: id(12), way: w(), uuid: u() }, Risk::Reversible, &["power_on"]),
        (Intent::PowerCycle { node: id(12), way: w(), uuid: u() }, Risk::Destructive, &["power_off", "power_on"]),
    ] {
        let made = plan(&intent, &world).expect("plan");
        let found: Vec<_> = made.steps.iter().map(|step| step.action.word()).collect();
        assert_eq!((made.risk, made.target.as_str(), found.as_slice()), (risk, "blade-12", words));
        let unknown = made.consequences.iter().any(|one| one.code == ConsequenceCode::VotesUnknown);
        assert_eq!(unknown, risk == Risk::Destructive, "what is not known is said");
    }
    let other = Intent::PowerOff { node: id(50), way: w(), uuid: u() };
    assert_eq!(plan(&other, &world).expect_err("no member").code, ProblemCode::NotANode);
}
