//! Joins that died midway, each by a fault of the simulated nodes, and what has to be there afterwards.

use crate::house::{House, anna};
use crate::look;
use lab::{Fault, Inspection, JoinPoint, Scenario};
use model::midway::{Midway, MidwayState, Way};
use model::operation::OperationState;
use model::plan::Intent;

pub const AUTHKEY: &str = "/etc/corosync/authkey";
const CONFIG: &str = "/etc/corosync/corosync.conf";
/// A setting from before the join, in the joiner's own `/etc/pve`.
const MARKER: &str = "/etc/pve/mine.cfg";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stuck {
    KeysCarried,
    ListedOnly,
    /// The same where the entry alone has cost the only member its quorum.
    ListedAlone,
    FilesWritten,
    DatabaseMoved,
    ServicesDown,
    PmxcfsDown,
    NotInRing,
    CertificateMissing,
    ForeignAuthkey,
    OtherAddresses,
    NotListed,
    MembersDisagree,
    JoinerSilent,
    OtherCluster,
    CannotTell,
}

impl Stuck {
    pub const ALL: [Self; 16] = [
        Self::KeysCarried,
        Self::ListedOnly,
        Self::ListedAlone,
        Self::FilesWritten,
        Self::DatabaseMoved,
        Self::ServicesDown,
        Self::PmxcfsDown,
        Self::NotInRing,
        Self::CertificateMissing,
        Self::ForeignAuthkey,
        Self::OtherAddresses,
        Self::NotListed,
        Self::MembersDisagree,
        Self::JoinerSilent,
        Self::OtherCluster,
        Self::CannotTell,
    ];

    /// Members before the join; the next node is the joiner.
    const fn members(self) -> usize {
        if matches!(self, Self::ListedAlone) { 1 } else { 2 }
    }

    pub const fn joiner(self) -> &'static str {
        if matches!(self, Self::ListedAlone) { "pve2" } else { "pve3" }
    }

    pub const fn state(self) -> MidwayState {
        match self {
            Self::KeysCarried => MidwayState::KeysCarried,
            Self::ListedOnly | Self::ListedAlone => MidwayState::ListedOnly,
            Self::FilesWritten => MidwayState::FilesWritten,
            Self::DatabaseMoved => MidwayState::DatabaseMoved,
            Self::ServicesDown => MidwayState::ServicesDown,
            Self::PmxcfsDown => MidwayState::PmxcfsDown,
            Self::NotInRing => MidwayState::NotInRing,
            Self::CertificateMissing => MidwayState::CertificateMissing,
            Self::ForeignAuthkey => MidwayState::ForeignAuthkey,
            Self::OtherAddresses => MidwayState::OtherAddresses,
            Self::NotListed => MidwayState::NotListed,
            Self::MembersDisagree => MidwayState::MembersDisagree,
            Self::JoinerSilent => MidwayState::JoinerSilent,
            Self::OtherCluster => MidwayState::OtherCluster,
            Self::CannotTell => MidwayState::CannotTell,
        }
    }

    const fn dies_at(self) -> JoinPoint {
        match self {
            Self::KeysCarried | Self::OtherCluster => JoinPoint::BeforeAddnode,
            Self::FilesWritten | Self::ServicesDown => JoinPoint::AfterFilesWritten,
            Self::DatabaseMoved | Self::NotListed => JoinPoint::AfterDatabaseMoved,
            Self::PmxcfsDown | Self::NotInRing | Self::CertificateMissing => JoinPoint::WaitingForQuorum,
            _ => JoinPoint::AfterAddnode,
        }
    }

    /// A house with such a join, given up so that another plan may run.
    pub async fn house(self) -> House {
        let count = self.members();
        let house = House::built(Scenario::bare(u8::try_from(count + 1).expect("few")), count).await;
        let node = self.joiner().to_owned();
        house.lab.run(&node, &format!("tee {MARKER}"), b"mine\n").await.expect("the node answers");
        if self == Self::NotInRing {
            house.inject(Fault::BlockUdp { node: node.clone(), on: true });
        }
        house.inject(Fault::JoinDiesAt { node: node.clone(), point: self.dies_at() });
        let operation = house.run(&house.join_intent(&[&node]).await).await;
        if matches!(operation.state, OperationState::Parked { .. }) {
            let why = "another way is taken";
            house.engine().abandon(&anna(), operation.id, why).await.expect("it is given up");
        }
        house.lab.settle().await;
        self.then(&house, node).await;
        house.lab.settle().await;
        house
    }

    /// What happens to it besides.
    async fn then(self, house: &House, node: String) {
        let on = async |host: &str, line: &str| {
            let ran = house.lab.run(host, line, b"").await.expect("the node answers");
            assert_eq!(ran.exit, 0, "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        };
        match self {
            Self::ServicesDown | Self::PmxcfsDown => house.inject(Fault::StopPmxcfs { node }),
            Self::ForeignAuthkey => assert!(house.lab.put_file(&node, AUTHKEY, b"of another cluster")),
            Self::OtherAddresses => {
                on("pve1", "pvecm addnode pve3 --force 1 --link0 10.0.1.99 --link1 10.0.2.99").await;
            }
            Self::NotListed => on("pve1", "pvecm delnode pve3").await,
            Self::MembersDisagree => {
                house.inject(Fault::BlockUdp { node: "pve2".into(), on: true });
                house.lab.settle().await;
                on("pve2", "pvecm expected 1").await;
                house.lab.settle().await;
                on("pve2", "pvecm delnode pve3").await;
            }
            Self::JoinerSilent => house.inject(Fault::Kill { node }),
            Self::OtherCluster => on("pve3", "pvecm create elm").await,
            Self::CannotTell => house.inject(Fault::Garbage { node, on: true }),
            _ => {}
        }
    }

    /// By the test's own look: whether `pve1` lists the joiner, and whether the joiner has the key, the configuration, and
    /// a corosync that runs.
    pub const fn left_behind(self) -> [bool; 4] {
        match self {
            Self::KeysCarried => [false, false, false, false],
            Self::ListedOnly | Self::ListedAlone | Self::OtherAddresses | Self::MembersDisagree => {
                [true, false, false, false]
            }
            Self::JoinerSilent | Self::CannotTell => [true, false, false, false],
            Self::FilesWritten | Self::DatabaseMoved | Self::ServicesDown => [true, true, true, false],
            Self::PmxcfsDown | Self::NotInRing | Self::CertificateMissing => [true, true, true, true],
            Self::ForeignAuthkey => [true, true, false, false],
            Self::NotListed => [false, true, true, false],
            Self::OtherCluster => [false, true, true, true],
        }
    }

    pub fn is_left_behind(self, house: &House) -> [bool; 4] {
        let truth = house.lab.inspect();
        let has = |path: &str| house.lab.file(self.joiner(), path).is_some();
        let listed = truth.nodes["pve1"].nodelist.contains_key(self.joiner());
        [listed, has(AUTHKEY), has(CONFIG), truth.nodes[self.joiner()].corosync_running]
    }

    /// What stood in the way and has to be settled before the way on can end well.
    pub fn heal(self, house: &House) {
        if self == Self::NotInRing {
            house.inject(Fault::BlockUdp { node: self.joiner().into(), on: false });
        }
    }

    /// The joiner as a page shows it.
    pub async fn seen(self, house: &House) -> Midway {
        let all = house.engine().midway(house.cluster).await.expect("a look");
        let id = house.id(self.joiner()).await;
        all.into_iter().find(|one| one.node == id).unwrap_or_else(|| panic!("{self:?} is not recognised"))
    }

    pub async fn intent(self, house: &House, way: Way) -> Intent {
        let node = house.id(self.joiner()).await;
        match way {
            Way::Join => house.join_intent(&[self.joiner()]).await,
            Way::Finish => Intent::FinishJoin { node, links: house.links().await },
            Way::Undo => Intent::UndoJoin { node },
        }
    }

    /// By the test's own look at the nodes.
    pub fn check(self, house: &House, truth: &Inspection, way: Way) {
        let names: Vec<String> = (1..=self.members() + 1).map(|number| format!("pve{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (joiner, rest) = names.split_last().expect("some");
        if way != Way::Undo {
            look::one_cluster(truth, &names);
            let certificate = format!("/etc/pve/nodes/{joiner}/pve-ssl.pem");
            for name in &names {
                assert!(house.lab.file(name, &certificate).is_some(), "{name} has no certificate of {joiner}");
                assert!(truth.nodes[*name].writable, "{name}");
            }
            return;
        }
        look::one_cluster(truth, rest);
        assert!(rest.iter().all(|name| truth.nodes[*name].writable), "the members take writes");
        let folder = format!("/etc/pve/nodes/{joiner}/");
        for name in rest {
            let left = house.lab.files_with(name, folder.as_bytes());
            assert!(left.is_empty(), "{name} still has {left:?}");
        }
        let key = house.lab.file(joiner, "/root/.ssh/id_rsa.pub").expect("root's key");
        let blob = String::from_utf8_lossy(&key).split_whitespace().nth(1).expect("a key").to_owned();
        let shared = house.lab.file("pve1", "/etc/pve/priv/authorized_keys").expect("the shared file");
        assert!(!String::from_utf8_lossy(&shared).contains(&blob), "the key is still let in");
        let node = &truth.nodes[*joiner];
        assert!(!node.corosync_running && node.cluster.is_none() && node.writable, "{node:?}");
        assert!([AUTHKEY, CONFIG].iter().all(|path| house.lab.file(joiner, path).is_none()));
        assert_eq!(house.lab.file(joiner, MARKER).as_deref(), Some(&b"mine\n"[..]), "its own settings are back");
    }
}
