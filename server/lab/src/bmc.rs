//! The power control of every simulated Proxmox VE host: what `fence_ipmilan` and `ipmitool` on the console's machine would
//! print against its BMC.
//!
//! The words are those of fence-agents 4.12.1 and ipmitool 1.8.19 against OpenIPMI's `ipmi_sim`; every value in them is the
//! state of the host.

use std::net::{IpAddr, Ipv4Addr};

use crate::lab::Lab;
use crate::run::Ran;
use crate::world::{Millis, World};

/// The account of every simulated BMC.
pub const BMC_USER: &str = "ADMIN";
/// Its password.
pub const BMC_PASSWORD: &str = "lab-bmc-secret";
/// Where the firmware's UUID lies on the host, and where its BMC knows it from.
pub(crate) const UUID_FILE: &str = "/sys/class/dmi/id/product_uuid";
/// One answer of a BMC (recorded 0.2 s).
const ANSWER_MS: Millis = 200;
/// From the change to the agent's next question (recorded 2.3 s for the whole).
const WAIT_MS: Millis = 2_000;
/// The agent's patience with a BMC that is not there.
const SILENCE_MS: Millis = 12_000;

impl World {
    /// Whether the host has power, booting or not.
    pub(crate) fn powered(&self, name: &str) -> bool {
        self.nodes.get(name).is_some_and(|node| node.powered)
    }
}

impl Lab {
    /// The address of the host's BMC: 127.78.INDEX.N, where nothing listens.
    #[must_use]
    pub fn bmc_address(&self, node: &str) -> Option<IpAddr> {
        let (number, spec) = (1_u8..).zip(&self.scenario.nodes).find(|(_, spec)| spec.name == node)?;
        let is_pve = self.shared.with(|world| world.nodes.get(&spec.name).is_some_and(crate::node::Node::is_pve));
        is_pve.then_some(IpAddr::V4(Ipv4Addr::new(127, 78, self.scenario.index, number)))
    }

    /// Whether a BMC of this lab has this address.
    #[must_use]
    pub fn has_bmc(&self, host: &str) -> bool {
        self.bmc_at(host).is_some()
    }

    fn bmc_at(&self, host: &str) -> Option<String> {
        let address: IpAddr = host.parse().ok()?;
        self.scenario.nodes.iter().map(|spec| &spec.name).find(|name| self.bmc_address(name) == Some(address)).cloned()
    }

    /// Runs `fence_ipmilan` or `ipmitool` with these arguments and this password in the environment, in the nodes' own time.
    pub async fn outside(&self, words: &[&str], password: &str) -> Ran {
        match words.split_first() {
            Some((&"fence_ipmilan", args)) => self.fence_ipmilan(args, password).await,
            Some((&"ipmitool", args)) => self.ipmitool(args, password).await,
            other => said("", &format!("{other:?}: command not found\n"), 127),
        }
    }

    async fn fence_ipmilan(&self, args: &[&str], password: &str) -> Ran {
        let option = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name)).unwrap_or_default();
        let (host, user, action) = (option("--ip="), option("--username="), option("--action="));
        let Some(node) = self.bmc_at(host) else {
            self.shared.sleep(SILENCE_MS).await;
            return said("", &log("INFO: Executing: ipmitool", "ERROR: Connection timed out"), 1);
        };
        self.shared.sleep(ANSWER_MS).await;
        if let Some(words) = refusal(user, password) {
            let end = "ERROR: Failed: Unable to obtain correct plug status or plug is not available";
            return said("", &log(&format!("DEBUG: 1  {words}"), end), 1);
        }
        let powered = self.shared.with(|world| world.powered(&node));
        match (action, powered) {
            ("status", true) => said("Status: ON\n", "", 0),
            ("status", false) => said("Status: OFF\n", "", 2),
            ("off", false) => said("Success: Already OFF\n", "", 0),
            ("on", true) => said("Success: Already ON\n", "", 0),
            ("off", true) => self.switched(&node, false, "Success: Powered OFF\n").await,
            ("on", false) => self.switched(&node, true, "Success: Powered ON\n").await,
            _ => said("", "ERROR: Unrecognised action\n", 1),
        }
    }

    async fn switched(&self, node: &str, on: bool, words: &str) -> Ran {
        self.shared.with(|world| {
            if world.powered(node) == on {
                return;
            }
            if on {
                world.start(node)
            } else {
                world.kill(node)
            }
            if let Some(node) = world.nodes.get_mut(node) {
                node.count(if on { "power on" } else { "power off" });
            }
        });
        self.shared.sleep(WAIT_MS).await;
        said(words, "", 0)
    }

    async fn ipmitool(&self, args: &[&str], password: &str) -> Ran {
        let option = |name: &str| {
            args.windows(2)
                .find(|pair| pair.first() == Some(&name))
                .and_then(|pair| pair.get(1))
                .copied()
                .unwrap_or_default()
        };
        self.shared.sleep(ANSWER_MS).await;
        let session = "Error: Unable to establish IPMI v2 / RMCP+ session\n";
        let Some(node) = self.bmc_at(option("-H")) else { return said("", session, 1) };
        if let Some(words) = refusal(option("-U"), password) {
            let told =
                if args.contains(&"-v") { format!("Loading IANA PEN Registry...\n{words}\n") } else { String::new() };
            return said("", &format!("{told}{session}"), 1);
        }
        let Some(uuid) = self.file(&node, UUID_FILE) else { return said("", "Get System GUID failed\n", 1) };
        let uuid = String::from_utf8_lossy(&uuid);
        said(
            &format!(
                "System GUID   : {}\nGUID Encoding : SMBIOS (WARNING: IPMI Specification violation!)\n\
                 GUID Version  : Random or pseudo-random\n",
                uuid.trim()
            ),
            "",
            0,
        )
    }
}

fn refusal(user: &str, password: &str) -> Option<&'static str> {
    if user != BMC_USER {
        return Some("RAKP 2 message indicates an error : unauthorized name");
    }
    (password != BMC_PASSWORD).then_some("> RAKP 2 HMAC is invalid")
}

fn log(first: &str, last: &str) -> String {
    format!("2026-11-28 20:02:23,301 {first}\n\n2026-11-28 20:02:23,367 {last}\n\n\n")
}

fn said(stdout: &str, stderr: &str, exit: i32) -> Ran {
    Ran { stdout: stdout.into(), stderr: stderr.into(), exit }
}
