//! One simulated host: its disk, its network cards, its keys, its services.

pub(crate) mod files;
pub(crate) mod firewall;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod net;
pub(crate) mod release;
pub(crate) mod time;
pub(crate) mod units;

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::corosync::Corosync;
use crate::cluster::pmxcfs::Pmxcfs;
use crate::cluster::qdevice::Qdevice;
use crate::faults::{JoinPoint, QdevicePoint, UnitStart};
use files::Files;
use journal::Journal;
use keys::HostKeys;
use net::Nic;
use release::Release;
use time::Timekeeping;
use units::Unit;

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pve,
    /// A plain Debian host outside the cluster that runs `corosync-qnetd`.
    Qnetd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
    /// Answers nothing, and remembers everything.
    Frozen,
}

/// Switches that change how a node behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeFaults {
    /// Every program prints bytes that mean nothing.
    pub(crate) garbage: bool,
    /// Every program hangs until something stops it.
    pub(crate) hang: bool,
    /// A firewall drops all UDP.
    pub(crate) block_udp: bool,
    /// `/etc/hosts` before its own name was pointed at 127.0.1.1.
    pub(crate) good_hosts: Option<Vec<u8>>,
    /// sshd was stopped: nobody new gets in.
    pub(crate) no_sshd: bool,
    /// `/etc/corosync/authkey` before it was replaced.
    pub(crate) good_authkey: Option<Vec<u8>>,
    /// `/etc/corosync/corosync.conf` before its version was raised.
    pub(crate) good_config: Option<Vec<u8>>,
    /// Packages of the release that are not installed.
    pub(crate) absent: BTreeSet<String>,
    /// The package sources do not answer.
    pub(crate) no_repository: bool,
    /// Another package manager holds dpkg's lock.
    pub(crate) packages_locked: bool,
    /// The next `pvecm add` is killed there.
    pub(crate) join_dies: Option<JoinPoint>,
    /// The next `pvecm qdevice setup` is killed there.
    pub(crate) qdevice_dies: Option<QdevicePoint>,
    /// The next `systemd-run` is cut off like this.
    pub(crate) unit_start: Option<UnitStart>,
}

/// A person's account beside root that may use sudo without a password.
#[derive(Debug, Clone)]
pub(crate) struct SudoUser {
    pub(crate) name: String,
    pub(crate) password: String,
}

pub(crate) struct Node {
    /// The lab's own name for it; never seen inside the simulation.
    pub(crate) name: String,
    /// What the host calls itself. Two hosts may call themselves the same.
    pub(crate) hostname: String,
    pub(crate) kind: Kind,
    pub(crate) release: Release,
    pub(crate) power: Power,
    /// The power supply is on; a host that boots has power and is not on yet.
    pub(crate) powered: bool,
    /// Counts starts; what ran before the last one is dead.
    pub(crate) boots: u64,
    pub(crate) nics: Vec<Nic>,
    pub(crate) files: Files,
    pub(crate) keys: HostKeys,
    pub(crate) root_password: String,
    pub(crate) sudo_user: Option<SudoUser>,
    pub(crate) clock_offset_ms: i64,
    pub(crate) time: Timekeeping,
    pub(crate) units: BTreeMap<String, Unit>,
    pub(crate) pmxcfs: Pmxcfs,
    pub(crate) corosync: Corosync,
    pub(crate) qdevice: Qdevice,
    pub(crate) qnetd_running: bool,
    pub(crate) journal: Journal,
    pub(crate) faults: NodeFaults,
    /// How often each state-changing command really started here.
    pub(crate) ran: BTreeMap<String, u64>,
}

impl Node {
    pub(crate) fn alive(&self) -> bool {
        self.power == Power::On
    }

    /// The number of packages' daemons that answer over the network.
    pub(crate) fn is_pve(&self) -> bool {
        self.kind == Kind::Pve
    }

    /// Installs or removes a package; Debian starts a service with its package.
    pub(crate) fn set_package(&mut self, name: &str, installed: bool) {
        if installed {
            self.faults.absent.remove(name);
        } else {
            self.faults.absent.insert(name.to_owned());
        }
        if name == "corosync-qnetd" && self.kind == Kind::Qnetd {
            self.qnetd_running = installed && self.power != Power::Off;
        }
    }

    /// The own name leads to loopback.
    pub(crate) fn is_on_loopback(&self) -> bool {
        let hosts = self.files.read("/etc/hosts").unwrap_or_default();
        net::lookup(&hosts, &self.hostname).iter().any(|(address, _)| address.is_loopback())
    }

    /// Writes the host keys' public and private files that `ssh-keygen -A` makes.
    pub(crate) fn write_host_keys(&mut self) {
        for (kind, line) in self.keys.public_lines() {
            let path = format!("/etc/ssh/ssh_host_{kind}_key");
            self.files.put(&path, "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", 0o600);
            self.files.put(&format!("{path}.pub"), format!("{line}\n"), 0o644);
        }
    }

    /// As on a machine whose sshd never got an RSA key.
    pub(crate) fn forget_rsa_key(&mut self) {
        for path in [keys::HOST_RSA_KEY.to_owned(), format!("{}.pub", keys::HOST_RSA_KEY)] {
            let _ = self.files.remove(&path);
        }
    }

    /// Counts a state-changing command, e.g. `pvecm create`.
    pub(crate) fn count(&mut self, command: &str) {
        *self.ran.entry(command.to_owned()).or_default() += 1;
    }
}
