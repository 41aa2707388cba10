//! `pvecm`: loads Perl (a quarter of a second of CPU), so it acts and proves, it never watches.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::quorumtool;
use model::facts::{QuorumMember, QuorumStatus};
use model::name::{ClusterName, NodeName};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The highest number of a corosync link: `pvecm` takes `--link0` to `--link7`.
pub const LINK_MAX: u8 = 7;
/// The time limit of a question, in seconds.
const ASK_LIMIT_S: u32 = 20;
/// `pvecm create` restarts corosync and pve-cluster: 4 s on a quiet node.
const CREATE_LIMIT_S: u32 = 120;
/// `pvecm add` waits for quorum without end, so it needs a limit: 12 s on a quiet node.
const ADD_LIMIT_S: u32 = 180;
/// `pvecm qdevice setup` runs several SSH commands on every node: 8 s with two quiet nodes.
const QDEVICE_LIMIT_S: u32 = 180;

/// `pvecm updatecerts` gives up by itself after 80 s without quorum.
const UPDATECERTS_LIMIT_S: u32 = 90;
/// `pvecm delnode` kills the node and writes one file.
const DELNODE_LIMIT_S: u32 = 30;
/// `pvecm expected` only talks to the corosync of its own node.
const EXPECTED_LIMIT_S: u32 = 10;

/// One `--linkN ADDRESS[,priority=N]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOption {
    number: u8,
    address: IpAddr,
    priority: Option<u8>,
}

impl LinkOption {
    /// `None` for a link number above [`LINK_MAX`].
    #[must_use]
    pub fn new(number: u8, address: IpAddr, priority: Option<u8>) -> Option<Self> {
        (number <= LINK_MAX).then_some(Self { number, address, priority })
    }

    fn words(self) -> [String; 2] {
        let priority = self.priority.map(|value| format!(",priority={value}")).unwrap_or_default();
        [format!("--link{}", self.number), format!("{}{priority}", self.address)]
    }
}

/// `pvecm create NAME --link0 ...`: makes the first node a cluster of one.
#[must_use]
pub fn create(name: &ClusterName, links: &[LinkOption]) -> CommandLine {
    CommandLine::changes("pvecm")
        .arg("create")
        .arg(name.as_str())
        .args(links.iter().flat_map(|link| link.words()))
        .limit_s(CREATE_LIMIT_S)
}

/// `pvecm add MEMBER --use_ssh --link0 ...`, run on the node that joins; `--nodeid` is never passed (it can write a duplicate).
#[must_use]
pub fn add(member: IpAddr, links: &[LinkOption]) -> CommandLine {
    CommandLine::changes("pvecm")
        .arg("add")
        .arg(member.to_string())
        .arg("--use_ssh")
        .args(links.iter().flat_map(|link| link.words()))
        .limit_s(ADD_LIMIT_S)
}

/// [`add`] once more on a node that is listed already; `force` turns `pvecm`'s refusals into warnings.
///
/// Whoever forces looks for guests and for the key of another cluster right before.
#[must_use]
pub fn add_again(member: IpAddr, links: &[LinkOption], force: bool) -> CommandLine {
    let command = add(member, links);
    if force { command.args(["--force", "1"]) } else { command }
}

/// `pvecm delnode NAME`: takes a node out of corosync.conf, after it has told corosync to drop it.
///
/// For a node that is not there it prints `Could not kill node (error = CS_ERR_NOT_EXIST)` and succeeds.
#[must_use]
pub fn delnode(node: &NodeName) -> CommandLine {
    CommandLine::changes("pvecm").arg("delnode").arg(node.as_str()).limit_s(DELNODE_LIMIT_S)
}

/// `pvecm updatecerts`: the node's certificate, its entry in the known hosts, and root's key in the cluster's file.
#[must_use]
pub fn updatecerts() -> CommandLine {
    CommandLine::changes("pvecm").arg("updatecerts").limit_s(UPDATECERTS_LIMIT_S)
}

/// `pvecm qdevice setup ADDRESS [--force]`: the qnetd host must be given as an address. For an odd number of nodes `pvecm` wants
/// force (`PVE/CLI/pvecm.pm`, "Clusters with an odd node count are not officially supported!").
#[must_use]
pub fn qdevice_setup(qnetd: IpAddr, force: bool) -> CommandLine {
    let line = CommandLine::changes("pvecm").args(["qdevice", "setup"]).arg(qnetd.to_string());
    if force { line.arg("--force") } else { line }.limit_s(QDEVICE_LIMIT_S)
}

/// `pvecm qdevice remove`: takes the device out of corosync.conf, then its daemon and certificates off every node.
#[must_use]
pub fn qdevice_remove() -> CommandLine {
    CommandLine::changes("pvecm").args(["qdevice", "remove"]).limit_s(QDEVICE_LIMIT_S)
}

/// `pvecm expected VOTES`: in corosync's memory only, for all members of this node's partition.
///
/// It ends with exit code 0 also where corosync refuses the number; the proof is what quorumtool says then.
#[must_use]
pub fn expected(votes: u32) -> CommandLine {
    CommandLine::changes("pvecm").arg("expected").arg(votes.to_string()).limit_s(EXPECTED_LIMIT_S)
}

/// `pvecm status`.
#[must_use]
pub fn status() -> CommandLine {
    CommandLine::reads("pvecm").arg("status").limit_s(ASK_LIMIT_S)
}

/// `pvecm nodes`: the members of this node's partition, not the configured nodes.
#[must_use]
pub fn nodes() -> CommandLine {
    CommandLine::reads("pvecm").arg("nodes").limit_s(ASK_LIMIT_S)
}

/// `pvecm apiver`: joiner and member must agree on it.
#[must_use]
pub fn apiver() -> CommandLine {
    CommandLine::reads("pvecm").arg("apiver").limit_s(ASK_LIMIT_S)
}

/// What `pvecm status` prints before corosync's own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInfo {
    pub name: String,
    pub config_version: u64,
    pub transport: String,
    pub secure_auth: bool,
}

/// The answer of `pvecm status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    pub info: ClusterInfo,
    /// Absent where corosync does not run on this node.
    pub quorum: Option<QuorumStatus>,
}

/// Reads `pvecm status`; exit 2 with an answer is *not quorate*.
///
/// # Errors
/// [`crate::Reason::NotInCluster`] and every answer without the cluster's block.
pub fn cluster_status(answer: Answer<'_>) -> Result<ClusterStatus, ParseError> {
    const WHAT: &str = "pvecm status";
    let text = answer.printed(WHAT, &[0, 1, 2])?;
    let info = cluster_info(&text).ok_or_else(|| answer.failure(WHAT))?;
    let quorum = if text.contains("Quorum information") { Some(quorumtool::read_status(&text)?) } else { None };
    if quorum.is_none() && answer.failure(WHAT).reason != crate::Reason::CorosyncDown {
        return Err(ParseError::missing(WHAT, "Quorum information"));
    }
    Ok(ClusterStatus { info, quorum })
}

fn cluster_info(text: &str) -> Option<ClusterInfo> {
    let mut fields = BTreeMap::new();
    let block = text.lines().skip_while(|line| line.trim() != "Cluster information").skip(2);
    for line in block.take_while(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once(':')?;
        fields.insert(key.trim(), value.trim());
    }
    Some(ClusterInfo {
        name: clean_text(fields.get("Name")?),
        config_version: fields.get("Config Version")?.parse().ok()?,
        transport: clean_text(fields.get("Transport").unwrap_or(&"")),
        secure_auth: fields.get("Secure auth").is_some_and(|value| *value == "on"),
    })
}

/// Reads `pvecm nodes`.
///
/// # Errors
/// [`crate::Reason::NotInCluster`], corosync down, or a table that cannot be read.
pub fn members(answer: Answer<'_>) -> Result<Vec<QuorumMember>, ParseError> {
    quorumtool::members(answer)
}

/// Reads `pvecm apiver`.
///
/// # Errors
/// Anything but one number.
pub fn api_version(answer: Answer<'_>) -> Result<u32, ParseError> {
    const WHAT: &str = "pvecm apiver";
    let text = answer.printed(WHAT, &[0])?;
    text.trim().parse().map_err(|_| ParseError::malformed(WHAT, "the number", &text))
}
