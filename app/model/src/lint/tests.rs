use super::*;
use crate::ids::ClusterId;
use crate::links::LinkPlan;
use crate::plan::{KeyFile, MaterialFacts};
use crate::risk::Risk;
use uuid::Uuid;

fn id(n: u128) -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(n))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn step(node: u128, action: Action) -> Step {
    Step { node: id(node), node_name: format!("oak{node}"), commands: vec![format!("do {}", action.word())], action }
}

fn join(node: u128, address: &str) -> Action {
    Action::JoinCluster {
        cluster: "grove".parse().expect("a name"),
        name: format!("oak{node}"),
        member: id(1),
        member_name: "oak1".into(),
        member_address: ip("10.5.0.1"),
        links: vec![LinkArgument { number: 0, address: ip(address), priority: None }],
    }
}

fn prepared(node: u128, address: &str) -> Vec<Step> {
    vec![
        step(node, Action::MakeRootKey),
        step(1, Action::AuthorizeRootKey { of: id(node), of_name: format!("oak{node}"), file: KeyFile::Cluster }),
        step(node, Action::TrustHostKeys { of: id(1), of_name: "oak1".into(), address: ip("10.5.0.1") }),
        step(node, join(node, address)),
    ]
}

fn plan() -> Plan {
    let mut steps = prepared(2, "10.5.0.2");
    steps.extend(prepared(3, "10.5.0.3"));
    let addresses = (1..=3).map(|n| (id(n), ip(&format!("10.5.0.{n}")))).collect();
    Plan {
        cluster: ClusterId::from_uuid(Uuid::from_u128(9)),
        intent: Intent::JoinNodes {
            joiners: vec![id(2), id(3)],
            member: id(1),
            links: vec![LinkPlan { number: 0, priority: None, network: None, addresses }],
        },
        risk: Risk::Disruptive,
        target: "grove".into(),
        steps,
        consequences: Vec::new(),
        acknowledged: Vec::new(),
        facts: MaterialFacts {
            cluster_name: Some("grove".into()),
            config_version: Some(1),
            members: vec!["oak1".into()],
            expected_votes: Some(1),
        },
    }
}

fn after(change: impl Fn(&mut Plan)) -> Vec<LintFault> {
    let mut plan = plan();
    change(&mut plan);
    lint(&plan)
}

#[test]
fn a_prepared_join_has_no_faults() {
    assert_eq!(lint(&plan()), []);
}

#[test]
fn nothing_may_be_empty() {
    assert_eq!(after(|plan| plan.target = " ".into()), [LintFault::NoTarget]);
    assert_eq!(after(|plan| plan.steps.clear()), [LintFault::NoSteps]);
    assert_eq!(after(|plan| plan.steps[0].commands.clear()), [LintFault::NoCommand { step: 0 }]);
    assert_eq!(after(|plan| plan.steps[4].commands.push(" ".into())), [LintFault::NoCommand { step: 4 }]);
    assert_eq!(after(|plan| plan.steps[1].node_name.clear()), [LintFault::NoNode { step: 1 }]);
    let nil = after(|plan| plan.steps.push(step(0, Action::KeepConsoleKey { account: None })));
    assert_eq!(nil, [LintFault::NoNode { step: 8 }]);
}

#[test]
fn a_command_is_one_visible_line() {
    for hidden in ["pvecm status\nrm -r /", "echo \u{1b}[2K", "a\u{0}b", "a\tb"] {
        assert_eq!(
            after(|plan| plan.steps[3].commands = vec![hidden.into()]),
            [LintFault::ControlCharacter { step: 3 }],
            "{hidden:?}"
        );
    }
}

#[test]
fn each_preparation_of_a_join_is_missed() {
    let missing = |index: usize| {
        after(|plan| {
            plan.steps.remove(index);
        })
    };
    let fault = |step, missing| LintFault::JoinUnprepared { step, missing };
    assert_eq!(missing(0), [fault(2, JoinNeed::RootKey)]);
    assert_eq!(missing(1), [fault(2, JoinNeed::Authorized)]);
    assert_eq!(missing(2), [fault(2, JoinNeed::Trust)]);
    assert_eq!(after(|plan| plan.steps.swap(0, 1)), [fault(3, JoinNeed::Authorized)], "the key must exist first");
    assert_eq!(after(|plan| plan.steps.swap(1, 2)), [fault(3, JoinNeed::Trust)], "keys, then trust");
    assert_eq!(after(|plan| plan.steps.swap(2, 3)), [fault(2, JoinNeed::Trust)], "not after the join");
    let elsewhere = after(|plan| {
        plan.steps[2].action = Action::TrustHostKeys { of: id(1), of_name: "oak1".into(), address: ip("10.5.0.77") };
    });
    assert_eq!(elsewhere, [fault(3, JoinNeed::Trust)], "another address is another name to ssh");
}

#[test]
fn an_address_belongs_to_one_node() {
    let fault = LintFault::AddressTwice { address: ip("10.5.0.2") };
    assert!(after(|plan| plan.steps[7].action = join(3, "10.5.0.2")).contains(&fault));
    let taken = after(|plan| {
        if let Intent::JoinNodes { links, .. } = &mut plan.intent {
            links[0].addresses.insert(id(1), ip("10.5.0.2"));
        }
    });
    assert_eq!(taken, [fault], "a member's address in the intent counts too");
}

#[test]
fn nobody_joins_itself_or_twice() {
    let itself = after(|plan| {
        if let Intent::JoinNodes { joiners, .. } = &mut plan.intent {
            joiners.push(id(1));
        }
    });
    assert_eq!(itself, [LintFault::JoinsItself { node: id(1) }]);
    let twice = after(|plan| {
        if let Intent::JoinNodes { joiners, .. } = &mut plan.intent {
            joiners.push(id(2));
        }
    });
    assert_eq!(twice, [LintFault::JoinsTwice { node: id(2) }]);
    assert!(after(|plan| plan.steps[3].node = id(1)).contains(&LintFault::JoinsItself { node: id(1) }));
}

#[test]
fn thirty_two_nodes_are_the_most() {
    let with = |members: usize| after(|plan| plan.facts.members = (0..members).map(|n| format!("oak{n}")).collect());
    assert_eq!(with(30), []);
    assert_eq!(with(31), [LintFault::TooManyNodes { nodes: 33 }]);
}
