//! `quorate demo`: the real console with simulated nodes behind real SSH. The only wiring of the simulator.

mod agent;

use crate::cli::DemoArgs;
use crate::config::{Checkpoints, Config, Notify, prepare_data};
use crate::lock;
use crate::serve::{self, House};
use crate::state::DemoPanel;
use anyhow::Context as _;
use app::api::DemoSwitch;
use async_trait::async_trait;
use engine::audit::Person;
use engine::ports::{ClusterStore, OperationStore, PinStore, UserStore};
use lab::{FaultInfo, Lab, Options, Scenario};
use model::audit::{AuditCode, Outcome};
use model::host_key::Pin;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::operation::OperationState;
use model::role::Role;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The ready accounts; the demo listens on loopback only.
const ACCOUNTS: [(&str, Role); 3] =
    [("operator", Role::Operator), ("approver", Role::Approver), ("admin", Role::Admin)];
const PASSWORD: &str = "demo-password";
/// Where the console's key is on the nodes of the prepared cluster.
const CONSOLE_KEY_FILE: &str = "/root/.ssh/authorized_keys2";

/// The sets of nodes by their names; they know nothing of each other.
struct Panel {
    sets: Vec<(&'static str, Lab)>,
    speed: f64,
}

#[async_trait]
impl DemoPanel for Panel {
    fn speed(&self) -> f64 {
        self.speed
    }

    fn switches(&self) -> Vec<DemoSwitch> {
        let switch = |set: &str, fault: FaultInfo| DemoSwitch {
            id: fault.id,
            kind: fault.kind.to_owned(),
            node: fault.node.unwrap_or_default(),
            set: set.to_owned(),
            active: fault.active,
        };
        self.sets.iter().flat_map(|(set, lab)| lab.faults().into_iter().map(|fault| switch(set, fault))).collect()
    }

    async fn switch(&self, id: &str, on: bool) -> Option<()> {
        let found = |lab: &Lab| lab.faults().into_iter().find(|fault| fault.id == id);
        let (lab, fault) = self.sets.iter().find_map(|(_, lab)| Some((lab, found(lab)?)))?;
        if fault.active != on {
            lab.inject(fault.switch).ok()?;
        }
        Some(())
    }
}

/// Runs the demo until it is stopped.
///
/// # Errors
/// When an address is taken, or the data folder cannot be used.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let data = args.data.clone().unwrap_or_else(temporary);
    let config = Config {
        listen: args.listen,
        data,
        tls: None,
        proxy: None,
        demo: true,
        checkpoints: Checkpoints::default(),
        // Nothing of a demo leaves it: who is on call would be woken by nodes that do not exist.
        notify: Notify::default(),
    }
    .check()?;
    prepare_data(&config.data)?;
    let _lock = lock::take(&config.data)?;
    store::clear_leftovers(&config.data.join(serve::DATABASE))?;
    let house = serve::open(&config.data).await?;
    accounts(&house).await?;
    let forgotten = start_anew(&house).await?;
    let bare = nodes(Scenario::bare(args.nodes), &args).await?;
    let mut sets = vec![("bare", bare)];
    if !args.bare_only {
        sets.push(("sick", sick_cluster(&house, &args).await?));
    }
    let labs = sets.iter().map(|(_, lab)| lab.clone()).collect();
    let agent = agent::SimulatedBmcs { inner: Arc::clone(&house.agent), labs, clock: Arc::clone(&house.engine.clock) };
    let house = House { engine: house.engine.clone().with_agent(Arc::new(agent)), ..house };
    let panel: Arc<dyn DemoPanel> = Arc::new(Panel { sets: sets.clone(), speed: args.speed });
    serve::serve(config, house, Some(panel), |address| introduce(address, &sets, &forgotten, args.speed)).await?;
    for (_, lab) in sets {
        lab.shutdown().await;
    }
    Ok(())
}

async fn nodes(scenario: Scenario, args: &DemoArgs) -> anyhow::Result<Lab> {
    let lab = Lab::new(scenario, Options { seed: 1, speed: args.speed, port: args.ssh_port })?;
    lab.listen().await.context("starting the simulated nodes; is another demo running? Try --ssh-port")?;
    Ok(lab)
}

/// The simulated nodes of an earlier run are gone with it, and so are their clusters: the console must not go on to
/// show them. Their operations and the whole audit stay.
async fn start_anew(house: &House) -> anyhow::Result<Vec<String>> {
    let (store, audit) = (&house.store, &house.engine.audit);
    let now = house.engine.clock.now();
    let mut names = Vec::new();
    for cluster in store.clusters().await? {
        for operation in store.operations(Some(cluster.id), u32::MAX).await? {
            if operation.state.holds_cluster() {
                let mut entry =
                    audit.about(AuditCode::OperationAbandoned, &Person::system(), Outcome::Success, &cluster);
                entry.operation = Some(operation.id);
                store.set_state(operation.id, &operation.state, &OperationState::Abandoned, Some(entry), now).await?;
            }
        }
        let entry = audit.about(AuditCode::ClusterForgotten, &Person::system(), Outcome::Success, &cluster);
        store.forget_cluster(cluster.id, entry).await?;
        names.push(cluster.name.to_string());
    }
    Ok(names)
}

/// A cluster that the console knows already, in which something is wrong. It is made known while it is well, as it would
/// have been; then its faults come.
async fn sick_cluster(house: &House, args: &DemoArgs) -> anyhow::Result<Lab> {
    let mut scenario = Scenario::sick();
    let faults = std::mem::take(&mut scenario.faults);
    let name = scenario.cluster.clone().unwrap_or_default();
    let lab = nodes(scenario, args).await?;
    let engine = &house.engine;
    let cluster = Cluster {
        id: ClusterId::from_uuid(engine.ids.next()),
        name: name.parse().map_err(|error| anyhow::anyhow!("{name}: {error}"))?,
        phase: ClusterPhase::Live,
        protected: false,
        created_at: engine.clock.now(),
        created_by: Person::system().name,
    };
    let entry = |code| engine.audit.about(code, &Person::system(), Outcome::Success, &cluster);
    house.store.add_cluster(&cluster, entry(AuditCode::ClusterAdded)).await?;
    let key = engine.dialer.console_key().map_err(|problem| anyhow::anyhow!("the console's key: {problem}"))?;
    for (position, info) in (0u32..).zip(lab.nodes()) {
        let Some(ssh) = info.ssh else { continue };
        lab.put_file(&info.name, CONSOLE_KEY_FILE, format!("{}\n", key.trim()).as_bytes());
        let node = Node {
            id: NodeId::from_uuid(engine.ids.next()),
            cluster: cluster.id,
            purpose: if info.is_qnetd { Purpose::Qnetd } else { Purpose::Member },
            address: SshAddress { host: ssh.ip().to_string(), port: ssh.port(), user: "root".to_owned() },
            via: None,
            name: None,
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position,
        };
        let node = house.store.add_node(&node, entry(AuditCode::NodeAdded)).await?;
        let key =
            engine.dialer.offered_key(&node.address, None).await.context("reading a simulated node's host key")?;
        let pin = Pin { key, pinned_at: engine.clock.now(), pinned_by: Person::system().name };
        house.store.pin(node.id, &pin, entry(AuditCode::HostKeyPinned)).await?;
        let node = house.store.node(node.id).await?;
        engine.try_log_in(&node).await.map_err(|problem| anyhow::anyhow!("{}: {problem}", node.label()))?;
        if let Some(address) = lab.bmc_address(&info.name) {
            agent::enter(engine, node.id, address).await.map_err(|problem| anyhow::anyhow!("its BMC: {problem}"))?;
        }
    }
    for fault in faults {
        lab.inject(fault)?;
    }
    Ok(lab)
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("quorate-demo-{}", std::process::id()))
}

async fn accounts(house: &House) -> anyhow::Result<()> {
    for (name, role) in ACCOUNTS {
        if house.store.user_by_name(name).await.is_err() {
            house.accounts.create(name, role, Zeroizing::new(PASSWORD.to_owned())).await?;
        }
    }
    Ok(())
}

/// What a person needs to begin, on standard output.
fn introduce(address: SocketAddr, sets: &[(&'static str, Lab)], forgotten: &[String], speed: f64) {
    println!("\nQuorate demo: http://{address}/\n");
    if !forgotten.is_empty() {
        println!(
            "  The simulated nodes start anew with each run; these clusters of the last one are gone with its nodes,"
        );
        println!("  and the console has forgotten them (the audit has not): {}\n", forgotten.join(", "));
    }
    for (name, role) in ACCOUNTS {
        println!("  sign in as {name} (role {}), password {PASSWORD}", role.as_str());
    }
    for (set, lab) in sets {
        match *set {
            "sick" => println!("\nThe cluster “sick”, known to the console already, with something wrong in it:"),
            _ => println!(
                "\nBare simulated nodes, each behind a real SSH server; their time runs {speed} times as fast:"
            ),
        }
        for node in lab.nodes() {
            let Some(ssh) = node.ssh else { continue };
            let what = if node.is_qnetd { "qnetd host" } else { "Proxmox VE" };
            println!(
                "  {:<10} {what:<11} root@{ssh}  password {}  {}",
                node.hostname, node.root_password, node.host_key_fingerprint
            );
            if let Some(address) = lab.bmc_address(&node.name) {
                println!("  {:<10} its BMC     {}@{address}  password {}", "", lab::BMC_USER, lab::BMC_PASSWORD);
            }
        }
    }
    println!("\nStop with Ctrl-C.");
}
