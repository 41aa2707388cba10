//! A machine's power as something outside of it tells: its BMC, or the host that it is a guest of.
//!
//! A power that was read as off is a proof of death only where the BMC is bound to its machine: by the UUID of the
//! system, which both tell (safety.md, *fence on / off / status*). Without that an address that was mistyped, or moved
//! to another machine, would declare a machine dead that runs.

mod uuid;
mod way;

#[cfg(test)]
mod tests;

pub use uuid::{SystemUuid, UuidFault};
pub use way::{
    BmcKind, BmcWay, CIPHER_MAX, CIPHER_USUAL, DOMAIN_MAX_CHARS, IPMI_PASSWORD_MAX_BYTES, IPMI_PORT,
    IPMI_USER_MAX_CHARS, VMID_MAX, VMID_MIN, WayFault, check_ipmi_password,
};

use crate::clock::is_within;
use crate::ids::NodeId;
use crate::observation::{AgeLimits, Evidence};
use crate::problem::{Problem, ProblemCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a power that was read is shown as that of now, in seconds: nobody watches it.
pub const AGE_POWER: AgeLimits = AgeLimits { stale_s: 60, unknown_s: READING_FRESH_MIN * 60 };
/// A reading that is older than this proves nothing and refuses nothing, in minutes: as long as an approval is good.
pub const READING_FRESH_MIN: i64 = 15;

/// Whether a machine has power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    On,
    Off,
}

impl Power {
    pub const WORDS: &'static [&'static str] = &["on", "off"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// What a person wants of a machine's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerWish {
    Off,
    On,
    /// Off, and on again.
    Cycle,
}

/// Whether a BMC was shown to belong to its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "binding")]
pub enum Binding {
    /// Nobody has compared yet.
    Never,
    /// BMC and machine told the same UUID.
    Bound { uuid: SystemUuid, at: Timestamp, by: String },
    /// They told different ones.
    Differs { bmc: SystemUuid, node: SystemUuid, at: Timestamp },
    /// The machine's own firmware tells one that another machine's tells too: its name, and that of its cluster.
    Shared { uuid: SystemUuid, other: String, cluster: String, at: Timestamp },
}

impl Binding {
    /// The UUID that the machine's own firmware told when it was compared.
    #[must_use]
    pub const fn of_node(&self) -> Option<&SystemUuid> {
        match self {
            Self::Bound { uuid, .. } | Self::Differs { node: uuid, .. } | Self::Shared { uuid, .. } => Some(uuid),
            Self::Never => None,
        }
    }
}

/// What was read the last time that somebody asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerReading {
    /// `None` where it did not say.
    pub power: Option<Power>,
    /// It said so twice in a row.
    pub twice: bool,
    /// Why it did not say.
    pub problem: Option<Problem>,
    /// The UUID that it told at the same time.
    pub uuid: Option<SystemUuid>,
    pub at: Timestamp,
    /// What was asked and answered, in order.
    pub evidence: Vec<Evidence>,
}

/// How `fence_ipmilan` begins the line that says it; the other ways print nothing else.
const STATE_OF_AGENT: &str = "Status:";

impl PowerReading {
    /// The last answer about the power: command, and the line that says it. What agents tell of their work comes behind it.
    #[must_use]
    pub fn quoted(&self) -> Option<(String, String)> {
        let last = self.evidence.last()?;
        let mut lines = last.lines.iter().map(|line| line.text.trim()).filter(|line| !line.is_empty());
        let first = lines.clone().next().unwrap_or_default();
        Some((last.command.clone(), lines.find(|line| line.starts_with(STATE_OF_AGENT)).unwrap_or(first).to_owned()))
    }

    /// Whether it is young enough to say anything of now, as far as the clock can tell.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        is_within(self.at, now, SignedDuration::from_mins(READING_FRESH_MIN))
    }
}

/// How the power of one machine is reached. Its password is not in here, and no page ever gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bmc {
    pub node: NodeId,
    pub way: BmcWay,
    pub binding: Binding,
    pub set_at: Timestamp,
    pub set_by: String,
    pub last: Option<PowerReading>,
}

/// A power that was read as off, as a plan quotes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffProof {
    /// The BMC, as people know it.
    pub bmc: String,
    pub uuid: SystemUuid,
    pub command: String,
    pub at: Timestamp,
    /// What it printed.
    pub answer: String,
}

impl Bmc {
    /// The UUID that it is bound to.
    ///
    /// # Errors
    /// `BmcNotBound`, `BmcDiffers` or `BmcUuidShared`.
    pub fn bound(&self, node: &str) -> Result<&SystemUuid, Problem> {
        match &self.binding {
            // Bound before it was known that many machines have it, it is as good as not bound.
            Binding::Bound { uuid, .. } if !uuid.is_placeholder() => Ok(uuid),
            Binding::Bound { .. } | Binding::Never => Err(Problem::new(ProblemCode::BmcNotBound).with("node", node)),
            Binding::Differs { bmc, node: own, .. } => Err(differs(node, bmc, own)),
            Binding::Shared { uuid, other, cluster, .. } => Err(uuid_shared(node, uuid, other, cluster)),
        }
    }

    /// What a reading says about this machine, and not about another one.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn power_of(&self, node: &str, reading: &PowerReading) -> Result<Power, Problem> {
        let bound = self.bound(node)?;
        match (&reading.problem, &reading.uuid) {
            (Some(problem), _) => return Err(problem.clone()),
            (None, Some(told)) if told.is_same_machine(bound) => {}
            (None, Some(told)) => return Err(differs(node, told, bound)),
            (None, None) => return Err(Problem::new(ProblemCode::BmcUnclear).with("node", node)),
        }
        match reading.power {
            // One answer of off may be a moment of a machine that restarts.
            Some(Power::Off) if !reading.twice => Err(Problem::new(ProblemCode::BmcUnclear).with("node", node)),
            Some(power) => Ok(power),
            None => Err(Problem::new(ProblemCode::BmcUnclear).with("node", node)),
        }
    }

    /// The proof that the machine is off, from the last reading.
    ///
    /// # Errors
    /// Why there is none: never asked, too old, on, not bound, or no clear answer.
    pub fn off_proof(&self, node: &str, now: Timestamp) -> Result<OffProof, Problem> {
        let uuid = self.bound(node)?.clone();
        let reading = self.last.as_ref().filter(|reading| reading.is_fresh(now));
        let reading = reading.ok_or_else(|| Problem::new(ProblemCode::BmcNotAsked).with("node", node))?;
        if self.power_of(node, reading)? == Power::On {
            return Err(self.says_on(node));
        }
        let (command, answer) =
            reading.quoted().ok_or_else(|| Problem::new(ProblemCode::BmcUnclear).with("node", node))?;
        Ok(OffProof { bmc: self.way.to_string(), uuid, command, at: reading.at, answer })
    }

    /// A bound BMC that says that its machine has power.
    #[must_use]
    pub fn says_on(&self, node: &str) -> Problem {
        Problem::new(ProblemCode::BmcSaysOn).with("node", node).with("bmc", &self.way)
    }
}

/// Two machines whose firmware tells one UUID: the BMC of one would prove the death of the other.
#[must_use]
pub fn uuid_shared(node: &str, uuid: &SystemUuid, other: &str, cluster: &str) -> Problem {
    let problem = Problem::new(ProblemCode::BmcUuidShared).with("node", node).with("uuid", uuid);
    problem.with("other", other).with("cluster", cluster)
}

fn differs(node: &str, bmc: &SystemUuid, own: &SystemUuid) -> Problem {
    Problem::new(ProblemCode::BmcDiffers).with("node", node).with("bmc", bmc).with("own", own)
}
