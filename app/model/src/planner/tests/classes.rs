//! Plans of every intent, and the class that a policy takes for each of them before anybody has planned.

use super::*;
use crate::facts::InterfaceAddress;
use crate::host_key::{HostKey, Pin};
use crate::ids::OperationId;
use crate::midway::{JoinerSeen, MemberSeen, Scene, Told};
use crate::operation::{Operation, OperationState, StepStatus};
use crate::policy::{Policy, Row};
use crate::remedy::{
    ChronyLook, ContentDigest, CorosyncLook, FirewallLook, HostsLook, OtherZone, QdeviceDaemons, RemedyKind, SideTold,
    ZoneName, steps_back,
};

/// On so many members and a host for a QDevice, with everybody's key pinned.
fn made(intent: &Intent, phase: ClusterPhase, count: u8, look: Option<Look>) -> Plan {
    let mut nodes = members(count);
    nodes.push(node(50, Purpose::Qnetd));
    for node in &mut nodes {
        let key = HostKey { algorithm: "ssh-ed25519".into(), base64: "AAAA".into(), fingerprint: "SHA256:a".into() };
        node.pin = Some(Pin { key, pinned_at: Timestamp::UNIX_EPOCH, pinned_by: "ops-1".into() });
    }
    let cluster = cluster(phase);
    let world = PlanWorld { cluster: &cluster, nodes: &nodes, snapshot: None, look: look.as_ref() };
    plan(intent, &world).unwrap_or_else(|problem| panic!("{}: {problem:?}", intent.word()))
}

/// At least one of every intent, and each way in which the class of one may differ.
fn plans() -> Vec<Plan> {
    [of_the_console(), of_the_cluster(), of_the_votes(), of_remedies(), of_joins_midway(), of_powers()].concat()
}

fn of_the_console() -> Vec<Plan> {
    let node = id(11);
    let admitted = |share| made(&Intent::AdmitConsole { node, share }, ClusterPhase::Live, 1, None);
    let withdrawn = |leave| made(&Intent::Withdraw { leave }, ClusterPhase::Draft, 2, None);
    vec![
        made(&Intent::InstallKey { node }, ClusterPhase::Draft, 1, None),
        admitted(false),
        admitted(true),
        withdrawn(Vec::new()),
        withdrawn(vec![id(12)]),
    ]
}

fn of_the_cluster() -> Vec<Plan> {
    let links = || links(&members(3));
    let create = Intent::CreateCluster { name: "prod".parse().expect("name"), first: id(11), links: links() };
    let join = Intent::JoinNodes { joiners: vec![id(12), id(13)], member: id(11), links: links() };
    let address: IpAddr = "10.0.1.50".parse().expect("address");
    let set_up = |against_advice| Intent::SetUpQdevice { host: id(50), address, against_advice };
    let daemons = QdeviceDaemons { host: Some("10.0.1.50".into()), stopped: vec![id(12)] };
    vec![
        made(&create, ClusterPhase::Draft, 3, None),
        made(&join, ClusterPhase::Live, 3, None),
        made(&set_up(false), ClusterPhase::Live, 2, None),
        made(&set_up(true), ClusterPhase::Live, 3, None),
        made(&Intent::RemoveQdevice, ClusterPhase::Live, 2, None),
        made(&Intent::StartQdevice, ClusterPhase::Live, 2, Some(Look::QdeviceDaemons(daemons))),
    ]
}

/// Lowered, and missed for a moment: by nobody, by everybody, where nobody has a quorum to lose, and where nobody tells.
fn of_the_votes() -> Vec<Plan> {
    let restarted = |configured: usize, own_untold: bool, told: Vec<SideTold>| {
        let (run, armed, device_missing) = (None, vec!["blade-11".to_owned()], false);
        let look = CorosyncLook { run, armed, own_id: 1, own_votes: 1, own_untold, configured, device_missing, told };
        made(&Intent::RestartCorosync { node: id(11) }, ClusterPhase::Live, 3, Some(Look::Corosync(look)))
    };
    let restart = |members: &[u32], quorate: bool| {
        let votes = u32::try_from(members.len()).expect("few");
        let told = vec![SideTold { quorate, votes, quorum: 2, members: members.to_vec() }];
        restarted(if quorate { members.len() } else { 3 }, false, told)
    };
    vec![
        lowering(2, 0).expect("no device"),
        lowering(2, 1).expect("two votes are enough of three"),
        restart(&[1, 2, 3], true),
        restart(&[1, 2], true),
        restart(&[1], false),
        restarted(3, true, Vec::new()),
    ]
}

fn looks(kind: RemedyKind) -> Vec<Look> {
    let zone = |name: &str| ZoneName::try_from(name.to_owned()).expect("a zone");
    let address = |text: &str| text.parse::<IpAddr>().expect("address");
    let (name, interface) = ("blade-11".to_owned(), "vmbr0".to_owned());
    let own = InterfaceAddress { interface, address: address("10.0.1.11"), prefix: 24, global: true, dynamic: false };
    let (content, wanted) = ("127.0.1.1 blade-11\n".to_owned(), vec![own.address]);
    match kind {
        RemedyKind::HostsFile => {
            vec![Look::Hosts(HostsLook { name, content, own: vec![own], wanted, peers: Vec::new() })]
        }
        RemedyKind::Authkey => vec![Look::Authkey { digest: Some(ContentDigest::of(b"left over")) }],
        RemedyKind::TimeZone => {
            let others = vec![OtherZone { label: "blade-12".into(), zone: zone("Europe/Paris") }];
            vec![Look::Zones { own: zone("Etc/UTC"), others }]
        }
        RemedyKind::RsaHostKey => vec![Look::HostKeys(BTreeMap::new())],
        RemedyKind::Chrony => {
            let look = |armed| Look::Chrony(ChronyLook { installed: false, active: false, armed, timesyncd: true });
            vec![look(false), look(true)]
        }
        RemedyKind::Firewall => {
            let networks = vec![vec![address("10.0.1.12")]];
            vec![Look::Firewalls(vec![FirewallLook { node: id(11), name, content: None, networks }])]
        }
    }
}

/// With the reverse of each that has one.
fn of_remedies() -> Vec<Plan> {
    let mut plans = Vec::new();
    for kind in RemedyKind::ALL.iter().copied() {
        for look in looks(kind) {
            let intent = Intent::Remedy { node: id(11), remedy: kind };
            plans.push(made(&intent, ClusterPhase::Draft, 2, Some(look)));
        }
    }
    let past: Vec<Operation> = plans.iter().map(done).filter(|one| !steps_back(one).is_empty()).collect();
    assert_eq!(past.len(), 4, "hosts, authkey, zone and firewall");
    plans.extend(past.into_iter().map(|one| {
        made(&Intent::TakeBack { operation: one.id }, ClusterPhase::Draft, 2, Some(Look::Past(Box::new(one))))
    }));
    plans
}

fn done(plan: &Plan) -> Operation {
    Operation {
        id: OperationId::from_uuid(Uuid::from_u128(7)),
        cluster: plan.cluster,
        digest: plan.digest().expect("digest"),
        steps: vec![StepStatus::Proven { at: Timestamp::UNIX_EPOCH, already: false }; plan.steps.len()],
        plan: plan.clone(),
        reason: String::new(),
        proposed_by: "anna".into(),
        proposed_at: Timestamp::UNIX_EPOCH,
        state: OperationState::Done,
        finished_at: None,
    }
}

/// The second of two machines, listed by the first one, and nothing of the cluster on itself.
fn midway(intent: &Intent, change: impl FnOnce(&mut JoinerSeen, &mut MemberSeen)) -> Plan {
    let mut joiner = JoinerSeen {
        answers: true,
        name: Some("blade-12".into()),
        local: Told::Nothing,
        database: Told::Nothing,
        authkey: Told::Nothing,
        corosync: Some(false),
        pmxcfs: Some(true),
        in_ring: Some(false),
        writable: Some(true),
        guests: Some(0),
        config_db: Some(true),
        backup: None,
        addresses: Some(vec!["10.0.0.12".parse().expect("address")]),
    };
    let mut member = MemberSeen {
        node: Some(id(11)),
        label: "blade-11".into(),
        listed: Told::Is(vec!["10.0.0.12".into()]),
        in_ring: Some(false),
        quorate: Some(true),
        votes: Some(1),
        absent: Vec::new(),
        authkey: Told::Is(ContentDigest::of(b"a key")),
        key_shared: Some(false),
        certificate: Some(false),
        folder: Some(true),
    };
    change(&mut joiner, &mut member);
    let scene = Scene { node: id(12), name: "blade-12".into(), cluster: "prod".into(), joiner, members: vec![member] };
    made(intent, ClusterPhase::Live, 2, Some(Look::Join(Box::new(scene))))
}

/// The joiner has everything that a join writes, beside its own database.
fn written(joiner: &mut JoinerSeen, member: &mut MemberSeen) {
    joiner.authkey = member.authkey.clone();
    joiner.local = Told::Is("prod".into());
}

/// Both daemons run with it.
fn running(joiner: &mut JoinerSeen, member: &mut MemberSeen) {
    written(joiner, member);
    joiner.database = Told::Is("prod".into());
    joiner.corosync = Some(true);
}

fn of_joins_midway() -> Vec<Plan> {
    let finish = Intent::FinishJoin { node: id(12), links: links(&members(2)) };
    let undo = Intent::UndoJoin { node: id(12) };
    let stands_alone = |_: &mut JoinerSeen, member: &mut MemberSeen| member.quorate = Some(false);
    let keys_carried = |_: &mut JoinerSeen, member: &mut MemberSeen| {
        (member.listed, member.folder, member.key_shared) = (Told::Nothing, Some(false), Some(true));
    };
    let moved = |joiner: &mut JoinerSeen, member: &mut MemberSeen| {
        written(joiner, member);
        (joiner.pmxcfs, joiner.config_db) = (Some(false), Some(false));
        joiner.backup = Some("config-1.sql.gz".into());
    };
    let together = |joiner: &mut JoinerSeen, member: &mut MemberSeen| {
        running(joiner, member);
        (joiner.in_ring, member.in_ring) = (Some(true), Some(true));
    };
    vec![
        midway(&finish, |_, _| {}),
        midway(&finish, stands_alone),
        midway(&finish, written),
        midway(&finish, running),
        midway(&finish, together),
        midway(&undo, keys_carried),
        midway(&undo, |_, _| {}),
        midway(&undo, stands_alone),
        midway(&undo, written),
        midway(&undo, moved),
    ]
}

fn of_powers() -> Vec<Plan> {
    let way = || BmcWay::Ipmi { host: "10.0.9.12".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let uuid = || "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5".parse::<SystemUuid>().expect("a UUID");
    let node = id(12);
    [
        Intent::PowerOff { node, way: way(), uuid: uuid() },
        Intent::PowerOn { node, way: way(), uuid: uuid() },
        Intent::PowerCycle { node, way: way(), uuid: uuid() },
    ]
    .iter()
    .map(|intent| made(intent, ClusterPhase::Live, 3, None))
    .collect()
}

/// Named too low, a line of its own would begin below what is asked for today; named too high, with more than it ever needs.
#[test]
fn no_plan_is_of_a_higher_class_than_its_intent_names_and_some_plan_is_of_that_class() {
    let plans = plans();
    for word in Intent::WORDS {
        let classes = plans.iter().filter(|plan| plan.intent.word() == *word).map(|plan| plan.risk);
        assert_eq!(classes.max(), Some(Intent::highest_risk(word)), "{word}");
    }
}

#[test]
fn a_line_of_its_own_asks_nothing_less_than_the_classes_of_its_plans_did() {
    // The shipped table, and one in which a lower class asks more than the highest.
    let upside_down = [
        (Risk::Reversible, Row::shipped(Risk::Destructive)),
        (Risk::Destructive, Row { second_factor: true, ..Row::shipped(Risk::Reversible) }),
    ];
    for plan in plans() {
        let word = plan.intent.word();
        for (protected, classes) in [(false, vec![]), (true, vec![]), (false, upside_down.to_vec())] {
            let before = Policy { protected, classes: classes.into_iter().collect(), ..Policy::default() };
            let own = [(word.to_owned(), before.own_line(word))];
            let after = Policy { actions: own.into(), ..before.clone() };
            assert_eq!(after.check(), Ok(()), "such a line can be set");
            let (then, now) = (before.rule(word, plan.risk), after.rule(word, plan.risk));
            let words = now.reason >= then.reason && now.typed_target >= then.typed_target;
            let sign_in = now.fresh_sign_in >= then.fresh_sign_in && now.second_factor >= then.second_factor;
            assert!(words && sign_in && now.agreement >= then.agreement, "{word} {:?}: {then:?} {now:?}", plan.risk);
        }
        let highest = Policy::default().rule(word, Intent::highest_risk(word));
        let own = Policy { actions: [(word.to_owned(), Policy::default().own_line(word))].into(), ..Policy::default() };
        assert_eq!(own.rule(word, plan.risk), highest, "and with the shipped table nothing more");
    }
}
