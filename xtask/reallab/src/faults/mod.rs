//! Faults, really injected. Each can be brought about, taken back, and proven: the proof asks the system itself.

mod book;
mod conf;
mod files;
mod links;
mod machine;
mod services;

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::layout::{Host, Kind as HostKind, Lab};
use crate::nodes;

pub use book::{ended_by_power_on, in_force, note, strike};

/// How long a fault may take until it is proven, or proven to be over: totem's time-outs, and some air.
const PROOF_LIMIT: Duration = Duration::from_secs(60);
const PROOF_PAUSE: Duration = Duration::from_millis(200);

/// What can be broken. The names are those of the vocabulary that both labs share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Power off, hard.
    Kill,
    /// Every process of the node is held still; its network answers pings.
    Freeze,
    /// Power off and on again; over at once.
    PowerCycle,
    /// A link's cable is pulled at the switch.
    CutLink,
    /// The node hears nothing on a link; the others hear it.
    CutOneWayIn,
    /// The others hear nothing of the node on a link; it hears them.
    CutOneWay,
    /// A link carries packets up to this many --mtu only.
    Mtu,
    /// A --percent of what arrives on a link is lost.
    Loss,
    /// `systemctl stop ssh`.
    StopSshd,
    /// `systemctl stop corosync`.
    StopCorosync,
    /// `systemctl stop pve-cluster`.
    StopPmxcfs,
    /// corosync-qnetd gets SIGKILL on the qnetd host.
    StopQnetd,
    /// Another authkey, and a restart of corosync.
    ChangeAuthkey,
    /// A higher config_version in the node's own corosync.conf, and a restart of corosync.
    RaiseConfigVersion,
    /// The node's clock runs --millis ahead or behind, for what starts from now on.
    SkewClock,
    /// The node's disk is full.
    FillDisk,
    /// The own name leads to 127.0.1.1.
    BreakHosts,
    /// Other SSH host keys.
    ChangeHostKey,
    /// All links cut, and `pvecm expected 1` on the node alone: two quorate halves.
    SplitBrain,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: Kind,
    pub node: String,
    /// Number of the link; all of them when it is missing, for the faults of links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<i64>,
}

/// What the system says of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub took: bool,
    pub words: String,
}

impl Fault {
    pub fn new(kind: Kind, host: &Host) -> Self {
        Self { kind, node: host.name.clone(), link: None, mtu: None, percent: None, millis: None }
    }

    #[must_use]
    pub fn on_link(mut self, link: usize) -> Self {
        self.link = Some(link);
        self
    }

    /// The same switch, whatever its strength.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.node, self.link) == (other.kind, &other.node, other.link)
    }

    /// In one line, as a person would type it.
    pub fn words(&self) -> String {
        let mut text = format!("{} {}", self.kind.name(), self.node);
        let options = [
            ("link", self.link.map(|link| link.to_string())),
            ("mtu", self.mtu.map(|mtu| mtu.to_string())),
            ("percent", self.percent.map(|percent| percent.to_string())),
            ("millis", self.millis.map(|millis| millis.to_string())),
        ];
        for (name, value) in options {
            text.push_str(&value.map(|value| format!(" --{name} {value}")).unwrap_or_default());
        }
        text
    }
}

impl Kind {
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What the fault is about, in one sentence.
    pub fn about(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// The host kinds that can have it.
    fn suits(self, host: &Host) -> bool {
        match self {
            Self::StopQnetd => host.kind == HostKind::Qnetd,
            Self::StopCorosync
            | Self::StopPmxcfs
            | Self::ChangeAuthkey
            | Self::RaiseConfigVersion
            | Self::SplitBrain => host.kind == HostKind::Pve,
            _ => true,
        }
    }
}

/// Brings a fault about and waits until it is proven; the proof's words.
pub fn inject(lab: &Lab, fault: &Fault) -> anyhow::Result<String> {
    let host = lab.host(&fault.node)?;
    ensure!(fault.kind.suits(host), "{} is nothing for {}", fault.kind.name(), host.name);
    ensure!(
        fault.kind == Kind::Kill || is_of_the_cable(fault.kind) || nodes::is_running(host)?,
        "{} is off",
        host.name
    );
    ensure!(!in_force()?.iter().any(|one| one.is_same(fault)), "{} is in force already", fault.words());
    if fault.kind == Kind::PowerCycle {
        return machine::cycle(host);
    }
    // Noted first: what is half injected is taken back like the whole.
    note(fault)?;
    act(lab, host, fault, true)?;
    wait(lab, host, fault, true)
}

/// Takes a fault back and waits until it is proven to be over; the proof's words.
pub fn revert(lab: &Lab, fault: &Fault) -> anyhow::Result<String> {
    let host = lab.host(&fault.node)?;
    let Some(known) = in_force()?.into_iter().find(|one| one.is_same(fault)) else {
        bail!("{} is not in force (lab fault list)", fault.words());
    };
    act(lab, host, &known, false)?;
    let words = wait(lab, host, &known, false)?;
    strike(&known)?;
    Ok(words)
}

/// Cables can be pulled from a node that is off.
fn is_of_the_cable(kind: Kind) -> bool {
    matches!(kind, Kind::CutLink | Kind::CutOneWayIn | Kind::CutOneWay | Kind::Mtu | Kind::Loss)
}

fn wait(lab: &Lab, host: &Host, fault: &Fault, on: bool) -> anyhow::Result<String> {
    let end = Instant::now() + PROOF_LIMIT;
    loop {
        // A question without an answer proves neither: sshd may be starting just now.
        let words = match prove(lab, host, fault) {
            Ok(proof) if proof.took == on => return Ok(proof.words),
            Ok(proof) => proof.words,
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() > end {
            let what = if on { "did not take" } else { "is not over" };
            bail!("{} {what} within {} s: {words}", fault.words(), PROOF_LIMIT.as_secs());
        }
        std::thread::sleep(PROOF_PAUSE);
    }
}

fn act(lab: &Lab, host: &Host, fault: &Fault, on: bool) -> anyhow::Result<()> {
    match fault.kind {
        Kind::Kill => machine::kill(host, on),
        Kind::Freeze => nodes::freeze(host, on),
        Kind::PowerCycle => Ok(()),
        Kind::CutLink | Kind::CutOneWayIn | Kind::CutOneWay | Kind::Mtu | Kind::Loss => links::act(host, fault, on),
        Kind::StopSshd | Kind::StopCorosync | Kind::StopPmxcfs | Kind::StopQnetd => services::act(host, fault.kind, on),
        Kind::ChangeAuthkey => conf::authkey(host, on),
        Kind::RaiseConfigVersion => conf::version(host, on),
        Kind::SkewClock => machine::clock(host, fault, on),
        Kind::FillDisk => files::disk(host, on),
        Kind::BreakHosts => files::hosts(host, on),
        Kind::ChangeHostKey => files::host_key(lab, host, on),
        Kind::SplitBrain => conf::split(host, on),
    }
}

/// Asks the system whether the fault is there.
pub fn prove(lab: &Lab, host: &Host, fault: &Fault) -> anyhow::Result<Proof> {
    match fault.kind {
        Kind::Kill => machine::prove_killed(host),
        Kind::Freeze => machine::prove_frozen(host),
        Kind::PowerCycle => Ok(Proof { took: false, words: "a power cycle is over at once".to_owned() }),
        Kind::CutLink | Kind::CutOneWayIn | Kind::CutOneWay | Kind::Mtu | Kind::Loss => links::prove(lab, host, fault),
        Kind::StopSshd | Kind::StopCorosync | Kind::StopPmxcfs | Kind::StopQnetd => services::prove(host, fault.kind),
        Kind::ChangeAuthkey => conf::prove_authkey(host),
        Kind::RaiseConfigVersion => conf::prove_version(host),
        Kind::SkewClock => machine::prove_clock(host),
        Kind::FillDisk => files::prove_disk(host),
        Kind::BreakHosts => files::prove_hosts(host),
        Kind::ChangeHostKey => files::prove_host_key(host),
        Kind::SplitBrain => conf::prove_split(lab, host),
    }
}

/// Runs a command inside the host, whatever its network does; its code and all its words.
fn asked(host: &Host, command: &str) -> anyhow::Result<(bool, String)> {
    let output = crate::access::inside(host, command)?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text.trim().to_owned()))
}

/// A command inside the host that must succeed.
fn told(host: &Host, command: &str) -> anyhow::Result<String> {
    let (well, text) = asked(host, command)?;
    ensure!(well, "{command} on {}: {text}", host.name);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Wish;

    #[test]
    fn a_fault_has_the_words_that_a_person_types() {
        let lab = Lab::plan(&Wish::bare(1)).unwrap();
        let fault = Fault { percent: Some(30), ..Fault::new(Kind::Loss, &lab.hosts[0]).on_link(1) };
        assert_eq!(fault.words(), "loss pve1 --link 1 --percent 30");
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(text, "{\"kind\":\"loss\",\"node\":\"pve1\",\"link\":1,\"percent\":30}");
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
        assert!(fault.is_same(&Fault { percent: Some(5), ..fault.clone() }));
        assert!(!fault.is_same(&fault.clone().on_link(0)));
    }

    #[test]
    fn every_fault_says_what_it_is() {
        for kind in Kind::value_variants() {
            assert!(!kind.about().is_empty() && !kind.name().is_empty(), "{kind:?}");
        }
    }
}
