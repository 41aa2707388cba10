//! The changes of a cluster, each with a house before it and what has to be there afterwards.

use crate::house::House;
use crate::look;
use lab::{Fault, Inspection, Scenario};
use model::plan::{Intent, Plan};

#[derive(Debug, Clone, Copy)]
pub enum Work {
    Create,
    /// Two nodes, one after the other.
    Join,
    Qdevice,
    RemoveQdevice,
    /// Two of three nodes have lost their power; the third goes on alone.
    Expected,
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
            Self::RemoveQdevice => {
                let house = House::new(Scenario::healthy(2)).await;
                house.done(&house.qdevice_intent().await).await;
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
            Self::Restart => House::new(Scenario::healthy(3)).await,
        }
    }

    pub async fn intent(self, house: &House) -> Intent {
        match self {
            Self::Create => house.create_intent().await,
            Self::Join => house.join_intent(&["pve2", "pve3"]).await,
            Self::Qdevice => house.qdevice_intent().await,
            Self::RemoveQdevice => Intent::RemoveQdevice,
            Self::Expected => house.expected_intent().await,
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
            Self::Join => "pvecm add",
            Self::Qdevice => "pvecm qdevice setup",
            Self::RemoveQdevice => "pvecm qdevice remove",
            Self::Expected => "pvecm expected",
            Self::Restart => "systemctl restart corosync",
        }
    }

    /// What is there afterwards, whatever happened in between.
    pub fn check(self, truth: &Inspection) {
        look::nothing_ran_twice(truth);
        match self {
            Self::Create => {
                look::one_cluster(truth, &["pve1"]);
                assert_eq!(truth.ran("pvecm create"), 1);
            }
            Self::Join => {
                look::one_cluster(truth, &["pve1", "pve2", "pve3"]);
                assert_eq!((truth.ran("pvecm add"), truth.ran("pvecm addnode")), (2, 2));
            }
            Self::Qdevice => {
                look::one_cluster(truth, &["pve1", "pve2"]);
                assert_eq!(truth.ran("pvecm qdevice setup"), 1);
                assert!(truth.partitions.iter().all(|one| one.total_votes == 3), "{:?}", truth.partitions);
            }
            Self::RemoveQdevice => {
                look::one_cluster(truth, &["pve1", "pve2"]);
                assert_eq!(truth.ran("pvecm qdevice remove"), 1);
                assert!(truth.partitions.iter().all(|one| one.expected_votes == 2), "{:?}", truth.partitions);
            }
            Self::Expected => {
                let alone = truth.partitions.iter().find(|one| one.nodes.contains("pve1")).expect("a partition");
                assert_eq!((alone.quorate, alone.expected_votes, alone.total_votes), (true, 1, 1));
            }
            Self::Restart => {
                look::one_cluster(truth, &["pve1", "pve2", "pve3"]);
                // A machine that lost its power has another run of it anyway.
                assert!(truth.nodes["pve2"].ran("systemctl restart corosync") <= 1, "{:?}", truth.nodes["pve2"].ran);
            }
        }
    }
}
