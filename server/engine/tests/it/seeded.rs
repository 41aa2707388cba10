//! Faults that are sown on the nodes, one case each: what the page would say, and by the test's own look what is there.

use crate::house::{House, anna};
use crate::look;
use crate::midway::Stuck;
use engine::ports::Credential;
use lab::{Fault, Inspection, JoinPoint, Scenario};
use model::midway::TraceCode;
use model::operation::OperationState;
use model::plan::Intent;
use model::preflight::{CheckId, FindingCode, Verdict};
use model::problem::ProblemCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    UnreachableAddress,
    WrongPassword,
    ChangedHostKey,
    OtherClusterOnJoiner,
    GuestsOnJoiner,
    GuestsInTheChecks,
    AddressOfAnother,
    AddressChosenTwice,
    NameOfAMember,
    HostNamesCollide,
    HangsInTheChecks,
    HangsInAJoin,
    GarbageInTheChecks,
    GarbageInAJoin,
    ExitsZeroAndFailed,
    LinkNotLocal,
    MemberAbsent,
    ForeignKeyInTheChecks,
}

/// What a page shows of it.
#[derive(Debug, PartialEq, Eq)]
enum Screen {
    /// In the place where the person has just acted.
    Refusal(ProblemCode),
    /// An operation that ended, changed nothing, and says why.
    Failed(ProblemCode),
    /// An operation that waits for a person.
    Parked(ProblemCode),
    /// A cell of the matrix.
    Cell(CheckId, Verdict, FindingCode),
}

/// The machine that the fault is on, everywhere but for a member that is absent.
const NODE: &str = "pve3";

impl Case {
    const ALL: [Self; 18] = [
        Self::UnreachableAddress,
        Self::WrongPassword,
        Self::ChangedHostKey,
        Self::OtherClusterOnJoiner,
        Self::GuestsOnJoiner,
        Self::GuestsInTheChecks,
        Self::AddressOfAnother,
        Self::AddressChosenTwice,
        Self::NameOfAMember,
        Self::HostNamesCollide,
        Self::HangsInTheChecks,
        Self::HangsInAJoin,
        Self::GarbageInTheChecks,
        Self::GarbageInAJoin,
        Self::ExitsZeroAndFailed,
        Self::LinkNotLocal,
        Self::MemberAbsent,
        Self::ForeignKeyInTheChecks,
    ];

    const fn shows(self) -> Screen {
        use ProblemCode as P;
        match self {
            Self::UnreachableAddress => Screen::Refusal(P::Unreachable),
            Self::WrongPassword => Screen::Refusal(P::PasswordRefused),
            Self::ChangedHostKey => Screen::Refusal(P::HostKeyChanged),
            Self::AddressChosenTwice => Screen::Refusal(P::LinkAddressTwice),
            Self::OtherClusterOnJoiner => Screen::Failed(P::InOtherCluster),
            Self::GuestsOnJoiner => Screen::Failed(P::GuestsOnJoiner),
            Self::AddressOfAnother => Screen::Failed(P::AddressInCluster),
            Self::NameOfAMember => Screen::Failed(P::NameInCluster),
            Self::LinkNotLocal => Screen::Failed(P::LinkNotLocal),
            Self::MemberAbsent => Screen::Failed(P::MembersOffline),
            Self::ExitsZeroAndFailed => Screen::Failed(P::JoinRefused),
            Self::HangsInAJoin => Screen::Parked(P::NodeHangs),
            // What it was told to write is not there afterwards.
            Self::GarbageInAJoin => Screen::Parked(P::ProofMissing),
            Self::GuestsInTheChecks => Screen::Cell(CheckId::NoGuests, Verdict::Fail, FindingCode::HasGuests),
            Self::HostNamesCollide => Screen::Cell(CheckId::HostNames, Verdict::Fail, FindingCode::NameTwice),
            Self::HangsInTheChecks | Self::GarbageInTheChecks => {
                Screen::Cell(CheckId::SameVersion, Verdict::Error, FindingCode::EvidenceMissing)
            }
            Self::ForeignKeyInTheChecks => Screen::Cell(CheckId::NoGuests, Verdict::Fail, FindingCode::LeftoverAuthkey),
        }
    }

    /// Two members and a machine that would join, with the fault.
    async fn house(self) -> House {
        let mut scenario = Scenario::bare(if self == Self::MemberAbsent { 4 } else { 3 });
        if matches!(self, Self::NameOfAMember | Self::HostNamesCollide) {
            scenario.nodes[2].hostname = "pve2".into();
        }
        let house = match self {
            Self::MemberAbsent => House::built(scenario, 3).await,
            // The checks are for machines of a draft.
            _ if matches!(self.shows(), Screen::Cell(..)) => House::new(scenario).await,
            _ => House::built(scenario, 2).await,
        };
        self.sow(&house).await;
        house
    }

    async fn sow(self, house: &House) {
        let node = NODE.to_owned();
        match self {
            Self::UnreachableAddress => {
                house.inject(Fault::Kill { node });
            }
            Self::ChangedHostKey => {
                house.inject(Fault::ChangeHostKey { node: node.clone() });
                house.inject(Fault::DropConnections { node });
            }
            Self::OtherClusterOnJoiner => {
                let ran = house.lab.run(NODE, "pvecm create elm", b"").await.expect("an answer");
                assert_eq!(ran.exit, 0);
                house.lab.settle().await;
            }
            Self::GuestsOnJoiner | Self::GuestsInTheChecks => house.inject(Fault::AddGuest { node, vmid: 100 }),
            Self::HangsInTheChecks | Self::HangsInAJoin => house.inject(Fault::HangCommands { node, on: true }),
            Self::GarbageInTheChecks | Self::GarbageInAJoin => house.inject(Fault::Garbage { node, on: true }),
            Self::ExitsZeroAndFailed => {
                house.inject(Fault::JoinDiesAt { node, point: JoinPoint::BeforeAddnode });
            }
            Self::ForeignKeyInTheChecks => house.inject(Fault::LeaveAuthkey { node, on: true }),
            Self::MemberAbsent => {
                house.inject(Fault::Kill { node });
                house.lab.settle().await;
            }
            Self::WrongPassword
            | Self::AddressOfAnother
            | Self::AddressChosenTwice
            | Self::NameOfAMember
            | Self::HostNamesCollide
            | Self::LinkNotLocal => {}
        }
    }

    /// The join as somebody with this fault would choose it.
    async fn join(self, house: &House) -> Intent {
        let joiner = if self == Self::MemberAbsent { "pve4" } else { NODE };
        let mut intent = house.join_intent(&[joiner]).await;
        let (second, third) = (house.id("pve2").await, house.id(NODE).await);
        let Intent::JoinNodes { links, .. } = &mut intent else { panic!("a join") };
        match self {
            Self::AddressOfAnother | Self::AddressChosenTwice => {
                let taken = links[1].addresses[&second];
                links[1].addresses.insert(third, taken);
            }
            Self::LinkNotLocal => {
                links[1].addresses.insert(third, "10.0.2.99".parse().expect("an address"));
            }
            _ => {}
        }
        if self == Self::AddressOfAnother {
            // Where the choice names the joiner alone, only the cluster knows.
            links.iter_mut().for_each(|link| assert!(link.addresses.remove(&second).is_some()));
        }
        intent
    }

    /// What a person does, and what the page says then.
    async fn screen(self, house: &House) -> Screen {
        let node = house.node(NODE).await;
        match self.shows() {
            Screen::Refusal(_) => match self {
                Self::AddressChosenTwice => {
                    Screen::Refusal(house.start(&self.join(house).await).await.expect_err("refused").code)
                }
                Self::WrongPassword => {
                    let endpoint = house.engine().endpoint(&node).await.expect("an endpoint");
                    let password = Credential::Password(zeroize::Zeroizing::new("not this one".to_owned()));
                    let refused = house.engine().dialer.once(&endpoint, password).await.err().expect("refused");
                    Screen::Refusal(refused.problem().code)
                }
                _ => Screen::Refusal(house.engine().try_log_in(&node).await.expect_err("refused").code),
            },
            Screen::Cell(check, ..) => {
                let matrix = house.engine().run_checks(&anna(), house.cluster).await.expect("a matrix");
                let cell = matrix.cells.iter().find(|cell| cell.node == node.id && cell.check == check);
                let cell = cell.expect("a cell");
                assert!(!matrix.passes(), "nothing is built on it");
                let finding = cell.findings.first().expect("a reason");
                Screen::Cell(check, cell.verdict, finding.code)
            }
            Screen::Failed(_) | Screen::Parked(_) => {
                let operation = house.run(&self.join(house).await).await;
                match &operation.state {
                    OperationState::Failed { problem, .. } => Screen::Failed(problem.code),
                    OperationState::Parked { problem, .. } => Screen::Parked(problem.code),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    /// How often `pvecm add` may have been started on the machine.
    fn adds(self) -> u64 {
        u64::from(self == Self::ExitsZeroAndFailed)
    }
}

/// The members are as they were: the same list, the same addresses, nothing lost.
fn members_are_untouched(before: &Inspection, after: &Inspection) {
    for (name, node) in before.nodes.iter().filter(|(name, _)| *name != NODE) {
        let now = &after.nodes[name];
        assert_eq!((&now.nodelist, &now.cluster), (&node.nodelist, &node.cluster), "{name}");
        assert_eq!(now.config_version, node.config_version, "{name}");
    }
    assert_eq!(after.ran("pvecm addnode"), before.ran("pvecm addnode"), "nobody was registered");
}

async fn case(case: Case) {
    let house = case.house().await;
    let before = house.lab.inspect();
    assert_eq!(case.screen(&house).await, case.shows());
    house.lab.settle().await;
    let after = house.lab.inspect();
    members_are_untouched(&before, &after);
    assert_eq!(after.nodes[NODE].ran("pvecm add"), before.nodes[NODE].ran("pvecm add") + case.adds());
    look::audit_is_whole(&house).await;
}

/// A join that stopped midway: the state, lines of both sides with their commands, and nothing changed by looking.
async fn midway(stuck: Stuck) {
    let house = stuck.house().await;
    assert_eq!(stuck.is_left_behind(&house), stuck.left_behind(), "{stuck:?}, by the test's own look");
    let before = house.lab.inspect();
    let seen = stuck.seen(&house).await;
    assert_eq!(seen.state, stuck.state(), "{stuck:?}: {:#?}", seen.traces);
    assert!(seen.operation.is_some(), "the operation that stopped is named");
    for own in [true, false] {
        let lines: Vec<_> = seen.traces.iter().filter(|trace| trace.own == own).collect();
        assert!(!lines.is_empty(), "{stuck:?}: nothing of one side");
        let quoted = lines.iter().filter(|line| line.about != TraceCode::Answers);
        assert!(quoted.clone().all(|line| !line.said.command.is_empty()), "a line without its command");
    }
    assert_eq!(house.lab.inspect(), before, "a look changes nothing");
    look::audit_is_whole(&house).await;
}

macro_rules! cases {
    ($($name:ident: $case:ident;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            case(Case::$case).await;
        })*

        #[test]
        fn every_case_is_run() {
            assert_eq!([$(Case::$case),*], Case::ALL);
        }
    };
}

macro_rules! stuck {
    ($($name:ident: $stuck:ident;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            midway(Stuck::$stuck).await;
        })*

        #[test]
        fn every_state_is_run() {
            assert_eq!([$(Stuck::$stuck),*], Stuck::ALL);
        }
    };
}

cases! {
    an_address_where_nobody_answers: UnreachableAddress;
    a_wrong_password: WrongPassword;
    a_changed_host_key: ChangedHostKey;
    a_machine_of_another_cluster: OtherClusterOnJoiner;
    guests_on_the_joiner: GuestsOnJoiner;
    guests_in_the_checks: GuestsInTheChecks;
    an_address_of_another_node: AddressOfAnother;
    an_address_chosen_twice: AddressChosenTwice;
    a_name_that_a_member_has: NameOfAMember;
    host_names_that_collide: HostNamesCollide;
    a_node_that_hangs_in_the_checks: HangsInTheChecks;
    a_node_that_hangs_in_a_join: HangsInAJoin;
    a_node_that_prints_garbage_in_the_checks: GarbageInTheChecks;
    a_node_that_prints_garbage_in_a_join: GarbageInAJoin;
    a_join_that_exits_zero_and_failed: ExitsZeroAndFailed;
    an_address_that_the_machine_does_not_have: LinkNotLocal;
    a_member_that_is_absent: MemberAbsent;
    a_key_of_an_earlier_cluster: ForeignKeyInTheChecks;
}

stuck! {
    only_the_keys_were_carried: KeysCarried;
    the_members_list_it_and_it_has_nothing: ListedOnly;
    the_only_member_lists_it_and_has_lost_its_quorum: ListedAlone;
    key_and_configuration_lie_beside_its_own_database: FilesWritten;
    its_own_database_is_moved_and_nothing_runs: DatabaseMoved;
    nothing_runs_and_a_database_is_there: ServicesDown;
    pmxcfs_does_not_run: PmxcfsDown;
    it_does_not_come_into_the_ring: NotInRing;
    its_certificate_was_never_made: CertificateMissing;
    it_has_the_key_of_another_cluster: ForeignAuthkey;
    its_name_has_other_addresses: OtherAddresses;
    no_member_lists_it: NotListed;
    the_members_disagree: MembersDisagree;
    it_does_not_answer: JoinerSilent;
    it_belongs_to_another_cluster: OtherCluster;
    it_prints_garbage: CannotTell;
}
