//! Quorum recovery with `pvecm expected`: what is known of the absent nodes, and when lowering the votes may be proposed.
//!
//! corosync refuses fewer votes than are present, and knows nothing of whether the others are alive: with one command it
//! makes two quorate halves. So each absent node has to be shown dead first (safety.md, *pvecm expected*).

pub mod counted;
mod gentler;
mod options;
#[cfg(test)]
mod tests;

pub use gentler::{Gentler, GentlerWay};
pub use options::QuorumOptions;

use crate::bmc::{Bmc, OffProof};
use crate::ids::NodeId;
use crate::observation::{AGE_MEMBERSHIP, AgeLimits, Evidence, Freshness};
use crate::problem::{Problem, ProblemCode};
use crate::quorum::lowered;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest account of how somebody knows that a node is dead, in characters.
pub const ATTESTATION_MAX_CHARS: usize = 500;
/// The shortest: a dot is no account.
pub const ATTESTATION_MIN_CHARS: usize = 10;

/// How long a look at a cluster without quorum is worth anything: what was silent a minute ago may have power by now.
pub const AGE_RECOVERY: AgeLimits = AGE_MEMBERSHIP;

/// How it is known that a machine does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "proof")]
pub enum DeathProof {
    /// A person says so, with their name, and how they know.
    Attested { by: String, how: String },
    /// A BMC that is bound to it says so, twice.
    ReadOff(OffProof),
}

/// A node that is to be written off for now, as the plan names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenOff {
    pub name: String,
    /// Everywhere that it was knocked at, and has to stay silent.
    pub addresses: Vec<String>,
    #[serde(flatten)]
    pub proof: DeathProof,
    /// Guests whose configuration lies on it: they could run twice.
    pub guests: Vec<u32>,
    /// HA services there that the CRM recovers once there is quorum.
    pub services: Vec<String>,
}

/// One absent node, as it was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    pub name: String,
    pub id: Option<NodeId>,
    pub votes: u32,
    /// Everywhere that it was knocked at.
    pub addresses: Vec<String>,
    /// Where something answered, and who heard it.
    pub answers: Vec<Sign>,
    /// Its own words about its cluster, where it could be asked.
    pub own_view: Option<Evidence>,
    /// Whose configuration lies on it; `None` where the first node cannot read that.
    pub guests: Option<Vec<u32>>,
    /// HA services that the CRM would start on this side; `None` where the first node cannot read that.
    pub services: Option<Vec<String>>,
    /// Who knocked and heard nothing: a node's name, or `console`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_to: Vec<String>,
    /// Who could not knock, or not everywhere: their silence says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<Unasked>,
    /// Its BMC, where it has one.
    #[serde(default)]
    pub bmc: Option<SeenBmc>,
}

/// A BMC, and what its last reading is worth at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenBmc {
    pub bmc: Bmc,
    pub proof: Option<OffProof>,
    /// Why that proves nothing, or refuses everything: `BmcSaysOn`.
    pub problem: Option<Problem>,
}

impl SeenBmc {
    #[must_use]
    pub fn of(bmc: Bmc, node: &str, now: Timestamp) -> Self {
        match bmc.off_proof(node, now) {
            Ok(proof) => Self { bmc, proof: Some(proof), problem: None },
            Err(problem) => Self { bmc, proof: None, problem: Some(problem) },
        }
    }

    fn says_on(&self) -> Option<&Problem> {
        self.problem.as_ref().filter(|problem| problem.code == ProblemCode::BmcSaysOn)
    }
}

impl Absent {
    /// What its BMC has proven.
    #[must_use]
    pub fn read_off(&self) -> Option<&OffProof> {
        self.bmc.as_ref()?.proof.as_ref()
    }

    /// Nobody heard anything, and nobody could have: also where there was no address to knock at.
    #[must_use]
    pub const fn was_not_asked(&self) -> bool {
        self.answers.is_empty() && self.silent_to.is_empty()
    }
}

/// A question that never reached the addresses of an absent node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unasked {
    /// A node's name, or `console`.
    pub by: String,
    pub problem: Problem,
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    pub address: String,
    /// A node's name, or `console`.
    pub heard_by: String,
}

/// A side that has quorum while another one is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSide {
    /// The node of it that told.
    pub node: String,
    pub members: Vec<String>,
    pub expected_votes: u32,
}

/// The state of a cluster without quorum, as the nodes tell it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// When the absent nodes were knocked at. By the console's clock, and before the first of them could have answered.
    pub at: Timestamp,
    /// When the first node was asked for what it says of its side.
    pub told_at: Timestamp,
    /// The node whose partition would go on alone.
    pub through: NodeId,
    pub through_name: String,
    pub quorate: bool,
    pub members: Vec<String>,
    pub present_votes: u32,
    pub expected_votes: u32,
    pub quorum: u32,
    /// Votes that a QDevice would add and does not.
    pub qdevice_missing: u32,
    #[serde(default)]
    pub options: QuorumOptions,
    pub absent: Vec<Absent>,
    /// What each node was asked and said.
    pub evidence: Vec<Evidence>,
    /// Answers of other nodes that do not say the same as the first one.
    pub contradicted_by: Vec<String>,
    /// Other sides that have quorum: lowering votes here would make a second one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quorate_elsewhere: Vec<OtherSide>,
    /// Why the first node does not read its `/etc/pve`: mostly `PmxcfsDown` or `PmxcfsHangs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Problem>,
    /// Why a node of this side does not say which configuration its corosync runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conf_unread: Option<Problem>,
    /// Where corosync runs with another list of nodes than the files have: `NodeRemoved`, `ConfNotRead`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conf_apart: Vec<Problem>,
    /// The watchdogs of this moment have not run out yet: `FenceWindow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fencing: Option<Problem>,
    /// HA starts nothing before it is armed again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ha_disarmed: bool,
}

fn has_quorum(side: &OtherSide) -> Problem {
    Problem::new(ProblemCode::QuorateElsewhere)
        .with("node", &side.node)
        .with("members", side.members.join(", "))
        .with("expected", side.expected_votes)
}

impl Recovery {
    /// Everything that stands against lowering the expected votes, the weightiest first; empty means that it may be proposed.
    #[must_use]
    pub fn obstacles(&self) -> Vec<Problem> {
        let mut found: Vec<Problem> = self.quorate_elsewhere.iter().map(has_quorum).collect();
        if self.quorate {
            found.push(Problem::new(ProblemCode::ExpectedNotNeeded).with("votes", self.present_votes));
        }
        for node in &self.contradicted_by {
            found.push(Problem::new(ProblemCode::ExpectedDisputed).with("node", node));
        }
        found.extend(self.conf_apart.iter().cloned());
        // What has quorum elsewhere has to stay: nobody is told to power it off.
        let goes_on = |node: &Absent| self.quorate_elsewhere.iter().any(|side| side.members.contains(&node.name));
        let away: Vec<&Absent> = self.absent.iter().filter(|node| !goes_on(node)).collect();
        for node in away.iter().filter(|node| !node.answers.is_empty()) {
            let address = node.answers.first().map(|sign| sign.address.as_str()).unwrap_or_default();
            found.push(Problem::new(ProblemCode::AbsentAnswers).with("node", &node.name).with("address", address));
        }
        found.extend(away.iter().filter_map(|node| node.bmc.as_ref()?.says_on().cloned()));
        // Whom its BMC has read as off nobody has to hear being silent.
        for node in away.iter().filter(|node| node.was_not_asked() && node.read_off().is_none()) {
            let quote = node.unasked.iter().find_map(|one| one.problem.quote.clone());
            let problem = Problem::new(ProblemCode::AbsentNotAsked).with("node", &node.name);
            found.push(match quote {
                Some(line) => problem.quoting(line),
                None => problem,
            });
        }
        found.extend(self.fencing.clone());
        found.extend(self.unread.clone());
        found.extend(self.conf_unread.clone());
        found.extend(self.kept_blocked());
        found
    }

    /// The command would be taken, and nothing would come of it.
    fn kept_blocked(&self) -> Option<Problem> {
        if self.quorate {
            return None;
        }
        self.options.kept_blocked(self.votes(), self.expected_after(), self.qdevice_missing)
    }

    /// What it says may be otherwise by now; a plan asks the nodes again.
    #[must_use]
    pub fn is_too_old(&self, now: Timestamp) -> bool {
        AGE_RECOVERY.judge(self.at, now) == Freshness::Unknown
    }

    /// The only number that may be proposed: the votes that are present, for nothing else is known to be alive. Fewer
    /// corosync refuses; more may bring quorum too, and would count on votes that nobody casts.
    #[must_use]
    pub const fn votes(&self) -> u32 {
        self.present_votes
    }

    /// What corosync will expect when so many were asked for: votes of a QDevice count, cast or not.
    #[must_use]
    pub const fn expected_after(&self) -> u32 {
        lowered(self.votes(), self.present_votes, self.qdevice_missing)
    }

    /// Writes every absent node off: with what its BMC has proven, else with what people attest, name and account, by whom.
    ///
    /// # Errors
    /// `AttestationMissing` for the first node without either, or with an account that says nothing; `PmxcfsDown` where nobody
    /// knows what lies on it.
    pub fn write_off(&self, accounts: &[(String, String)], by: &str) -> Result<Vec<WrittenOff>, Problem> {
        let write = |node: &Absent| {
            let account = accounts.iter().find(|(name, _)| *name == node.name).map(|(_, how)| how.trim());
            let how = account.filter(|how| {
                let length = how.chars().count();
                (ATTESTATION_MIN_CHARS..=ATTESTATION_MAX_CHARS).contains(&length)
            });
            let missing = || {
                Problem::new(ProblemCode::AttestationMissing)
                    .with("node", &node.name)
                    .with("min", ATTESTATION_MIN_CHARS)
                    .with("max", ATTESTATION_MAX_CHARS)
            };
            let proof = match node.read_off() {
                Some(proof) => DeathProof::ReadOff(proof.clone()),
                None => DeathProof::Attested { by: by.to_owned(), how: how.ok_or_else(missing)?.to_owned() },
            };
            let unread = || {
                let down = || Problem::new(ProblemCode::PmxcfsDown).with("node", &self.through_name);
                self.unread.clone().unwrap_or_else(down)
            };
            Ok(WrittenOff {
                name: node.name.clone(),
                addresses: node.addresses.clone(),
                proof,
                guests: node.guests.clone().ok_or_else(unread)?,
                services: node.services.clone().ok_or_else(unread)?,
            })
        };
        self.absent.iter().map(write).collect()
    }
}
