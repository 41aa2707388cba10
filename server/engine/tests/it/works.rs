//! The changes of a cluster, each with a house before it and what has to be there afterwards.

use crate::house::{CLUSTER, House, QNETD};
use crate::look;
use crate::midway::Stuck;
use lab::{Fault, Scenario};
use model::bmc::PowerWish;
use model::midway::Way;
use model::plan::{Intent, Plan};
use std::net::IpAddr;

/// A file of a store of certificates, which no device of this cluster has made.
pub const OLD_CERTIFICATES: &str = "/etc/corosync/qdevice/net/nssdb/cert9.db";

#[derive(Debug, Clone, Copy)]
pub enum Work {
    Create,
    /// Two nodes, one after the other.
    Join,
    Qdevice,
    /// Three nodes, against the advice: by force, and somebody else agrees.
    QdeviceOdd,
    /// Neither the host nor a node has the package.
    QdevicePackages,
    /// Both nodes have certificates of an earlier device.
    QdeviceLeftovers,
    /// The daemon of a device that works has died on the second node.
    StartQdevice,
    RemoveQdevice,
    /// Two of three nodes have lost their power; the third goes on alone.
    Expected,
    /// One of three, by its BMC.
    PowerOff,
    PowerOn,
    PowerCycle,
    /// A join that stopped midway, and the way on.
    Midway(Stuck, Way),
    /// corosync on the second of three nodes.
    Restart,
}

impl Work {
    /// A house in which everything before this work is done.
    pub async fn house(self) -> House {
        match self {
            Self::Create => House::new(Scenario::bare(1)).await,
            Self::Join => House::built(Scenario::bare(3), 1).await,
            Self::Qdevice => House::new(Scenario::healthy(2)).await,
            Self::QdeviceOdd => House::new(Scenario::healthy(3)).await,
            Self::QdevicePackages => {
                let house = House::new(Scenario::healthy(2)).await;
                for (node, package) in [(QNETD, "corosync-qnetd"), ("pve2", "corosync-qdevice")] {
                    house.inject(Fault::RemovePackage { node: node.into(), package: package.into(), on: true });
                }
                house
            }
            Self::QdeviceLeftovers => {
                let house = House::new(Scenario::healthy(2)).await;
                for node in ["pve1", "pve2"] {
                    assert!(house.lab.put_file(node, OLD_CERTIFICATES, b"of another host"));
                }
                house
            }
            Self::RemoveQdevice | Self::StartQdevice => {
                let house = House::new(Scenario::healthy(2)).await;
                house.done(&house.qdevice_intent().await).await;
                if matches!(self, Self::StartQdevice) {
                    let ran = house.lab.run("pve2", "systemctl stop corosync-qdevice", b"").await.expect("an answer");
                    assert_eq!(ran.exit, 0);
                    house.lab.settle().await;
                }
                house
            }
            Self::Expected => {
                let house = House::new(Scenario::healthy(3)).await;
                for node in ["pve2", "pve3"] {
                    house.inject(Fault::Kill { node: node.into() });
                }
                house.lab.settle().await;
                house
            }
            Self::PowerOff | Self::PowerOn | Self::PowerCycle => {
                let house = House::new(Scenario::healthy(3)).await;
                house.bind_bmc("pve3").await;
                if matches!(self, Self::PowerOn) {
                    house.inject(Fault::Kill { node: "pve3".into() });
                }
                house.lab.settle().await;
                house
            }
            Self::Midway(stuck, _) => stuck.house().await,
            Self::Restart => House::new(Scenario::healthy(3)).await,
        }
    }

    pub async fn intent(self, house: &House) -> Intent {
        match self {
            Self::Create => house.create_intent().await,
            Self::Join => house.join_intent(&["pve2", "pve3"]).await,
            Self::Qdevice | Self::QdevicePackages | Self::QdeviceLeftovers => house.qdevice_intent().await,
            Self::StartQdevice => Intent::StartQdevice,
            Self::QdeviceOdd => house.odd_qdevice_intent().await,
            Self::RemoveQdevice => Intent::RemoveQdevice,
            Self::Expected => house.expected_intent().await,
            Self::PowerOff => house.power_intent("pve3", PowerWish::Off).await,
            Self::PowerOn => house.power_intent("pve3", PowerWish::On).await,
            Self::PowerCycle => house.power_intent("pve3", PowerWish::Cycle).await,
            Self::Midway(stuck, way) => stuck.intent(house, way).await,
            Self::Restart => Intent::RestartCorosync { node: house.id("pve2").await },
        }
    }

    pub async fn plan(self, house: &House) -> Plan {
        house.engine().plan(house.cluster, &self.intent(house).await).await.expect("a plan").plan
    }

    /// What changes the cluster.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Create => "pvecm create",
            Self::Join | Self::Midway(..) => "pvecm add",
            Self::Qdevice | Self::QdeviceOdd | Self::QdevicePackages | Self::QdeviceLeftovers => "pvecm qdevice setup",
            Self::StartQdevice => "systemctl enable corosync-qdevice",
            Self::RemoveQdevice => "pvecm qdevice remove",
            Self::Expected => "pvecm expected",
            Self::PowerOff | Self::PowerCycle => "power off",
            Self::PowerOn => "power on",
            Self::Restart => "systemctl restart corosync",
        }
    }

    /// Whether one of its steps keeps a copy of the cluster's database, however often it begins.
    const fn keeps_database(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Qdevice
                | Self::QdeviceOdd
                | Self::QdevicePackages
                | Self::QdeviceLeftovers
                | Self::RemoveQdevice
        )
    }

    /// What is there afterwards, whatever happened in between.
    pub fn check(self, house: &House) {
        let truth = &house.lab.inspect();
        if let Self::Midway(stuck, way) = self {
            return stuck.check(house, truth, way);
        }
        look::nothing_ran_twice(truth);
        let copies = house.lab.files_with("pve1", b"/var/lib/pve-cluster/backup/console-");
        assert!(!self.keeps_database() || !copies.is_empty(), "of the database before the step");
        match self {
            Self::Create => {
                look::one_cluster(truth, &["pve1"]);
                assert_eq!(truth.ran("pvecm create"), 1);
            }
            Self::Join => {
                look::one_cluster(truth, &["pve1", "pve2", "pve3"]);
                assert_eq!((truth.ran("pvecm add"), truth.ran("pvecm addnode")), (2, 2));
            }
            Self::StartQdevice => {
                look::one_cluster(truth, &["pve1", "pve2"]);
                // A machine that lost its power starts it by itself.
                assert!(truth.partitions.iter().all(|one| one.total_votes == 3), "{:?}", truth.partitions);
            }
            Self::Qdevice | Self::QdevicePackages | Self::QdeviceLeftovers => {
                if matches!(self, Self::QdeviceLeftovers) {
                    for node in ["pve1", "pve2"] {
                        let kept = house.lab.files_with(node, b"of another host");
                        assert!(
                            matches!(kept.as_slice(), [one] if one.contains("/nssdb.quorate-")),
                            "{node}: {kept:?}"
                        );
                    }
                }
                let installed = [QNETD, "pve2"].map(|name| truth.nodes[name].ran("apt-get install"));
                assert!(installed.iter().all(|count| *count <= 1), "installed once");
                look::one_cluster(truth, &["pve1", "pve2"]);
                assert_eq!(truth.ran("pvecm qdevice setup"), 1);
                assert!(truth.partitions.iter().all(|one| one.total_votes == 3), "{:?}", truth.partitions);
            }
            Self::QdeviceOdd => {
                look::one_cluster(truth, &["pve1", "pve2", "pve3"]);
                assert_eq!(truth.ran("pvecm qdevice setup"), 1);
                let votes: Vec<_> = truth.partitions.iter().map(|one| (one.total_votes, one.expected_votes)).collect();
                assert_eq!(votes, [(5, 5)], "the device holds as many votes as all nodes but one");
            }
            Self::RemoveQdevice => {
                look::one_cluster(truth, &["pve1", "pve2"]);
                assert_eq!(truth.ran("pvecm qdevice remove"), 1);
                assert!(truth.partitions.iter().all(|one| one.expected_votes == 2), "{:?}", truth.partitions);
            }
            Self::Expected => {
                let alone = truth.partitions.iter().find(|one| one.nodes.contains("pve1")).expect("a partition");
                assert_eq!((alone.quorate, alone.expected_votes, alone.total_votes), (true, 1, 1));
                assert_eq!(truth.ran("pvecm expected"), 1);
            }
            Self::PowerOff | Self::PowerOn | Self::PowerCycle => {
                let (off, on) = (u64::from(!matches!(self, Self::PowerOn)), u64::from(!matches!(self, Self::PowerOff)));
                let ran = (truth.ran("power off"), truth.ran("power on"));
                assert_eq!((truth.nodes["pve3"].powered, ran), (on == 1, (off, on)));
            }
            Self::Midway(..) => {}
            Self::Restart => {
                look::one_cluster(truth, &["pve1", "pve2", "pve3"]);
                // A machine that lost its power has another run of it anyway.
                assert!(truth.nodes["pve2"].ran("systemctl restart corosync") <= 1, "{:?}", truth.nodes["pve2"].ran);
            }
        }
    }
}

impl House {
    pub async fn create_intent(&self) -> Intent {
        Intent::CreateCluster {
            name: CLUSTER.parse().expect("a name"),
            first: self.id("pve1").await,
            links: self.links().await,
        }
    }

    pub async fn join_intent(&self, joiners: &[&str]) -> Intent {
        let mut ids = Vec::new();
        for name in joiners {
            ids.push(self.id(name).await);
        }
        Intent::JoinNodes { joiners: ids, member: self.id("pve1").await, links: self.links().await }
    }

    pub async fn qdevice_intent(&self) -> Intent {
        let info = self.lab.nodes().into_iter().find(|info| info.is_qnetd).expect("a qnetd host");
        let address: IpAddr = *info.addresses.first().expect("an address");
        Intent::SetUpQdevice { host: self.id(QNETD).await, address, against_advice: false }
    }

    /// The same against the advice.
    pub async fn odd_qdevice_intent(&self) -> Intent {
        match self.qdevice_intent().await {
            Intent::SetUpQdevice { host, address, .. } => Intent::SetUpQdevice { host, address, against_advice: true },
            other => other,
        }
    }
}
