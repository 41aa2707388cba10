//! What the lab consists of: names, addresses, folders. Kept in a file, so that every command finds it again.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::tool;

/// Everything of the lab is below this folder, which is a tmpfs of its own.
pub const FOLDER: &str = "/run/quorate-lab";
/// All namespaces of the lab begin with this.
pub const PREFIX: &str = "ql-";
/// The namespace with the bridges.
pub const SWITCH: &str = "ql-sw";
/// The namespace of the product's server, tests and browser.
pub const CONSOLE: &str = "ql-console";
/// The console's address on the management network.
pub const CONSOLE_ADDRESS: &str = "10.0.1.1";
/// The console's address on the network of the BMCs.
pub const CONSOLE_BMC_ADDRESS: &str = "10.0.9.1";
/// A BMC's namespace and cgroup have its node's name after this.
pub const BMC_PREFIX: &str = "bmc-";
pub const SSH_PORT: u16 = 22;
/// Real corosync on one machine works well up to here.
pub const NODE_LIMIT: usize = 16;
/// Nodes that have nothing but OpenSSH.
pub const SSH_ONLY_LIMIT: usize = 32;
/// Networks that can be had: management with link 0, then one per further link.
pub const NETWORK_LIMIT: usize = 3;
/// Networks unless another number is asked for.
pub const NETWORKS: usize = 2;
/// The user that every BMC has.
pub const BMC_USER: &str = "ADMIN";
/// IPMI 2.0 takes passwords of up to 20 bytes.
const BMC_PASSWORD_LIMIT: usize = 20;
/// Last part of the first node's addresses.
const FIRST_NODE: usize = 11;
const QNETD_NAME: &str = "qnetd1";
const QNETD_PART: usize = 50;
/// Host names have at most this many characters (one DNS label).
const NAME_LIMIT: usize = 63;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Pve,
    /// A node that answers over SSH from files and runs nothing else.
    Ssh,
    Qnetd,
}

/// One host of the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    pub kind: Kind,
    /// Position in the lab, also the number of its ports on the bridges.
    pub number: usize,
    /// Its address on each network: the first is management and corosync's link 0. The qnetd host has that one only.
    pub links: Vec<String>,
    /// The system's UUID, which its firmware and its BMC tell alike.
    pub uuid: String,
    /// Address of its BMC.
    pub bmc: Option<String>,
}

/// The whole lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lab {
    pub hosts: Vec<Host>,
    pub root_password: String,
    pub bmc_password: String,
    pub networks: usize,
    /// The nodes boot as members of this cluster.
    pub cluster: Option<String>,
    /// Its links have priorities.
    #[serde(default)]
    pub priorities: bool,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub count: usize,
    /// pve1, pve2, ... when empty.
    pub names: Vec<String>,
    /// Root's password; a random one when missing.
    pub password: Option<String>,
    pub networks: usize,
    pub cluster: Option<String>,
    pub priorities: bool,
    pub ssh_only: bool,
}

impl Wish {
    /// `count` bare nodes on two networks.
    pub fn bare(count: usize) -> Self {
        Self {
            count,
            names: Vec::new(),
            password: None,
            networks: NETWORKS,
            cluster: None,
            priorities: true,
            ssh_only: false,
        }
    }
}

impl Lab {
    /// A lab of nodes and the qnetd host.
    pub fn plan(wish: &Wish) -> anyhow::Result<Self> {
        let Wish { count, names, networks, ssh_only, .. } = wish;
        let limit = if *ssh_only { SSH_ONLY_LIMIT } else { NODE_LIMIT };
        ensure!((1..=limit).contains(count), "a lab has 1 to {limit} nodes");
        ensure!((1..=NETWORK_LIMIT).contains(networks), "a lab has 1 to {NETWORK_LIMIT} networks");
        ensure!(
            names.is_empty() || names.len() == *count,
            "{count} nodes need {count} names, {} were given",
            names.len()
        );
        if let Some(name) = &wish.cluster {
            check_name(name)?;
        }
        let mut hosts = Vec::new();
        for number in 1..=*count {
            let name = names.get(number - 1).cloned().unwrap_or_else(|| format!("pve{number}"));
            check_name(&name)?;
            ensure!(
                hosts.iter().all(|host: &Host| host.name != name) && name != QNETD_NAME,
                "the name {name} is used twice"
            );
            let part =
                own_number(names).map_or(FIRST_NODE + number - 1, |numbers| FIRST_NODE + numbers[number - 1] - 1);
            let kind = if *ssh_only { Kind::Ssh } else { Kind::Pve };
            let bmc = (kind == Kind::Pve).then(|| format!("10.0.9.{part}"));
            hosts.push(host(name, kind, number, part, *networks, bmc)?);
        }
        if !ssh_only {
            hosts.push(host(QNETD_NAME.to_owned(), Kind::Qnetd, count + 1, QNETD_PART, 1, None)?);
        }
        let root_password = match wish.password.clone() {
            Some(password) => password,
            None => format!("lab-{}", tool::random_hex(6)?),
        };
        let bmc_password: String = format!("bmc-{}", tool::random_hex(6)?).chars().take(BMC_PASSWORD_LIMIT).collect();
        Ok(Self {
            hosts,
            root_password,
            bmc_password,
            networks: *networks,
            cluster: wish.cluster.clone(),
            priorities: wish.priorities,
        })
    }

    /// The lab that runs.
    pub fn load() -> anyhow::Result<Self> {
        let path = file("lab.json");
        let text = std::fs::read(&path).context("no lab is up (lab up COUNT starts one)")?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    pub fn save(&self) -> anyhow::Result<()> {
        let path = file("lab.json");
        std::fs::write(&path, serde_json::to_vec_pretty(self)?).with_context(|| path.display().to_string())
    }

    pub fn host(&self, name: &str) -> anyhow::Result<&Host> {
        let found = self.hosts.iter().find(|host| host.name == name);
        let Some(host) = found else {
            let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
            bail!("no host has the name {name}; there are {}", names.join(", "));
        };
        Ok(host)
    }

    /// The nodes, without the qnetd host.
    pub fn nodes(&self) -> Vec<&Host> {
        self.hosts.iter().filter(|host| host.kind != Kind::Qnetd).collect()
    }

    pub fn qnetd(&self) -> Option<&Host> {
        self.hosts.iter().find(|host| host.kind == Kind::Qnetd)
    }
}

impl Host {
    /// Where SSH listens: management network and corosync's link 0.
    pub fn address(&self) -> &str {
        self.links.first().map(String::as_str).unwrap_or_default()
    }

    pub fn namespace(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    pub fn bmc_namespace(&self) -> String {
        format!("{PREFIX}{BMC_PREFIX}{}", self.name)
    }

    pub fn folder(&self) -> PathBuf {
        file("hosts").join(&self.name)
    }

    /// A file that belongs to the host's disk, seen from outside.
    pub fn own(&self, path: &str) -> PathBuf {
        self.folder().join("own").join(path)
    }

    /// The switch's port for this host's link.
    pub fn port(&self, link: usize) -> String {
        format!("n{}-{link}", self.number)
    }
}

/// A file of the lab.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(name)
}

fn host(
    name: String,
    kind: Kind,
    number: usize,
    part: usize,
    networks: usize,
    bmc: Option<String>,
) -> anyhow::Result<Host> {
    let links = (1..=networks).map(|network| format!("10.0.{network}.{part}")).collect();
    Ok(Host { name, kind, number, links, uuid: tool::random_uuid()?, bmc })
}

/// Numbers at the end of all names, when they are good for addresses: `pve4` has .14, as in the recordings.
fn own_number(names: &[String]) -> Option<Vec<usize>> {
    let number = |name: &String| {
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<usize>().ok().filter(|number| (1..=SSH_ONLY_LIMIT).contains(number))
    };
    let numbers: Vec<usize> = names.iter().map(number).collect::<Option<_>>()?;
    let distinct: std::collections::BTreeSet<&usize> = numbers.iter().collect();
    (!numbers.is_empty() && distinct.len() == numbers.len()).then_some(numbers)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let well = !name.is_empty()
        && name.len() <= NAME_LIMIT
        && name.bytes().all(good)
        && !name.starts_with('-')
        && !name.ends_with('-');
    ensure!(well && name != "sw" && name != "console" && !name.starts_with(BMC_PREFIX), "{name} cannot be a name here");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_follow_the_count() {
        let lab = Lab::plan(&Wish::bare(3)).unwrap();
        let rows: Vec<_> = lab.hosts.iter().map(|host| (host.name.as_str(), host.address())).collect();
        assert_eq!(
            rows,
            [("pve1", "10.0.1.11"), ("pve2", "10.0.1.12"), ("pve3", "10.0.1.13"), ("qnetd1", "10.0.1.50")]
        );
        assert_eq!(lab.host("pve3").unwrap().links, ["10.0.1.13", "10.0.2.13"]);
        assert_eq!(lab.host("pve3").unwrap().bmc.as_deref(), Some("10.0.9.13"));
        assert_eq!(lab.qnetd().unwrap().bmc, None);
        assert!(lab.host("pve4").is_err());
    }

    #[test]
    fn a_name_with_a_number_has_the_address_of_that_number() {
        let named = |names: [&str; 2]| Lab::plan(&Wish { names: names.map(str::to_owned).to_vec(), ..Wish::bare(2) });
        let addresses =
            |names| named(names).unwrap().nodes().iter().map(|node| node.address().to_owned()).collect::<Vec<_>>();
        assert_eq!(addresses(["pve4", "pve5"]), ["10.0.1.14", "10.0.1.15"]);
        assert_eq!(addresses(["east", "west"]), ["10.0.1.11", "10.0.1.12"]);
        assert_eq!(addresses(["a7", "b7"]), ["10.0.1.11", "10.0.1.12"]);
    }

    #[test]
    fn networks_and_ssh_only_nodes_are_as_many_as_asked_for() {
        let three = Lab::plan(&Wish { networks: 3, ..Wish::bare(1) }).unwrap();
        assert_eq!(three.hosts[0].links, ["10.0.1.11", "10.0.2.11", "10.0.3.11"]);
        let many = Lab::plan(&Wish { ssh_only: true, ..Wish::bare(32) }).unwrap();
        assert_eq!((many.hosts.len(), many.hosts[31].address()), (32, "10.0.1.42"));
        assert!(many.hosts.iter().all(|host| host.kind == Kind::Ssh && host.bmc.is_none()));
    }

    #[test]
    fn wrong_labs_are_refused() {
        let refused = |wish: Wish| assert!(Lab::plan(&wish).is_err(), "{wish:?}");
        refused(Wish::bare(0));
        refused(Wish::bare(17));
        refused(Wish { networks: 4, ..Wish::bare(2) });
        refused(Wish { ssh_only: true, ..Wish::bare(33) });
        let named = |list: &[&str]| Wish {
            names: list.iter().map(|name| (*name).to_owned()).collect(),
            ..Wish::bare(list.len().max(1))
        };
        refused(Wish { count: 2, ..named(&["a"]) });
        refused(named(&["a", "a"]));
        refused(named(&["../x"]));
        refused(named(&["console"]));
        refused(named(&["bmc-a"]));
    }
}
