use super::*;
use crate::ids::ClusterId;
use crate::name::SshAddress;
use crate::preflight::{Acknowledgement, Cell, Finding, FindingCode, MatrixNode, RESULTS_STALE_AFTER_MIN, Verdict};
use crate::topology::fixture;
use uuid::Uuid;

/// A world that tests change piece by piece. Its nodes are those of the topology's fixture.
struct Scene {
    cluster: Cluster,
    nodes: Vec<Node>,
    draft: Draft,
    matrix: Option<Matrix>,
    snapshot: Option<Snapshot>,
    now: Timestamp,
}

fn id(n: u32) -> NodeId {
    fixture::silent(n).id
}

fn node(n: u32) -> Node {
    Node {
        id: id(n),
        cluster: ClusterId::from_uuid(Uuid::from_u128(99)),
        purpose: Purpose::Member,
        address: SshAddress { host: format!("10.7.0.{n}"), port: 22, user: "root".into() },
        via: None,
        name: Some(fixture::name(n)),
        pin: None,
        offered: None,
        log_in: LogIn::Works { at: fixture::time(0) },
        position: n,
    }
}

fn matrix(nodes: &[Node]) -> Matrix {
    let cell = |node: &Node, check| Cell {
        check,
        node: node.id,
        verdict: Verdict::Pass,
        brief: None,
        findings: Vec::new(),
        evidence: Vec::new(),
    };
    Matrix {
        started_at: fixture::time(0),
        finished_at: Some(fixture::time(10)),
        nodes: nodes
            .iter()
            .map(|node| MatrixNode { node: node.id, label: node.label().into(), first: false })
            .collect(),
        cells: nodes.iter().flat_map(|node| CheckId::ALL.iter().map(|check| cell(node, *check))).collect(),
    }
}

/// `count` nodes that passed every check and have two links each.
fn draft(count: u32) -> Scene {
    let nodes: Vec<Node> = (1..=count).map(node).collect();
    let link = |number: u8| LinkPlan {
        number,
        priority: None,
        network: None,
        addresses: (1..=count).map(|n| (id(n), format!("10.{number}.0.{n}").parse().expect("an address"))).collect(),
    };
    Scene {
        cluster: Cluster {
            id: ClusterId::from_uuid(Uuid::from_u128(99)),
            name: "grove".parse().expect("a name"),
            phase: ClusterPhase::Draft,
            protected: false,
            created_at: fixture::time(0),
            created_by: "anna".into(),
        },
        draft: Draft { links: vec![link(0), link(1)], ..Draft::default() },
        matrix: Some(matrix(&nodes)),
        nodes,
        snapshot: None,
        now: fixture::time(60),
    }
}

/// A cluster of the first `members` of `count` nodes.
fn live(count: u32, members: u32) -> Scene {
    let mut scene = draft(count);
    scene.cluster.phase = ClusterPhase::Live;
    let all: Vec<u32> = (1..=members).collect();
    let views: Vec<_> = all.iter().map(|n| fixture::view(*n, &all, "1.10", members, 0)).collect();
    scene.snapshot = Some(fixture::folded(&views, 1));
    scene
}

impl Scene {
    fn is(&self, step: WizardStep) -> StepState {
        let world = World {
            cluster: &self.cluster,
            nodes: &self.nodes,
            draft: &self.draft,
            matrix: self.matrix.as_ref(),
            snapshot: self.snapshot.as_ref(),
            now: self.now,
        };
        assert_eq!(states(&world).len(), WizardStep::ALL.len());
        states(&world).into_iter().find(|(one, _)| *one == step).map(|(_, state)| state).expect("the step")
    }

    fn why(&self, step: WizardStep) -> Option<ProblemCode> {
        match self.is(step) {
            StepState::Blocked { problem } => Some(problem.code),
            _ => None,
        }
    }
}

#[test]
fn what_is_checked_and_chosen_may_be_created() {
    let scene = draft(3);
    for step in [WizardStep::Prerequisites, WizardStep::Network] {
        assert_eq!(scene.is(step), StepState::Done, "{step:?}");
    }
    assert_eq!(scene.is(WizardStep::Create), StepState::Open);
    for step in [WizardStep::Join, WizardStep::Verify, WizardStep::Qdevice] {
        assert_eq!(scene.why(step), Some(ProblemCode::NotInCluster), "{step:?}");
    }
}

#[test]
fn results_that_are_too_old_open_no_gate() {
    let mut scene = draft(3);
    let limit = scene.matrix.as_ref().and_then(|matrix| matrix.finished_at).expect("finished");
    let minutes = jiff::Span::new().minutes(RESULTS_STALE_AFTER_MIN);
    scene.now = limit.checked_add(minutes).expect("a time");
    assert_eq!(scene.is(WizardStep::Create), StepState::Open, "at the limit they still count");
    scene.now = scene.now.checked_add(jiff::Span::new().seconds(1)).expect("a time");
    assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open);
    for step in [WizardStep::Network, WizardStep::Create] {
        assert_eq!(scene.why(step), Some(ProblemCode::ChecksStale), "{step:?}: they have passed, only too long ago");
    }
    scene.matrix.as_mut().expect("there").cells[0].verdict = Verdict::Fail;
    assert_eq!(scene.why(WizardStep::Create), Some(ProblemCode::ChecksNotPassed), "old and red");
}

#[test]
fn checks_that_are_not_over_or_blocked_pass_nothing() {
    let mut running = draft(3);
    running.matrix.as_mut().expect("there").finished_at = None;
    let mut blocked = draft(3);
    blocked.matrix.as_mut().expect("there").cells[0].verdict = Verdict::Fail;
    let mut never = draft(3);
    never.matrix = None;
    for scene in [running, blocked, never] {
        assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open);
        assert_eq!(scene.why(WizardStep::Create), Some(ProblemCode::ChecksNotPassed));
    }
}

#[test]
fn a_warning_needs_somebody_who_answers_for_it() {
    let mut scene = draft(3);
    let cell = &mut scene.matrix.as_mut().expect("there").cells[0];
    cell.verdict = Verdict::Warn;
    cell.findings.push(Finding::new(FindingCode::OneLink));
    let seen = Acknowledgement {
        check: cell.check,
        node: cell.node,
        codes: [FindingCode::OneLink].into(),
        reason: "a lab".into(),
        by: "anna".into(),
        at: fixture::time(11),
    };
    assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open);
    assert_eq!(scene.why(WizardStep::Create), Some(ProblemCode::ChecksNotPassed));
    scene.draft.acknowledged.push(seen);
    assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Done);
    let cell = &mut scene.matrix.as_mut().expect("there").cells[0];
    cell.findings.push(Finding::new(FindingCode::BondSingle));
    assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open, "something new");
}

#[test]
fn the_checks_have_to_be_about_exactly_these_nodes() {
    let mut more = draft(3);
    more.nodes.push(node(4));
    let mut fewer = draft(3);
    fewer.nodes.pop();
    let mut other = draft(3);
    other.nodes[2] = node(4);
    for scene in [more, fewer, other] {
        assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open);
        assert!(scene.why(WizardStep::Create).is_some());
    }
    let mut host = draft(3);
    host.nodes.push(Node { purpose: Purpose::Qnetd, ..node(5) });
    assert_eq!(host.is(WizardStep::Prerequisites), StepState::Done, "the QDevice's host is no member");
}

#[test]
fn a_machine_without_log_in_and_a_single_one_are_not_ready() {
    let mut scene = draft(3);
    scene.nodes[1].log_in = LogIn::NeedsKey;
    assert_eq!(scene.is(WizardStep::Prerequisites), StepState::Open);
    assert_eq!(draft(1).is(WizardStep::Prerequisites), StepState::Open);
}

#[test]
fn links_have_to_name_every_node_and_are_the_way_out_of_closed_ports() {
    let mut scene = draft(3);
    scene.draft.links[1].addresses.remove(&id(3));
    assert_eq!(scene.is(WizardStep::Network), StepState::Open);
    assert_eq!(scene.why(WizardStep::Create), Some(ProblemCode::LinksIncomplete), "the checks have passed");
    let mut ports = draft(3);
    let cells = &mut ports.matrix.as_mut().expect("there").cells;
    cells.iter_mut().filter(|cell| cell.check == CheckId::Ports).for_each(|cell| cell.verdict = Verdict::Fail);
    ports.draft.links.clear();
    assert_eq!(ports.is(WizardStep::Network), StepState::Open);
    assert_eq!(ports.why(WizardStep::Create), Some(ProblemCode::ChecksNotPassed));
}

#[test]
fn joining_is_over_when_every_node_is_a_member() {
    assert_eq!(live(3, 1).is(WizardStep::Join), StepState::Open);
    let waiting = live(3, 1).is(WizardStep::Verify);
    let StepState::Blocked { problem } = waiting else { panic!("{waiting:?}") };
    assert_eq!(problem.code, ProblemCode::NodesNotJoined, "nobody is away who has never been there");
    assert_eq!(problem.params["nodes"], format!("{}, {}", fixture::name(2), fixture::name(3)));
    let mut away = live(3, 3);
    let seen = |n| fixture::view(n, &[1, 2], "1.10", 3, 0);
    let views = [seen(1), seen(2), fixture::cut_off(fixture::silent(3), 0)];
    away.snapshot = Some(fixture::folded(&views, 1));
    assert_eq!(away.why(WizardStep::Verify), Some(ProblemCode::MembersOffline));
    assert_eq!(live(3, 3).is(WizardStep::Join), StepState::Done);
    let mut nobody_tells = live(3, 3);
    nobody_tells.snapshot = None;
    assert_eq!(nobody_tells.is(WizardStep::Join), StepState::Open, "unknown is not done");
}

#[test]
fn a_verification_counts_until_it_is_forgotten() {
    let mut scene = live(3, 3);
    assert_eq!(scene.is(WizardStep::Verify), StepState::Open);
    scene.draft.verified_at = Some(fixture::time(30));
    assert_eq!(scene.is(WizardStep::Verify), StepState::Done);
    scene.nodes.push(node(4));
    assert_eq!(scene.why(WizardStep::Verify), Some(ProblemCode::NodesNotJoined), "somebody new");
}

#[test]
fn a_qdevice_is_for_even_counts_and_done_once_it_votes() {
    assert_eq!(live(3, 3).is(WizardStep::Qdevice), StepState::Skipped, "odd");
    assert_eq!(live(2, 2).is(WizardStep::Qdevice), StepState::Open);
    assert_eq!(live(4, 4).is(WizardStep::Qdevice), StepState::Open);
    assert_eq!(live(4, 3).why(WizardStep::Qdevice), Some(ProblemCode::NodesNotJoined));
    let mut skipped = live(2, 2);
    skipped.draft.qdevice_skipped = true;
    assert_eq!(skipped.is(WizardStep::Qdevice), StepState::Skipped);
    for (voting, expected) in [(true, StepState::Done), (false, StepState::Open)] {
        let mut scene = live(2, 2);
        let views = [1, 2].map(|n| fixture::with_qdevice(fixture::view(n, &[1, 2], "1.10", 2, 0), voting));
        scene.snapshot = Some(fixture::folded(&views, 1));
        assert_eq!(scene.is(WizardStep::Qdevice), expected, "voting: {voting}");
    }
}
