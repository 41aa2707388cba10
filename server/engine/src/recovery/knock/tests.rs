use super::*;
use jiff::Timestamp;
use model::facts::Unreachable;
use model::facts::host::Pings;
use model::ids::ClusterId;
use model::inventory::{LogIn, Purpose};
use uuid::Uuid;

fn address(host: &str) -> SshAddress {
    SshAddress { host: host.into(), port: 22, user: "root".into() }
}

fn witness() -> Node {
    Node {
        id: NodeId::from_uuid(Uuid::nil()),
        cluster: ClusterId::from_uuid(Uuid::nil()),
        purpose: Purpose::Member,
        address: address("10.0.0.1"),
        via: None,
        name: Some("ash".into()),
        pin: None,
        offered: None,
        log_in: LogIn::KeyUnconfirmed,
        position: 0,
    }
}

fn links() -> [SocketAddr; 2] {
    ["10.0.1.2:22", "10.0.2.2:22"].map(|text| text.parse().expect("an address"))
}

/// What becomes of a probe that says this of the two addresses.
fn heard(answers: [Option<TcpProbe>; 2]) -> Heard {
    echoed(answers, &[])
}

/// The same where packets to the first address were refused on the way, or by itself.
fn refused(answers: [Option<TcpProbe>; 2], by: &str, code: u8) -> Heard {
    let places = Places { ssh: None, via: None, inside: links().to_vec(), names: Vec::new() };
    let tcp = links().into_iter().zip(answers).filter_map(|(at, one)| one.map(|one| (at.to_string(), one))).collect();
    let one = Unreachable { code, by: by.parse().expect("an address") };
    let unreachable = [("10.0.1.2".to_owned(), vec![one])].into();
    told(&ProbeReport { tcp, unreachable, ..ProbeReport::default() }, &places, &witness())
}

/// The same where echo requests came back from these addresses.
fn echoed(answers: [Option<TcpProbe>; 2], echoes: &[&str]) -> Heard {
    let places = Places { ssh: None, via: None, inside: links().to_vec(), names: Vec::new() };
    let pings = |at: &SocketAddr| Pings {
        sent: 20,
        received: u32::from(echoes.contains(&at.ip().to_string().as_str())),
        min_us: 0,
        avg_us: 0,
        max_us: 0,
        jitter_us: 0,
    };
    let pings = links().iter().map(|at| (at.ip().to_string(), pings(at))).collect();
    let tcp: BTreeMap<String, TcpProbe> =
        links().into_iter().zip(answers).filter_map(|(at, one)| one.map(|one| (at.to_string(), one))).collect();
    told(&ProbeReport { tcp, pings, ..ProbeReport::default() }, &places, &witness())
}

fn failed(text: &str) -> Option<TcpProbe> {
    Some(TcpProbe::Failed { text: text.into() })
}

#[test]
fn silence_is_what_was_asked_and_not_answered() {
    for silent in [Some(TcpProbe::Timeout), failed("No route to host")] {
        let one = heard([silent.clone(), silent]);
        assert_eq!((one.signs.len(), one.silent_to, one.unasked), (0, vec!["ash".to_owned()], Vec::new()));
    }
    let one = heard([Some(TcpProbe::Timeout), Some(TcpProbe::Refused)]);
    assert_eq!((one.signs.len(), one.silent_to.len()), (1, 0), "who refuses is alive");
}

#[test]
fn an_echo_is_a_sign_where_a_firewall_drops_the_rest() {
    for silent in [Some(TcpProbe::Timeout), failed("Network is unreachable"), None] {
        let one = echoed([silent.clone(), silent], &["10.0.2.2"]);
        let heard: Vec<&str> = one.signs.iter().map(|sign| sign.address.as_str()).collect();
        assert_eq!((heard, one.silent_to.len()), (vec!["10.0.2.2"], 0));
    }
    let both = echoed([Some(TcpProbe::Refused), Some(TcpProbe::Timeout)], &["10.0.1.2"]);
    assert_eq!(both.signs.len(), 1, "one address is one sign: {both:?}");
}

#[test]
fn who_refuses_lives_and_who_refuses_for_another_says_nothing_of_it() {
    let no_route = || failed("No route to host");
    let own = refused([no_route(), Some(TcpProbe::Timeout)], "10.0.1.2", 13);
    assert_eq!((own.signs.len(), own.silent_to.len()), (1, 0), "a firewall of its own: {own:?}");
    let filtered = refused([no_route(), no_route()], "10.0.1.254", 13);
    assert_eq!((filtered.signs.len(), filtered.silent_to.len(), filtered.unasked.len()), (0, 1, 1), "{filtered:?}");
    assert_eq!(filtered.unasked[0].problem.quote.as_deref(), Some("No route to host (10.0.1.254)"));
    // A router that finds nobody there.
    let nobody = refused([no_route(), Some(TcpProbe::Timeout)], "10.0.1.254", 1);
    assert_eq!((nobody.signs.len(), nobody.silent_to.len(), nobody.unasked.len()), (0, 1, 0), "{nobody:?}");
}

#[test]
fn every_place_is_asked_for_an_echo_too() {
    let at = ["10.0.1.3:22", "[2001:db8::3]:22"].map(|text| text.parse().expect("an address"));
    let plan = questions(at.to_vec());
    let echo: Vec<(String, String)> =
        plan.echo.iter().map(|(own, peer, _)| (own.to_string(), peer.to_string())).collect();
    assert_eq!(plan.tcp, at);
    let wanted = [("0.0.0.0", "10.0.1.3"), ("::", "2001:db8::3")];
    assert_eq!(echo, wanted.map(|(own, peer)| (own.to_owned(), peer.to_owned())));
}

#[test]
fn where_a_plan_knocked_is_knocked_again() {
    let of = ConfNode { name: "pve3".into(), id: 3, votes: 1, addresses: [(0, "10.0.1.3".to_owned())].into() };
    let known = Node { name: Some("pve3".into()), address: address("10.9.0.3"), ..witness() };
    let planned = ["10.9.0.3:22", "10.0.1.3:22", "192.0.2.3:22", "127.0.0.9:22", "pve3-b"].map(str::to_owned);
    let places = Places::of(&of, &[known], &BTreeSet::new()).and_planned(&planned);
    assert_eq!(places.texts(), ["10.9.0.3:22", "10.0.1.3:22", "192.0.2.3:22"]);
}

#[test]
fn a_probe_that_asked_nothing_is_not_silence() {
    for unasked in [failed("Network is unreachable"), None] {
        let one = heard([unasked.clone(), unasked]);
        assert_eq!((one.signs.len(), one.silent_to.len(), one.unasked.len()), (0, 0, 2));
        assert!(one.unasked.iter().all(|one| one.by == "ash"));
    }
    // One link was asked; that the other was not is said beside it.
    let one = heard([Some(TcpProbe::Timeout), failed("Network is unreachable")]);
    assert_eq!((one.silent_to.len(), one.unasked.len()), (1, 1));
    assert_eq!(one.unasked[0].problem.quote.as_deref(), Some("Network is unreachable"));
}

/// The near end of a tunnel takes every connection.
#[test]
fn who_takes_a_connection_lives_unless_it_is_the_consoles_own_machine() {
    let taken = DialError::TookConnection { last: Box::new(DialError::Timeout { seconds: 10 }) };
    assert!(matches!(judge(&taken, &address("10.0.0.2")), Answer::Alive));
    assert!(matches!(judge(&taken, &address("127.0.0.1")), Answer::Silent));
}

#[test]
fn what_ended_before_the_machine_says_nothing_of_it() {
    let silent = || DialError::Timeout { seconds: 5 };
    let jump = DialError::Jump { host: "gate".into(), last: Box::new(DialError::Refused) };
    let none = [
        DialError::NoWay { text: "failed to lookup address information".into() },
        DialError::Busy,
        jump,
        DialError::JumpForbids { host: "gate".into() },
        behind(Beyond::NotAsked),
        DialError::ConsoleKey { problem: ProblemCode::SealMissing.into() },
    ];
    for error in none {
        assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::NotAsked(_)), "{error}");
        let later = DialError::BackingOff { until: Timestamp::UNIX_EPOCH, last: Box::new(error) };
        assert!(matches!(judge(&later, &address("10.0.0.2")), Answer::NotAsked(_)), "{later}");
    }
    for error in [silent(), DialError::Unreachable { text: "no route".into() }, behind(Beyond::Silent)] {
        assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::Silent), "{error}");
    }
    let spoke = DialError::NotSsh { text: "220".into() };
    // Its sshd hangs, or dies in the middle.
    let taken = |last: DialError| DialError::TookConnection { last: Box::new(last) };
    let [hangs, broke] = [silent(), DialError::Unreachable { text: "the connection broke".into() }].map(taken);
    for error in [DialError::Refused, DialError::KeyRefused, spoke, hangs, broke, behind(Beyond::Refused)] {
        assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::Alive), "{error}");
    }
    assert!(matches!(judge(&DialError::Refused, &address("127.0.0.1")), Answer::Silent), "the console's own machine");
    let here = judge(&behind(Beyond::Refused), &address("127.0.0.1"));
    assert!(matches!(here, Answer::NotAsked(_)), "the jump host's own");
}

fn behind(beyond: Beyond) -> DialError {
    DialError::Behind { host: "gate".into(), text: "what it said".into(), beyond }
}

#[test]
fn what_pmxcfs_lists_is_knocked_at_once() {
    let of = ConfNode { name: "pve3".into(), id: 3, votes: 1, addresses: [(0, "10.0.1.3".to_owned())].into() };
    let listed = ["10.0.1.3", "192.0.2.3", "2001:db8::3"].map(|text| text.parse().expect("an address"));
    let places = Places::of(&of, &[], &listed.into());
    assert_eq!(places.texts(), ["10.0.1.3:22", "192.0.2.3:22", "[2001:db8::3]:22"]);
}

#[test]
fn a_name_is_knocked_at_where_it_leads_and_else_was_not_asked() {
    let addresses = [(0, "10.0.1.3".to_owned()), (1, "pve3".to_owned()), (2, "pve3-b".to_owned())].into();
    let of = ConfNode { name: "pve3".into(), id: 3, votes: 1, addresses };
    let places = Places::of(&of, &[], &BTreeSet::new());
    assert_eq!(nameless(&places, &witness()).unasked.len(), 2);
    let leads = |to: &[&str]| to.iter().map(|text| text.parse().expect("an address")).collect::<Vec<IpAddr>>();
    let found = [("pve3".to_owned(), leads(&["10.0.1.3", "10.0.2.3"])), ("pve3-b".to_owned(), Vec::new())].into();
    let places = places.resolved(&found);
    assert_eq!(places.texts(), ["10.0.1.3:22", "10.0.2.3:22", "pve3-b"]);
    let unasked = nameless(&places, &witness()).unasked;
    let [one] = unasked.as_slice() else { panic!("{unasked:?}") };
    assert_eq!((one.by.as_str(), one.problem.code), ("ash", ProblemCode::NameUnresolved));
    assert_eq!(one.problem.params["host"], "pve3-b");
}
