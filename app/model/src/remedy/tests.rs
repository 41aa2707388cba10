use super::*;
use crate::ids::{ClusterId, OperationId};
use crate::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use crate::name::SshAddress;
use crate::operation::{OperationState, StepStatus};
use crate::plan::{Action, Intent, Plan};
use crate::planner::{PlanWorld, plan};
use crate::preflight::Finding;
use crate::problem::ProblemCode;
use crate::risk::Risk;
use jiff::Timestamp;
use uuid::Uuid;

fn cell(check: CheckId, verdict: Verdict, codes: &[FindingCode]) -> Cell {
    Cell {
        check,
        node: node().id,
        verdict,
        brief: None,
        findings: codes.iter().map(|code| Finding::new(*code)).collect(),
        evidence: Vec::new(),
    }
}

#[test]
fn a_remedy_is_offered_where_its_check_failed_or_warned_and_nowhere_else() {
    let leftover = [FindingCode::HasGuests, FindingCode::LeftoverAuthkey];
    let of = |verdict, codes: &[FindingCode]| RemedyKind::of(&cell(CheckId::NoGuests, verdict, codes));
    assert_eq!(of(Verdict::Fail, &leftover), Some(RemedyKind::Authkey));
    for verdict in [Verdict::Pass, Verdict::Skipped, Verdict::Error] {
        assert_eq!(of(verdict, &leftover), None, "{verdict:?}");
    }
    assert_eq!(of(Verdict::Fail, &[FindingCode::InCluster]), None, "a member's key is no leftover");
    let no_root = cell(CheckId::RootSsh, Verdict::Fail, &[FindingCode::NotRoot]);
    assert_eq!(RemedyKind::of(&no_root), None, "nothing can be mended where nobody may log in");
}

#[test]
fn every_remedy_mends_something_and_every_such_finding_belongs_to_one() {
    for kind in RemedyKind::ALL {
        assert!(CheckId::ALL.iter().any(|check| kind.mends(*check)), "{kind:?} is never offered");
    }
    let pairs = CheckId::ALL.iter().flat_map(|check| FindingCode::ALL.iter().filter_map(|code| check.remedy(*code)));
    assert_eq!(pairs.count(), 25, "each new pair is a decision of its own");
}

#[test]
fn names_and_digests_of_nodes_are_checked() {
    for sound in ["Etc/UTC", "Europe/Paris", "America/Argentina/ComodRivadavia", "Etc/GMT+3", "UTC"] {
        assert!(ZoneName::try_from(sound.to_owned()).is_ok(), "{sound}");
    }
    for unsound in ["", "-x", "/etc/passwd", "a//b", "../x", "a b", "a\nb", &"x".repeat(65)] {
        assert!(ZoneName::try_from(unsound.to_owned()).is_err(), "{unsound}");
    }
    let digest = ContentDigest::of(b"");
    assert!(ContentDigest::try_from(digest.as_str().to_owned()).is_ok());
    assert_eq!((digest.short(), digest.as_str().len()), ("e3b0c44298fc", 64));
    assert!(ContentDigest::try_from("E3".repeat(32)).is_err());
}

fn node() -> Node {
    Node {
        id: NodeId::from_uuid(Uuid::from_u128(11)),
        cluster: ClusterId::from_uuid(Uuid::from_u128(99)),
        purpose: Purpose::Member,
        address: SshAddress { host: "10.0.1.11".into(), port: 22, user: "root".into() },
        via: None,
        name: Some("pve1".into()),
        pin: None,
        offered: None,
        log_in: LogIn::NeedsKey,
        position: 0,
    }
}

fn cluster() -> Cluster {
    Cluster {
        id: ClusterId::from_uuid(Uuid::from_u128(99)),
        name: "prod".parse().expect("name"),
        phase: ClusterPhase::Draft,
        protected: false,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "ops-1".into(),
    }
}

fn planned(intent: &Intent, look: &Look) -> Result<Plan, ProblemCode> {
    let (cluster, nodes) = (cluster(), [node()]);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: Some(look) };
    plan(intent, &world).map_err(|problem| problem.code)
}

fn mending(remedy: RemedyKind) -> Intent {
    Intent::Remedy { node: node().id, remedy }
}

fn words(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.action.word()).collect()
}

fn chrony(installed: bool, active: bool, armed: bool) -> Look {
    Look::Chrony(ChronyLook { installed, active, armed, timesyncd: !installed })
}

#[test]
fn the_clock_is_stepped_only_where_no_watchdog_counts_on_it() {
    let intent = mending(RemedyKind::Chrony);
    let free = planned(&intent, &chrony(false, false, false)).expect("a plan");
    assert_eq!(words(&free), ["install_chrony", "enable_chrony", "step_clock"]);
    assert_eq!(free.risk, Risk::Reversible);
    let armed = planned(&intent, &chrony(false, false, true)).expect("a plan");
    assert_eq!(words(&armed), ["install_chrony", "enable_chrony"]);
    assert_eq!(armed.risk, Risk::Disruptive);
    assert!(armed.consequences.iter().any(|one| one.code.as_str() == "clock_not_stepped"));
    assert_eq!(words(&planned(&intent, &chrony(true, true, false)).expect("a plan")), ["step_clock"]);
    assert_eq!(planned(&intent, &chrony(true, true, true)), Err(ProblemCode::HaArmed));
}

#[test]
fn what_needs_no_mending_has_no_plan() {
    let hosts = Look::Hosts(HostsLook {
        name: "pve1".into(),
        content: "10.0.1.11 pve1".into(),
        own: vec![InterfaceAddress {
            interface: "vmbr0".into(),
            address: "10.0.1.11".parse().expect("address"),
            prefix: 24,
            global: true,
            dynamic: false,
        }],
        wanted: Vec::new(),
        peers: Vec::new(),
    });
    assert_eq!(planned(&mending(RemedyKind::HostsFile), &hosts), Err(ProblemCode::NothingToMend));
    assert_eq!(
        planned(&mending(RemedyKind::Authkey), &Look::Authkey { digest: None }),
        Err(ProblemCode::NothingToMend)
    );
    let zone = |name: &str| ZoneName::try_from(name.to_owned()).expect("a zone");
    let alone = Look::Zones { own: zone("Etc/UTC"), others: Vec::new() };
    assert_eq!(planned(&mending(RemedyKind::TimeZone), &alone), Err(ProblemCode::NothingToMend));
    let keys = Look::HostKeys([("ssh-rsa".to_owned(), "SHA256:x".to_owned())].into());
    assert_eq!(planned(&mending(RemedyKind::RsaHostKey), &keys), Err(ProblemCode::NothingToMend));
    assert_eq!(planned(&mending(RemedyKind::Chrony), &keys), Err(ProblemCode::Internal), "a look for another remedy");
}

fn past(state: OperationState, plan: Plan, status: StepStatus) -> Operation {
    Operation {
        id: OperationId::from_uuid(Uuid::from_u128(7)),
        cluster: plan.cluster,
        digest: crate::digest::of("test", &1).expect("a number is JSON"),
        steps: vec![status; plan.steps.len()],
        plan,
        reason: String::new(),
        proposed_by: "anna".into(),
        proposed_at: Timestamp::UNIX_EPOCH,
        state,
        finished_at: None,
    }
}

#[test]
fn only_what_a_remedy_changed_is_taken_back_and_only_once() {
    let zone = |name: &str| ZoneName::try_from(name.to_owned()).expect("a zone");
    let others = vec![OtherZone { label: "pve2".into(), zone: zone("Europe/Paris") }];
    let made = planned(&mending(RemedyKind::TimeZone), &Look::Zones { own: zone("Etc/UTC"), others }).expect("a plan");
    let at = Timestamp::UNIX_EPOCH;
    let done = past(OperationState::Done, made.clone(), StepStatus::Proven { at, already: false });
    let back = Intent::TakeBack { operation: done.id };
    let plan = planned(&back, &Look::Past(Box::new(done.clone()))).expect("a plan");
    assert_eq!(plan.steps[0].action, Action::SetTimeZone { from: zone("Europe/Paris"), to: zone("Etc/UTC") });
    assert!(may_take_back(&done, &[]));
    let taken = past(OperationState::Done, Plan { intent: back.clone(), ..made.clone() }, StepStatus::Waiting);
    assert!(!may_take_back(&done, &[taken]));
    let already = past(OperationState::Done, made.clone(), StepStatus::Proven { at, already: true });
    assert_eq!(planned(&back, &Look::Past(Box::new(already))), Err(ProblemCode::NothingToTakeBack));
    let running = past(OperationState::Running, made, StepStatus::Proven { at, already: false });
    assert_eq!(planned(&back, &Look::Past(Box::new(running))), Err(ProblemCode::NothingToTakeBack));
}

#[test]
fn every_firewall_that_is_enabled_gets_its_rules_and_another_one_is_left_to_people() {
    let intent = mending(RemedyKind::Firewall);
    assert_eq!(planned(&intent, &Look::Firewalls(Vec::new())), Err(ProblemCode::FirewallElsewhere));
    let networks = vec![vec!["10.0.1.12".parse().expect("address")]];
    let look = FirewallLook { node: node().id, name: "pve1".into(), content: None, networks };
    let made = planned(&intent, &Look::Firewalls(vec![look.clone()])).expect("a plan");
    let Action::AllowLinks { name, old: None, new: Some(new) } = &made.steps[0].action else { panic!("{made:#?}") };
    assert_eq!((name.as_str(), made.risk), ("pve1", Risk::Reversible));
    let again = FirewallLook { content: Some(new.clone()), ..look };
    assert_eq!(planned(&intent, &Look::Firewalls(vec![again])), Err(ProblemCode::NothingToMend));
}
