//! Each remedy and each way back: a house in which it is needed, and what has to be there afterwards.

use crate::faults::Trouble;
use crate::fence::{Side, held};
use crate::house::{House, OVER_WITHIN, anna};
use crate::look;
use engine::execute;
use engine::ports::OperationStore;
use engine::propose::Proposal;
use lab::{Fault, Scenario};
use model::operation::{Operation, OperationState, StepEvent};
use model::plan::Intent;
use model::policy::{Consent, rule};
use model::remedy::RemedyKind;
use std::collections::BTreeMap;
use tokio::time::timeout;

/// The machine that is mended.
pub const NODE: &str = "pve2";
pub const AUTHKEY: &str = "/etc/corosync/authkey";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    Hosts,
    Authkey,
    Zone,
    RsaKey,
    /// Not installed.
    Chrony,
    /// chrony runs, and the clock is off all the same.
    Clock,
    HostsBack,
    AuthkeyBack,
    ZoneBack,
    Firewall,
    FirewallBack,
}

impl Mend {
    pub const ALL: [Self; 11] = [
        Self::Hosts,
        Self::Authkey,
        Self::Zone,
        Self::RsaKey,
        Self::Chrony,
        Self::Clock,
        Self::HostsBack,
        Self::AuthkeyBack,
        Self::ZoneBack,
        Self::Firewall,
        Self::FirewallBack,
    ];

    fn fault(self) -> Fault {
        let node = NODE.to_owned();
        match self {
            Self::Hosts | Self::HostsBack => Fault::BreakHosts { node, on: true },
            Self::Authkey | Self::AuthkeyBack => Fault::LeaveAuthkey { node, on: true },
            Self::Zone | Self::ZoneBack => Fault::TimeZone { node, zone: "Asia/Tokyo".into() },
            Self::RsaKey => Fault::LoseRsaKey { node, on: true },
            Self::Chrony => Fault::RemoveChrony { node, on: true },
            Self::Firewall | Self::FirewallBack => Fault::EnableFirewall { node, on: true },
            Self::Clock => Fault::SkewClock { node, millis: 150_000 },
        }
    }

    fn kind(self) -> RemedyKind {
        match self {
            Self::Hosts | Self::HostsBack => RemedyKind::HostsFile,
            Self::Authkey | Self::AuthkeyBack => RemedyKind::Authkey,
            Self::Zone | Self::ZoneBack => RemedyKind::TimeZone,
            Self::RsaKey => RemedyKind::RsaHostKey,
            Self::Chrony | Self::Clock => RemedyKind::Chrony,
            Self::Firewall | Self::FirewallBack => RemedyKind::Firewall,
        }
    }

    fn goes_back(self) -> bool {
        matches!(self, Self::HostsBack | Self::AuthkeyBack | Self::ZoneBack | Self::FirewallBack)
    }

    /// A house in which there is something to mend, or something mended to take back.
    pub async fn house(self) -> House {
        let house = House::new(Scenario::bare(3)).await;
        house.inject(self.fault());
        if self.goes_back() {
            house.done(&mending(&house, self.kind()).await).await;
        }
        house
    }

    pub async fn intent(self, house: &House) -> Intent {
        if !self.goes_back() {
            return mending(house, self.kind()).await;
        }
        let all = held(house.raw().operations(Some(house.cluster), 50)).await.expect("operations");
        let past = all.iter().find(|one| matches!(one.plan.intent, Intent::Remedy { .. })).expect("a remedy");
        Intent::TakeBack { operation: past.id }
    }

    /// Looks with commands of its own.
    pub async fn check(self, house: &House) {
        let hosts = text(house, "/etc/hosts").unwrap_or_default();
        let own = hosts.lines().find(|line| line.split_whitespace().skip(1).any(|name| name == NODE));
        let own = own.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        match self {
            Self::Hosts => {
                assert_eq!(own, "10.0.1.12", "{hosts}");
                assert!(!hosts.contains("127.0.1.1"), "{hosts}");
                assert_eq!(house.lab.files_with(NODE, b"127.0.1.1").len(), 1, "the old one is kept");
            }
            Self::HostsBack => {
                assert_eq!(own, "127.0.1.1", "{hosts}");
                assert!(kept(house, "/etc/hosts.quorate-").is_empty(), "the copy is the file again");
            }
            Self::Authkey => {
                assert!(house.lab.file(NODE, AUTHKEY).is_none());
                let kept = kept(house, "/etc/corosync/authkey.quorate-");
                assert_eq!(kept.len(), 1, "it is never deleted");
                assert_eq!(house.lab.file(NODE, &kept[0]).map(|key| key.len()), Some(256));
            }
            Self::AuthkeyBack => {
                assert_eq!(house.lab.file(NODE, AUTHKEY).map(|key| key.len()), Some(256));
                assert!(kept(house, "/etc/corosync/authkey.quorate-").is_empty());
            }
            Self::Zone => assert!(says(house, "timedatectl show").await.contains("Timezone=Etc/UTC\n")),
            Self::ZoneBack => assert!(says(house, "timedatectl show").await.contains("Timezone=Asia/Tokyo\n")),
            Self::RsaKey => {
                let key = text(house, "/etc/ssh/ssh_host_rsa_key.pub").unwrap_or_default();
                assert!(key.starts_with("ssh-rsa "), "{key}");
                assert_eq!(house.lab.inspect().nodes[NODE].ran("ssh-keygen host key"), 1, "made once");
            }
            Self::Chrony => {
                assert_eq!(says(house, "systemctl is-active chrony").await, "active\n");
                assert_eq!(house.lab.inspect().nodes[NODE].ran("apt-get install"), 1, "installed once");
            }
            Self::Firewall => {
                let rules = says(house, "cat /etc/pve/nodes/pve2/host.fw").await;
                assert!(rules.contains("IN ACCEPT -source 10.0.1.11,10.0.1.13 -p udp -dport 5405:5412"), "{rules}");
            }
            Self::FirewallBack => assert_eq!(says(house, "cat /etc/pve/nodes/pve2/host.fw").await, ""),
            Self::Clock => assert!(says(house, "timedatectl show").await.contains("NTPSynchronized=yes\n")),
        }
    }
}

pub async fn mending(house: &House, remedy: RemedyKind) -> Intent {
    Intent::Remedy { node: house.id(NODE).await, remedy }
}

pub fn text(house: &House, path: &str) -> Option<String> {
    house.lab.file(NODE, path).map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// Files of the machine whose path begins so.
pub fn kept(house: &House, start: &str) -> Vec<String> {
    let mut found = house.lab.files_with(NODE, start.as_bytes());
    found.retain(|path| path.starts_with(start));
    found
}

pub async fn says(house: &House, line: &str) -> String {
    let ran = house.lab.run(NODE, line, b"").await.expect("the node answers");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The very same steps as a new operation.
pub async fn once_more(house: &House, operation: &Operation) -> Operation {
    let plan = operation.plan.clone();
    let digest = plan.digest().expect("a digest");
    let ruling = rule(plan.risk, false);
    let consent = Consent { reason: "again".into(), typed: plan.target.clone() };
    let id = house.engine().begin(&anna(), Proposal { plan, digest, ruling }, &consent).await.expect("it starts");
    execute::spawn(house.engine().clone(), id, anna(), None);
    house.ended(id).await
}

/// Every step with trouble on its machine from its first moment on: nothing half-done is called done, and going on ends well.
async fn every_step(work: Mend, trouble: Trouble) {
    let house = work.house().await;
    let steps = house.engine().plan(house.cluster, &work.intent(&house).await).await.expect("a plan").plan.steps.len();
    for step in 0..u16::try_from(steps).expect("a short plan") {
        eprintln!("{work:?}: {trouble:?} from the beginning of step {step}");
        one_step(work, trouble, step).await;
    }
}

async fn one_step(work: Mend, trouble: Trouble, index: u16) {
    let house = work.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        move |entry| entry.step == index && entry.event == StepEvent::Started,
        move || lab.inject(trouble.begins(NODE.to_owned())).expect("the fault"),
    );
    let mut operation = house.run(&work.intent(&house).await).await;
    match (&operation.state, trouble) {
        // A read may be repeated, so a connection that is there again at once is no trouble at all.
        (OperationState::Done, Trouble::Dropped) => {}
        (OperationState::Parked { step, problem }, _) => {
            assert_eq!(*step, index);
            assert!(trouble.codes().contains(&problem.code), "{problem}");
            if let Some(fault) = trouble.ends(NODE.to_owned()) {
                house.inject(fault);
            }
            house.lab.settle().await;
            house.engine().resume(&anna(), operation.id).await.expect("it goes on");
            operation = house.ended(operation.id).await;
        }
        (other, _) => panic!("{other:?}"),
    }
    look::is_done(&house, &operation).await;
    look::audit_is_whole(&house).await;
    work.check(&house).await;
}

async fn dies_at(work: Mend, write: u64, side: Side) {
    let mut house = work.house().await;
    house.arm((write, side)).await;
    let id = house.start(&work.intent(&house).await).await.expect("the plan starts");
    timeout(OVER_WITHIN, house.console.fence.death()).await.expect("the journal is written that often");
    house.restart().await;
    let operation = house.ended(id).await;
    look::is_done(&house, &operation).await;
    look::audit_is_whole(&house).await;
    work.check(&house).await;
}

/// On either side of every write of the journal.
async fn every_write(work: Mend) {
    let house = work.house().await;
    let before = house.console.fence.journal_writes();
    let operation = house.done(&work.intent(&house).await).await;
    let writes = house.console.fence.journal_writes() - before;
    assert!(writes >= operation.steps.len() as u64 * 2, "the journal was written {writes} times only");
    for write in 1..=writes {
        for side in [Side::Before, Side::After] {
            eprintln!("{work:?}: dies {side:?} write {write} of {writes}");
            dies_at(work, write, side).await;
        }
    }
}

macro_rules! every_work {
    ($($module:ident: $work:expr;)*) => {
        $(mod $module {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn the_node_is_frozen_hangs_or_drops_the_connection_at_any_step() {
                for trouble in [Trouble::Frozen, Trouble::Hanging, Trouble::Dropped] {
                    every_step($work, trouble).await;
                }
            }

            #[tokio::test(start_paused = true)]
            async fn the_node_prints_garbage_at_any_step() {
                every_step($work, Trouble::Garbage).await;
            }

            #[tokio::test(start_paused = true)]
            async fn the_console_dies_at_every_write_of_its_journal() {
                every_write($work).await;
            }
        })*

        #[test]
        fn every_work_owes_the_same_tests() {
            let here: BTreeMap<String, Mend> = [$($work),*].map(|work: Mend| (format!("{work:?}"), work)).into();
            assert_eq!(here.len(), Mend::ALL.len());
        }
    };
}

every_work! {
    hosts: Mend::Hosts;
    authkey: Mend::Authkey;
    zone: Mend::Zone;
    rsa_key: Mend::RsaKey;
    chrony: Mend::Chrony;
    clock: Mend::Clock;
    hosts_back: Mend::HostsBack;
    authkey_back: Mend::AuthkeyBack;
    zone_back: Mend::ZoneBack;
    firewall: Mend::Firewall;
    firewall_back: Mend::FirewallBack;
}
