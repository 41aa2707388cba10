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
pub const SSH_PORT: u16 = 22;
/// Real corosync on one machine works well up to here.
pub const NODE_LIMIT: usize = 16;
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
    Qnetd,
}

/// One host of the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Host {
    pub name: String,
    pub kind: Kind,
    /// Position in the lab, also the number of its ports on the bridges.
    pub number: usize,
    /// Management network and corosync link 0.
    pub address: String,
    /// Corosync link 1; the qnetd host has none.
    pub link1: Option<String>,
}

/// The whole lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lab {
    pub hosts: Vec<Host>,
    pub root_password: String,
}

impl Lab {
    /// A lab of `count` nodes and the qnetd host.
    pub fn plan(count: usize, names: &[String], password: Option<String>) -> anyhow::Result<Self> {
        ensure!((1..=NODE_LIMIT).contains(&count), "a lab has 1 to {NODE_LIMIT} nodes");
        ensure!(
            names.is_empty() || names.len() == count,
            "{count} nodes need {count} names, {} were given",
            names.len()
        );
        let mut hosts = Vec::new();
        for number in 1..=count {
            let name = names.get(number - 1).cloned().unwrap_or_else(|| format!("pve{number}"));
            check_name(&name)?;
            ensure!(
                hosts.iter().all(|host: &Host| host.name != name) && name != QNETD_NAME,
                "the name {name} is used twice"
            );
            let part = FIRST_NODE + number - 1;
            hosts.push(Host {
                name,
                kind: Kind::Pve,
                number,
                address: format!("10.0.1.{part}"),
                link1: Some(format!("10.0.2.{part}")),
            });
        }
        hosts.push(Host {
            name: QNETD_NAME.to_owned(),
            kind: Kind::Qnetd,
            number: count + 1,
            address: format!("10.0.1.{QNETD_PART}"),
            link1: None,
        });
        let root_password = match password {
            Some(password) => password,
            None => format!("lab-{}", tool::random_hex(6)?),
        };
        Ok(Self { hosts, root_password })
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
}

impl Host {
    pub fn namespace(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    pub fn folder(&self) -> PathBuf {
        file("hosts").join(&self.name)
    }

    /// The switch's port for this host's link.
    pub fn port(&self, link: u8) -> String {
        format!("n{}-{link}", self.number)
    }
}

/// A file of the lab.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(name)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let well = !name.is_empty()
        && name.len() <= NAME_LIMIT
        && name.bytes().all(good)
        && !name.starts_with('-')
        && !name.ends_with('-');
    ensure!(well && name != "sw" && name != "console", "{name} cannot be a node's name here");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_follow_the_count() {
        let lab = Lab::plan(3, &[], None).unwrap();
        let rows: Vec<_> = lab.hosts.iter().map(|host| (host.name.as_str(), host.address.as_str())).collect();
        assert_eq!(
            rows,
            [("pve1", "10.0.1.11"), ("pve2", "10.0.1.12"), ("pve3", "10.0.1.13"), ("qnetd1", "10.0.1.50")]
        );
        assert_eq!(lab.host("pve3").unwrap().link1.as_deref(), Some("10.0.2.13"));
        assert!(lab.host("pve4").is_err());
    }

    #[test]
    fn wrong_labs_are_refused() {
        assert!(Lab::plan(0, &[], None).is_err());
        assert!(Lab::plan(17, &[], None).is_err());
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(Lab::plan(2, &names(&["a"]), None).is_err());
        assert!(Lab::plan(2, &names(&["a", "a"]), None).is_err());
        assert!(Lab::plan(1, &names(&["../x"]), None).is_err());
        assert!(Lab::plan(1, &names(&["console"]), None).is_err());
    }
}
