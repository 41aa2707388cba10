//! Repairs of a living cluster through raw requests: what the pages wish for is what happens on the nodes.

use crate::import::Site;
use app::api::{KeyOffer, OperationView, Preview};
use lab::{ROOT_PASSWORD, Scenario};
use model::ids::{ClusterId, OperationId};
use model::operation::OperationState;
use model::topology::Health;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// No wait of these tests may be longer, in real time.
const PATIENCE: Duration = Duration::from_secs(90);

impl Site {
    /// Reads the plan of a wish, runs exactly that, and waits until it is done.
    async fn carry_out(&self, cluster: ClusterId, wish: Value) {
        let preview: Preview =
            self.operator.call("preview", json!({ "cluster": cluster, "wish": wish })).await.expect("a plan");
        assert_eq!(preview.obstacles, [], "{wish}");
        let consent = json!({ "reason": "test", "typed": preview.plan.target });
        let input = json!({ "cluster": cluster, "wish": wish, "digest": preview.digest, "consent": consent });
        let id: OperationId = self.operator.call("run", input).await.expect("it runs");
        let ended = async {
            loop {
                let view: OperationView =
                    self.operator.call("operation", json!({ "id": id })).await.expect("operation");
                if view.operation.state != OperationState::Running {
                    return view.operation.state;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(timeout(PATIENCE, ended).await.expect("it ends"), OperationState::Done, "{wish}");
    }

    /// What a command prints on a node, past the console.
    async fn on(&self, node: &str, line: &str) -> String {
        let ran = self.lab.run(node, line, b"").await.expect("an answer");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }
}

#[tokio::test]
async fn a_wish_to_restart_corosync_gives_one_node_another_run_of_it() {
    let site = Site::with(Scenario::healthy(3)).await;
    let cluster = site.imported().await;
    let run = "systemctl show -p ActiveState,InvocationID corosync";
    let before = [site.on("pve1", run).await, site.on("pve3", run).await];
    let node = site.named(cluster, "pve3").await.id;
    site.carry_out(cluster, json!({ "wish": "restart-corosync", "node": node })).await;
    let after = [site.on("pve1", run).await, site.on("pve3", run).await];
    assert_eq!(before[0], after[0]);
    assert!(after[1].contains("InvocationID=") && before[1] != after[1], "{before:?}, then {after:?}");
}

#[tokio::test]
async fn a_wish_to_remove_the_qdevice_leaves_the_votes_of_the_nodes() {
    let site = Site::with(Scenario::healthy(2)).await;
    let cluster = site.asked("pve1").await;
    site.import(cluster, &["pve2"]).await.expect("taken over");
    let second = site.named(cluster, "pve2").await.id;
    site.pin(cluster, second).await.expect("pinned");
    site.until(cluster, |view| view.view.snapshot.health == Health::Healthy).await;

    let info = site.lab.nodes().into_iter().find(|info| info.is_qnetd).expect("a host for it");
    let at = info.ssh.expect("it listens");
    let node = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root", "qnetd": true });
    let offer: KeyOffer =
        site.operator.call("add_node", json!({ "cluster": cluster, "node": node })).await.expect("added");
    site.pin(cluster, offer.node).await.expect("pinned");
    let key = json!({ "node": offer.node, "password": ROOT_PASSWORD });
    site.operator.call::<()>("install_key", key).await.expect("let in");
    let address = info.addresses.first().expect("an address");
    site.carry_out(cluster, json!({ "wish": "qdevice", "host": offer.node, "address": address })).await;
    let votes = |told: &str| told.lines().find(|line| line.starts_with("Expected votes:")).map(str::to_owned);
    let with = site.on("pve2", "corosync-quorumtool -s").await;
    assert!(votes(&with).is_some_and(|line| line.ends_with(" 3")), "{with}");

    site.carry_out(cluster, json!({ "wish": "remove-qdevice" })).await;
    for node in ["pve1", "pve2"] {
        let without = site.on(node, "corosync-quorumtool -s").await;
        assert!(votes(&without).is_some_and(|line| line.ends_with(" 2")), "{without}");
        let file = site.lab.file(node, "/etc/corosync/corosync.conf").expect("a file");
        assert!(!String::from_utf8_lossy(&file).contains("device {"), "on {node}");
    }
}
