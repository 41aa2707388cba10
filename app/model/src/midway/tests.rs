use super::*;
use crate::problem::ProblemCode;
use std::collections::BTreeSet;
use uuid::Uuid;

const OWN: &str = "10.0.1.12";

fn key(byte: u8) -> Told<ContentDigest> {
    Told::Is(ContentDigest::of(&[byte]))
}

/// Before anything has begun, on both sides.
fn before() -> Scene {
    let joiner = JoinerSeen {
        answers: true,
        name: Some("pve2".into()),
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
        addresses: Some(vec![OWN.parse().expect("an address")]),
    };
    let member = MemberSeen {
        node: Some(NodeId::from_uuid(Uuid::from_u128(1))),
        label: "pve1".into(),
        listed: Told::Nothing,
        in_ring: Some(false),
        quorate: Some(true),
        votes: Some(1),
        absent: Vec::new(),
        authkey: key(1),
        key_shared: Some(false),
        certificate: Some(false),
        folder: Some(false),
    };
    Scene {
        node: NodeId::from_uuid(Uuid::from_u128(2)),
        name: "pve2".into(),
        cluster: "oak".into(),
        joiner,
        members: vec![member],
    }
}

fn with(change: impl FnOnce(&mut JoinerSeen, &mut MemberSeen)) -> Scene {
    let mut scene = before();
    let Scene { joiner, members, .. } = &mut scene;
    change(joiner, &mut members[0]);
    scene
}

fn list(member: &mut MemberSeen) {
    member.listed = Told::Is(vec![OWN.into()]);
    member.folder = Some(true);
}

/// Listed, and the node has everything that a join writes.
fn written(joiner: &mut JoinerSeen, member: &mut MemberSeen) {
    list(member);
    joiner.authkey = key(1);
    joiner.local = Told::Is("oak".into());
}

/// Listed, and both daemons run.
fn running(joiner: &mut JoinerSeen, member: &mut MemberSeen) {
    written(joiner, member);
    joiner.database = Told::Is("oak".into());
    joiner.corosync = Some(true);
}

fn together(joiner: &mut JoinerSeen, member: &mut MemberSeen) {
    running(joiner, member);
    (joiner.in_ring, member.in_ring) = (Some(true), Some(true));
}

fn disagreeing() -> Scene {
    let mut scene = with(|_, member| list(member));
    scene.members.push(MemberSeen { listed: Told::Nothing, label: "pve3".into(), ..scene.members[0].clone() });
    scene
}

/// Its database was moved away, and the cluster's has not come to it: there is no folder yet that could be asked.
#[test]
fn outside_the_ring_nothing_has_to_be_known_of_its_files() {
    let untold = |change: fn(&mut JoinerSeen, &mut MemberSeen)| {
        let mut scene = with(change);
        scene.joiner.writable = None;
        judge(&scene)
    };
    assert_eq!(untold(running), MidwayState::NotInRing);
    assert_eq!(untold(together), MidwayState::CannotTell);
}

/// Every state with a scene of it, and the ways that are open there.
fn table() -> Vec<(MidwayState, Scene, Vec<Way>)> {
    use MidwayState as S;
    let both = || vec![Way::Finish, Way::Undo];
    vec![
        (S::NotBegun, before(), vec![Way::Join]),
        (S::KeysCarried, with(|_, member| member.key_shared = Some(true)), vec![Way::Join, Way::Undo]),
        (S::ListedOnly, with(|_, member| list(member)), both()),
        (S::FilesWritten, with(written), both()),
        (
            S::DatabaseMoved,
            with(|joiner, member| {
                written(joiner, member);
                (joiner.pmxcfs, joiner.config_db) = (Some(false), Some(false));
            }),
            both(),
        ),
        (
            S::ServicesDown,
            with(|joiner, member| {
                written(joiner, member);
                joiner.pmxcfs = Some(false);
            }),
            vec![Way::Undo],
        ),
        (
            S::PmxcfsDown,
            with(|joiner, member| {
                together(joiner, member);
                joiner.pmxcfs = Some(false);
            }),
            both(),
        ),
        (S::NotInRing, with(running), both()),
        (S::CertificateMissing, with(together), vec![Way::Finish]),
        (
            S::ForeignAuthkey,
            with(|joiner, member| {
                list(member);
                joiner.authkey = key(9);
            }),
            vec![Way::Undo],
        ),
        (S::OtherAddresses, with(|_, member| member.listed = Told::Is(vec!["10.0.1.99".into()])), vec![Way::Undo]),
        (S::NotListed, with(|joiner, _| joiner.local = Told::Is("oak".into())), vec![Way::Undo]),
        (S::MembersDisagree, disagreeing(), Vec::new()),
        (
            S::JoinerSilent,
            with(|joiner, member| {
                list(member);
                *joiner = JoinerSeen::default();
            }),
            Vec::new(),
        ),
        (S::OtherCluster, with(|joiner, _| joiner.local = Told::Is("elm".into())), Vec::new()),
        (
            S::Joined,
            with(|joiner, member| {
                together(joiner, member);
                member.certificate = Some(true);
            }),
            Vec::new(),
        ),
        (S::CannotTell, with(|joiner, _| joiner.local = Told::Unknown), Vec::new()),
    ]
}

#[test]
fn each_state_is_recognised_and_has_its_ways() {
    let table = table();
    for (state, scene, open) in &table {
        assert_eq!(judge(scene), *state, "{scene:#?}");
        let found: Vec<Way> =
            ways(scene, *state).into_iter().filter(|one| one.closed.is_none()).map(|one| one.way).collect();
        assert_eq!(found, *open, "{state:?}");
    }
    let seen: BTreeSet<MidwayState> = table.iter().map(|(state, ..)| *state).collect();
    assert_eq!(seen.len(), MidwayState::ALL.len(), "every state has its row");
}

/// Takes one answer away.
type Forget = fn(&mut Scene);

#[test]
fn an_answer_that_is_missing_is_never_taken_for_no() {
    let forgets: [Forget; 5] = [
        |scene| scene.joiner.local = Told::Unknown,
        |scene| scene.joiner.authkey = Told::Unknown,
        |scene| scene.joiner.corosync = None,
        |scene| scene.joiner.pmxcfs = None,
        |scene| scene.members[0].listed = Told::Unknown,
    ];
    for (state, scene, _) in table() {
        for forget in forgets {
            let mut scene = scene.clone();
            forget(&mut scene);
            let judged = judge(&scene);
            // Where the machine is silent, or the members differ, nothing more depends on it.
            let settled = [MidwayState::JoinerSilent, MidwayState::MembersDisagree].contains(&state);
            let fits = judged == MidwayState::CannotTell || (settled && judged == state);
            assert!(fits, "{state:?} became {judged:?}");
        }
    }
}

fn refusal(scene: &Scene, way: Way) -> ProblemCode {
    scene.open_way(way).expect_err("it is closed").code
}

#[test]
fn nothing_is_forced_over_guests_or_over_a_changed_name() {
    let guests = |joiner: &mut JoinerSeen, member: &mut MemberSeen| {
        written(joiner, member);
        joiner.guests = Some(2);
    };
    assert_eq!(refusal(&with(guests), Way::Finish), ProblemCode::GuestsOnJoiner);
    assert!(with(guests).open_way(Way::Undo).is_ok(), "taking it back touches no guest");
    let unknown = with(|joiner, member| {
        list(member);
        joiner.guests = None;
    });
    assert_eq!(refusal(&unknown, Way::Finish), ProblemCode::Garbage);
    let renamed = with(|joiner, member| {
        list(member);
        joiner.name = Some("pve7".into());
    });
    assert_eq!(refusal(&renamed, Way::Finish), ProblemCode::NameChanged);
    let foreign = with(|joiner, member| {
        written(joiner, member);
        joiner.authkey = key(9);
    });
    assert_eq!(refusal(&foreign, Way::Finish), ProblemCode::JoinNoSuchWay);
}

#[test]
fn who_has_been_a_member_is_not_undone_and_an_absent_member_closes_every_way() {
    let member = with(|_, member| {
        list(member);
        member.certificate = Some(true);
    });
    assert_eq!(refusal(&member, Way::Undo), ProblemCode::WasAMember);
    let absent = with(|_, member| {
        list(member);
        member.absent = vec!["pve3".into()];
    });
    for way in [Way::Finish, Way::Undo] {
        assert_eq!(refusal(&absent, way), ProblemCode::MembersOffline);
    }
    let alive = with(|_, member| {
        member.listed = Told::Is(vec!["10.0.1.99".into()]);
        member.in_ring = Some(true);
    });
    assert_eq!(refusal(&alive, Way::Undo), ProblemCode::NameInCluster, "another machine runs under that name");
}

#[test]
fn only_what_lies_beside_the_own_database_needs_force() {
    for (state, scene, _) in table() {
        assert_eq!(scene.needs_force(state), state == MidwayState::FilesWritten);
    }
}
