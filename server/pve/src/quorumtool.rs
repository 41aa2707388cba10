//! `corosync-quorumtool`: what corosync itself says about votes and members.
//!
//! Exit codes: 0 quorate, 2 not quorate (only `-s`), 1 error (`tools/corosync-quorumtool.c`).

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use model::facts::{QdeviceFlags, QuorumMember, QuorumStatus};
use std::collections::{BTreeMap, BTreeSet};

mod stream;
pub use stream::BlockReader;

const WHAT: &str = "corosync-quorumtool";
/// The most members that are read: far above what corosync can carry.
const MEMBERS_MAX: usize = 1024;
/// The head of each answer and of each block of `-m`.
const BLOCK_HEAD: &str = "Quorum information";

/// `corosync-quorumtool -s`: decimal ids and names.
#[must_use]
pub fn status() -> CommandLine {
    CommandLine::reads("corosync-quorumtool").arg("-s")
}

/// `corosync-quorumtool -siH`: ids in hex, addresses instead of names.
#[must_use]
pub fn status_with_addresses() -> CommandLine {
    CommandLine::reads("corosync-quorumtool").arg("-siH")
}

/// `corosync-quorumtool -l`: the members alone.
#[must_use]
pub fn list() -> CommandLine {
    CommandLine::reads("corosync-quorumtool").arg("-l")
}

/// `corosync-quorumtool -m`: a block at once and one more for each new membership; read it with [`BlockReader`].
#[must_use]
pub fn follow() -> CommandLine {
    // Without a line buffer the blocks would wait for a full pipe.
    CommandLine::follow("stdbuf").args(["-oL", "corosync-quorumtool", "-m"])
}

/// `corosync-quorumtool -h`: what this version of it can do.
#[must_use]
pub fn help() -> CommandLine {
    CommandLine::reads("corosync-quorumtool").arg("-h")
}

/// The letters of the options in the answer to [`help`].
///
/// # Errors
/// A failure, or a text without options.
pub fn options(answer: Answer<'_>) -> Result<BTreeSet<char>, ParseError> {
    let text = answer.printed(WHAT, &[0, 1])?;
    let letters: BTreeSet<char> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('-')?.chars().next())
        .filter(char::is_ascii_alphabetic)
        .collect();
    if letters.contains(&'s') { Ok(letters) } else { Err(ParseError::missing(WHAT, "options")) }
}

/// Reads `-s` and `-siH`; exit 2 is an answer: *not quorate*.
///
/// # Errors
/// [`Reason::CorosyncDown`], an ended time limit (totem gathers), or a part that is missing.
pub fn quorum(answer: Answer<'_>) -> Result<QuorumStatus, ParseError> {
    let text = answer.printed(WHAT, &[0, 2])?;
    let status = read_status(&text)?;
    // The exit code says the same; where they differ, the output was cut or mixed.
    if status.quorate == (answer.exit == 0) {
        Ok(status)
    } else {
        Err(ParseError::malformed(WHAT, "the exit code beside `Quorate:`", &format!("exit {}", answer.exit)))
    }
}

/// Reads `-l` and `pvecm nodes`.
///
/// # Errors
/// [`Reason::CorosyncDown`], [`Reason::NotInCluster`], or no table.
pub fn members(answer: Answer<'_>) -> Result<Vec<QuorumMember>, ParseError> {
    let text = answer.printed(WHAT, &[0, 2])?;
    Ok(table(&text)?.members)
}

/// Reads the text of one answer or block.
pub(crate) fn read_status(text: &str) -> Result<QuorumStatus, ParseError> {
    let start = text.find(BLOCK_HEAD).ok_or_else(|| ParseError::at(WHAT, text, Reason::Missing(BLOCK_HEAD)))?;
    let text = text.get(start..).unwrap_or_default();
    let fields = fields(text);
    let get = |key: &'static str| fields.get(key).copied().ok_or_else(|| ParseError::missing(WHAT, key));
    let number = |key: &'static str| {
        let value = get(key)?;
        value.parse::<u32>().map_err(|_| ParseError::malformed(WHAT, key, value))
    };
    let quorate = match get("Quorate")? {
        "Yes" => true,
        "No" => false,
        other => return Err(ParseError::malformed(WHAT, "Quorate", other)),
    };
    let quorum = get("Quorum")?;
    let (quorum, blocked) = match quorum.split_once(char::is_whitespace) {
        Some((number, words)) => (number, words.trim() == "Activity blocked"),
        None => (quorum, false),
    };
    let node_id = get("Node ID")?;
    let table = table(text)?;
    Ok(QuorumStatus {
        nodes: number("Nodes")?,
        node_id: node_id_number(node_id).ok_or_else(|| ParseError::malformed(WHAT, "Node ID", node_id))?,
        ring_id: clean_text(get("Ring ID")?),
        quorate,
        expected_votes: number("Expected votes")?,
        highest_expected: number("Highest expected")?,
        total_votes: number("Total votes")?,
        quorum: quorum.parse().map_err(|_| ParseError::malformed(WHAT, "Quorum", quorum))?,
        blocked,
        flags: get("Flags")?.split_whitespace().map(clean_text).collect(),
        members: table.members,
        qdevice_votes: table.qdevice_votes,
    })
}

/// `Key:   value` lines before the table; the first of equal keys stays, the value may be empty.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    let mut out = BTreeMap::new();
    for line in text.lines().take_while(|line| !is_table_head(line)) {
        if let Some((key, value)) = line.split_once(':') {
            out.entry(key.trim()).or_insert_with(|| value.trim());
        }
    }
    out
}

struct Table {
    members: Vec<QuorumMember>,
    qdevice_votes: Option<u32>,
}

fn table(text: &str) -> Result<Table, ParseError> {
    let mut lines = text.lines().skip_while(|line| !is_table_head(line));
    let head = lines.next().ok_or_else(|| ParseError::at(WHAT, text, Reason::Missing("the table of members")))?;
    let has_qdevice = head.contains("Qdevice");
    let mut out = Table { members: Vec::new(), qdevice_votes: None };
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        let row = row(line, has_qdevice).ok_or_else(|| ParseError::malformed(WHAT, "a member's row", line))?;
        if row.id == 0 {
            out.qdevice_votes = Some(row.votes);
        } else {
            out.members.push(row);
            at_most(WHAT, out.members.len(), MEMBERS_MAX)?;
        }
    }
    if out.members.is_empty() {
        return Err(ParseError::missing(WHAT, "a member's row"));
    }
    Ok(out)
}

pub(super) fn is_table_head(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("Nodeid") && words.next() == Some("Votes")
}

/// `ID VOTES [FLAGS] NAME [[extra]] [(local)]`
fn row(line: &str, has_qdevice: bool) -> Option<QuorumMember> {
    let (id, rest) = word(line)?;
    let (votes, rest) = word(rest)?;
    let id = node_id_number(id)?;
    let votes = votes.parse().ok()?;
    let (qdevice, rest) = match word(rest) {
        Some((flags, name)) if has_qdevice && id != 0 && !name.is_empty() => (qdevice_flags(flags), name),
        _ => (None, rest),
    };
    if has_qdevice && id != 0 && qdevice.is_none() {
        return None;
    }
    let (name, local) = match rest.strip_suffix("(local)") {
        Some(name) => (name.trim_end(), true),
        None => (rest, false),
    };
    // Newer versions may append ` [extra info]` behind the name.
    let name = name.split(" [").next().unwrap_or(name).trim();
    if name.is_empty() {
        return None;
    }
    Some(QuorumMember { id, votes, name: clean_text(name), local, qdevice })
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Some((first, rest.trim()))
}

fn node_id_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `{A|NA},{V|NV},{MW|NMW}` or `NR`.
fn qdevice_flags(text: &str) -> Option<QdeviceFlags> {
    if text == "NR" {
        return Some(QdeviceFlags::NotRegistered);
    }
    let flag = |word: Option<&str>, yes: &str, no: &str| match word {
        Some(word) if word == yes => Some(true),
        Some(word) if word == no => Some(false),
        _ => None,
    };
    let mut words = text.split(',');
    let alive = flag(words.next(), "A", "NA")?;
    let voting = flag(words.next(), "V", "NV")?;
    let master_wins = flag(words.next(), "MW", "NMW")?;
    words.next().is_none().then_some(QdeviceFlags::Registered { alive, voting, master_wins })
}
