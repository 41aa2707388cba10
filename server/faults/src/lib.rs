//! What can be done to a lab: the one list of words by which the simulated lab and the lab of real parts are broken.
//!
//! Scenario files, panels and tests use these words; each lab says by itself how it does what a word says, or that it cannot.

use serde::{Deserialize, Serialize};

/// Where a `pvecm add` is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinPoint {
    /// Nothing has changed in the cluster yet.
    BeforeAddnode,
    /// The member has the node in its configuration; the joiner has nothing.
    AfterAddnode,
    /// Key and configuration were read, nothing was written.
    AfterKeyCopied,
    /// Key and configuration are written beside the joiner's own database, and pmxcfs still runs on it.
    AfterFilesWritten,
    /// The joiner's own database is gone, key and configuration are there, nothing runs.
    AfterDatabaseMoved,
    /// Both daemons run, and nobody waits for them any more.
    WaitingForQuorum,
    /// Everything is done; only the last words are missing.
    BeforeSuccess,
}

/// Where a `pvecm qdevice setup` is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QdevicePoint {
    /// Every node has its certificates; the configuration has no device.
    AfterCertificates,
    /// The configuration has the device; no daemon runs.
    AfterConfiguration,
    /// The daemon runs on the first node only.
    AfterFirstDaemon,
}

/// How a `systemd-run` is cut off: its caller sees `timeout`'s exit code and no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitStart {
    /// systemd starts the unit all the same.
    Started,
    /// systemd never got the call.
    Lost,
    /// systemd starts the unit, and then nothing on the node answers any more.
    StartedThenHangs,
}

/// One switch. Nodes are named by the lab's own names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Power off, at once.
    Kill { node: String },
    /// Power on; SSH answers about 3 s later.
    Start { node: String },
    /// Answers nothing and forgets nothing.
    Freeze { node: String },
    /// Undoes [`Fault::Freeze`].
    Thaw { node: String },
    /// Pulls the cable of the card that carries the link. SSH from outside stays.
    CutLink { node: String, link: u8 },
    /// Puts it back.
    RestoreLink { node: String, link: u8 },
    /// Moves the node's clock, in milliseconds from the right time.
    SkewClock { node: String, millis: i64 },
    /// New SSH host keys, as after a reinstallation.
    ChangeHostKey { node: String },
    /// Programs print bytes that mean nothing.
    Garbage {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Programs hang until something stops them.
    HangCommands {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// `systemctl stop corosync`.
    StopCorosync { node: String },
    /// `systemctl start corosync`.
    StartCorosync { node: String },
    /// `systemctl stop pve-cluster`.
    StopPmxcfs { node: String },
    /// `systemctl start pve-cluster`.
    StartPmxcfs { node: String },
    /// The own name leads to 127.0.1.1.
    BreakHosts {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// A virtual machine appears.
    AddGuest { node: String, vmid: u32 },
    /// A firewall drops all UDP.
    BlockUdp {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// All qnetd hosts stop answering.
    StopQnetd,
    /// They answer again.
    StartQnetd,
    /// The next `pvecm add` there is killed at this point.
    JoinDiesAt { node: String, point: JoinPoint },
    /// The next `pvecm qdevice setup` there is killed at this point.
    QdeviceDiesAt { node: String, point: QdevicePoint },
    /// The next `systemd-run` there is cut off.
    UnitStartCutOff { node: String, how: UnitStart },
    /// A file moves, and a symbolic link to it takes its place.
    LinkFile { node: String, path: String, to: String },
    /// The key of an earlier cluster lies in `/etc/corosync`.
    LeaveAuthkey {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Proxmox VE's own firewall is on, and drops what no rule accepts.
    EnableFirewall {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// There is no RSA host key.
    LoseRsaKey {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// chrony is not installed; systemd-timesyncd runs instead.
    RemoveChrony {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Debian's package is not installed.
    RemovePackage {
        node: String,
        package: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// The machine's package sources do not answer.
    LoseRepository {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// Another package manager holds dpkg's lock.
    LockPackages {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// The node tells its times in this zone.
    TimeZone { node: String, zone: String },
    /// The host calls itself something else, as after a change of `/etc/hostname` and a restart.
    Rename { node: String, hostname: String },
    /// Drops all SSH connections, once.
    DropConnections { node: String },
    /// What the node sends on that link arrives nowhere; what the others send arrives.
    CutOneWay {
        node: String,
        link: u8,
        #[serde(default = "yes")]
        on: bool,
    },
    /// What the others send on that link does not arrive; what the node sends does.
    CutOneWayIn {
        node: String,
        link: u8,
        #[serde(default = "yes")]
        on: bool,
    },
    /// So many percent of the packets on that link are lost; 0 ends it.
    Loss { node: String, link: u8, percent: u8 },
    /// So many milliseconds more from the node over that link to another one and back; 0 ends it.
    Delay { node: String, link: u8, millis: u16 },
    /// The largest packet of that link, in bytes; 1500 is the usual one.
    Mtu { node: String, link: u8, mtu: u16 },
    /// `systemctl stop ssh`: nobody gets in any more, who is in stays.
    StopSshd { node: String },
    /// `systemctl start ssh`.
    StartSshd { node: String },
    /// Another key in `/etc/corosync/authkey`, and corosync started with it; off: the right one again.
    ChangeAuthkey {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// The corosync.conf on the node's own disk says a later version than the cluster's.
    RaiseConfigVersion {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// No space left on the node's disk.
    FillDisk {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
    /// `pvecm expected VOTES` in the node's partition: on an isolated one, with 1, a second quorate side.
    ExpectVotes { node: String, votes: u32 },
    /// Power off and on again.
    PowerCycle { node: String },
    /// All links cut, and `pvecm expected 1` on the node alone: two quorate halves.
    SplitBrain {
        node: String,
        #[serde(default = "yes")]
        on: bool,
    },
}

impl Fault {
    /// The node that it is about.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::StopQnetd | Self::StartQnetd => None,
            Self::Kill { node }
            | Self::Start { node }
            | Self::Freeze { node }
            | Self::Thaw { node }
            | Self::CutLink { node, .. }
            | Self::RestoreLink { node, .. }
            | Self::SkewClock { node, .. }
            | Self::ChangeHostKey { node }
            | Self::Garbage { node, .. }
            | Self::HangCommands { node, .. }
            | Self::StopCorosync { node }
            | Self::StartCorosync { node }
            | Self::StopPmxcfs { node }
            | Self::StartPmxcfs { node }
            | Self::BreakHosts { node, .. }
            | Self::AddGuest { node, .. }
            | Self::BlockUdp { node, .. }
            | Self::JoinDiesAt { node, .. }
            | Self::QdeviceDiesAt { node, .. }
            | Self::CutOneWay { node, .. }
            | Self::CutOneWayIn { node, .. }
            | Self::SplitBrain { node, .. }
            | Self::Loss { node, .. }
            | Self::Delay { node, .. }
            | Self::Mtu { node, .. }
            | Self::StopSshd { node }
            | Self::StartSshd { node }
            | Self::ChangeAuthkey { node, .. }
            | Self::RaiseConfigVersion { node, .. }
            | Self::FillDisk { node, .. }
            | Self::ExpectVotes { node, .. }
            | Self::PowerCycle { node }
            | Self::UnitStartCutOff { node, .. }
            | Self::LinkFile { node, .. }
            | Self::Rename { node, .. }
            | Self::LeaveAuthkey { node, .. }
            | Self::EnableFirewall { node, .. }
            | Self::LoseRsaKey { node, .. }
            | Self::RemoveChrony { node, .. }
            | Self::RemovePackage { node, .. }
            | Self::LoseRepository { node, .. }
            | Self::LockPackages { node, .. }
            | Self::TimeZone { node, .. }
            | Self::DropConnections { node } => Some(node),
        }
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_as_scenario_files_write_it() {
        let read = |text: &str| serde_json::from_str::<Fault>(text);
        let node = || "pve2".to_owned();
        let cut = read("{\"kind\":\"cut-link\",\"node\":\"pve2\",\"link\":1}").unwrap();
        assert_eq!(cut, Fault::CutLink { node: node(), link: 1 });
        let broken = read("{\"kind\":\"break-hosts\",\"node\":\"pve2\"}").unwrap();
        assert_eq!((&broken, broken.node()), (&Fault::BreakHosts { node: node(), on: true }, Some("pve2")));
        assert!(read("{\"kind\":\"earthquake\",\"node\":\"pve2\"}").is_err());
    }
}
