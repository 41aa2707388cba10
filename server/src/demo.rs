//! `quorate demo`: the real console with simulated nodes behind real SSH. The only wiring of the simulator.

use crate::cli::DemoArgs;
use crate::config::Config;
use crate::serve::{self, House};
use crate::state::DemoPanel;
use anyhow::Context as _;
use app::api::DemoSwitch;
use async_trait::async_trait;
use engine::ports::UserStore;
use lab::{Lab, Options, Scenario};
use model::role::Role;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The ready accounts; the demo listens on loopback only.
const ACCOUNTS: [(&str, Role); 2] = [("operator", Role::Operator), ("approver", Role::Approver)];
const PASSWORD: &str = "demo-password";

struct Panel(Lab);

#[async_trait]
impl DemoPanel for Panel {
    fn switches(&self) -> Vec<DemoSwitch> {
        self.0
            .faults()
            .into_iter()
            .map(|fault| DemoSwitch {
                id: fault.id,
                kind: fault.kind.to_owned(),
                node: fault.node.unwrap_or_default(),
                active: fault.active,
            })
            .collect()
    }

    async fn switch(&self, id: &str, on: bool) -> Option<()> {
        let fault = self.0.faults().into_iter().find(|fault| fault.id == id)?;
        if fault.active != on {
            self.0.inject(fault.switch).ok()?;
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
    let config = Config { listen: args.listen, data, tls: None, proxy: None, demo: true }.check()?;
    let lab = Lab::new(Scenario::bare(args.nodes), Options { seed: 1, speed: args.speed, port: args.ssh_port })?;
    lab.listen().await.context("starting the simulated nodes; is another demo running? Try --ssh-port")?;
    let house = serve::open(&config.data).await?;
    accounts(&house).await?;
    let shown = lab.clone();
    let panel: Arc<dyn DemoPanel> = Arc::new(Panel(lab.clone()));
    serve::serve(config, house, Some(panel), |address| introduce(address, &shown)).await?;
    lab.shutdown().await;
    Ok(())
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
fn introduce(address: SocketAddr, lab: &Lab) {
    println!("\nQuorate demo: http://{address}/\n");
    for (name, role) in ACCOUNTS {
        println!("  sign in as {name} (role {}), password {PASSWORD}", role.as_str());
    }
    println!("\nSimulated nodes, each behind a real SSH server:");
    for node in lab.nodes() {
        let Some(ssh) = node.ssh else { continue };
        let what = if node.is_qnetd { "qnetd host" } else { "Proxmox VE" };
        println!(
            "  {:<10} {what:<11} root@{ssh}  password {}  {}",
            node.hostname, node.root_password, node.host_key_fingerprint
        );
    }
    println!("\nStop with Ctrl-C.");
}
