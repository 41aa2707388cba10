//! `qm` and `pct`: guests are their configuration in `/etc/pve` and, while they run, one process of the node.

use std::path::Path;

use anyhow::{Context, bail};

use crate::init::control::{self, Request};
use crate::init::units::Spec;
use crate::{paths, words};

/// Exit code where a guest has no configuration (ENOENT).
const NO_GUEST: u8 = 2;
const FAILED: u8 = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Machine,
    Container,
}

/// A guest of this node.
#[derive(Debug, PartialEq, Eq)]
struct Guest {
    id: u32,
    config: String,
    /// The process that it is, 0 when it is stopped.
    pid: i32,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Machine => "qemu-server",
            Self::Container => "lxc",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Machine => "VM",
            Self::Container => "CT",
        }
    }

    /// The key of the configuration that names the guest.
    fn name_key(self) -> &'static str {
        match self {
            Self::Machine => "name",
            Self::Container => "hostname",
        }
    }

    fn unit(self, id: u32) -> String {
        format!("lab-{}-{id}.service", self.folder())
    }
}

pub fn run(kind: Kind, args: &[String]) -> anyhow::Result<u8> {
    let Some((command, rest)) = args.split_first() else { bail!("ERROR: no command specified") };
    if command == "list" {
        print!("{}", list(kind, &all(kind)?));
        return Ok(0);
    }
    let Some(id) = rest.first().and_then(|word| word.parse::<u32>().ok()) else {
        bail!("400 not enough arguments");
    };
    let Some(guest) = find(kind, id)? else {
        let path = format!("nodes/{}/{}/{id}.conf", words::hostname()?, kind.folder());
        eprintln!("Configuration file '{path}' does not exist");
        return Ok(NO_GUEST);
    };
    match command.as_str() {
        "status" => println!("status: {}", guest.state()),
        "config" => print!("{}", sorted(&guest.config)),
        "start" if guest.pid > 0 => {
            eprintln!("{} {id} already running", kind.noun());
            return Ok(FAILED);
        }
        "start" => start(kind, &guest)?,
        "stop" => {
            if guest.pid > 0 {
                control::change(&Request::Stop(kind.unit(id)))?;
            }
        }
        other => bail!("ERROR: '{other}' is not there on a lab node"),
    }
    Ok(0)
}

fn start(kind: Kind, guest: &Guest) -> anyhow::Result<()> {
    let spec = Spec {
        command: vec![paths::STANDIN.to_owned(), "idle".to_owned()],
        description: format!("{} {}", kind.noun(), guest.id),
        transient: true,
        ..Spec::default()
    };
    control::change(&Request::Transient(kind.unit(guest.id), spec))
}

/// The guests whose configuration is on this node, by number.
fn all(kind: Kind) -> anyhow::Result<Vec<Guest>> {
    let folder = Path::new("/etc/pve/local").join(kind.folder());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(id) = name.strip_suffix(".conf").and_then(|id| id.parse().ok()) {
            found.extend(find(kind, id)?);
        }
    }
    found.sort_by_key(|guest| guest.id);
    Ok(found)
}

fn find(kind: Kind, id: u32) -> anyhow::Result<Option<Guest>> {
    let path = Path::new("/etc/pve/local").join(kind.folder()).join(format!("{id}.conf"));
    let Ok(config) = std::fs::read_to_string(path) else { return Ok(None) };
    let pid = control::show(&kind.unit(id)).context("state of the guest")?.pid;
    Ok(Some(Guest { id, config, pid }))
}

impl Guest {
    fn state(&self) -> &'static str {
        if self.pid > 0 { "running" } else { "stopped" }
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.config
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| *name == key))
            .map(|(_, value)| value)
    }
}

/// Without guests not even the head is printed.
fn list(kind: Kind, guests: &[Guest]) -> String {
    let name = |guest: &Guest| {
        let default = format!("{}{}", kind.noun(), guest.id);
        guest.value(kind.name_key()).map_or(default, str::to_owned)
    };
    let mut text = String::new();
    for (index, guest) in guests.iter().enumerate() {
        let state = guest.state();
        let memory = guest.value("memory").unwrap_or("512");
        match kind {
            Kind::Machine if index == 0 => {
                text.push_str("      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n");
            }
            Kind::Container if index == 0 => text.push_str("VMID       Status     Lock         Name                \n"),
            _ => {}
        }
        text.push_str(&match kind {
            Kind::Machine => {
                format!(
                    "{:>10} {:<20} {state:<10} {memory:<10} {:>12} {:<10}\n",
                    guest.id,
                    name(guest),
                    "0.00",
                    guest.pid
                )
            }
            Kind::Container => format!("{:<10} {state:<10} {:<12} {:<20}\n", guest.id, "", name(guest)),
        });
    }
    text
}

fn sorted(config: &str) -> String {
    let mut lines: Vec<&str> = config.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.sort_unstable();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_looks_as_it_was_recorded() {
        let guest = |id: u32| Guest { id, config: format!("name: vm{id}\nmemory: 64\n"), pid: 0 };
        // Recorded on Proxmox VE 9.2, 2026-11-22.
        let recorded = "      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n\
                        \x20      100 vm100                stopped    64                 0.00 0         \n\
                        \x20      101 vm101                stopped    64                 0.00 0         \n";
        assert_eq!(list(Kind::Machine, &[guest(100), guest(101)]), recorded);
        assert_eq!(list(Kind::Machine, &[]), "");
        assert_eq!(sorted("name: a\ncores: 2\n"), "cores: 2\nname: a\n");
    }
}
