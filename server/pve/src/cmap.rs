//! `corosync-cmapctl`: corosync's own map of settings, members and counters (`cmap_keys(7)`).

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::corosync_conf::{VOTES_DEFAULT, unwritten_device_votes};
use crate::error::{ParseError, Reason, at_most};
use model::facts::{ConfNode, ConfQdevice, CorosyncConf, CorosyncNodeId};
use std::collections::BTreeMap;

const WHAT: &str = "corosync-cmapctl";
/// The most entries of a map: 32 nodes with 8 links have about 13,000.
const ENTRIES_MAX: usize = 1 << 15;

/// `corosync-cmapctl`: the default map.
#[must_use]
pub fn map() -> CommandLine {
    CommandLine::reads("corosync-cmapctl").output_max(LARGE_OUTPUT_MAX_BYTES)
}

/// `corosync-cmapctl -m stats`: counters, with latencies in microseconds.
#[must_use]
pub fn stats() -> CommandLine {
    CommandLine::reads("corosync-cmapctl").args(["-m", "stats"]).output_max(LARGE_OUTPUT_MAX_BYTES)
}

/// One value with its type.
#[derive(Debug, Clone, PartialEq)]
pub enum CmapValue {
    /// `u8` to `u64`
    Unsigned(u64),
    /// `i8` to `i64`
    Signed(i64),
    /// `flt` and `dbl`
    Float(f64),
    Text(String),
    /// `bin`, as printed.
    Binary(String),
}

impl CmapValue {
    #[must_use]
    pub const fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn as_u32(&self) -> Option<u32> {
        u32::try_from(self.as_u64()?).ok()
    }

    /// As a file would have it.
    fn written(&self) -> String {
        match self {
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) | Self::Binary(text) => text.clone(),
        }
    }
}

/// Key -> value.
pub type CmapMap = BTreeMap<String, CmapValue>;

/// What this node measures about one link to one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnetLink {
    pub node: CorosyncNodeId,
    pub link: u8,
    pub connected: bool,
    pub enabled: bool,
    /// The mean round trip of knet's pings, in microseconds; absent before the first sample.
    pub latency_ave_us: Option<u64>,
    /// Bytes.
    pub mtu: Option<u64>,
    pub down_count: Option<u64>,
}

/// Reads either map.
///
/// # Errors
/// [`Reason::CorosyncDown`], or a line that is no entry.
pub fn entries(answer: Answer<'_>) -> Result<CmapMap, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let mut out = CmapMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = entry(line).ok_or_else(|| ParseError::malformed(WHAT, "an entry", line))?;
        out.insert(key, value);
        at_most(WHAT, out.len(), ENTRIES_MAX)?;
    }
    if out.is_empty() {
        return Err(ParseError::new(WHAT, Reason::Empty));
    }
    Ok(out)
}

/// The links in `-m stats`, this node's own loop left out; corosync's own id is `own`.
#[must_use]
pub fn knet_links(map: &CmapMap, own: CorosyncNodeId) -> Vec<KnetLink> {
    let mut out = Vec::new();
    let prefix = "stats.knet.node";
    for (key, value) in map.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix)) {
        let Some(base) = key.strip_suffix(".connected") else {
            continue;
        };
        let Some((node, link)) = knet_numbers(base) else {
            continue;
        };
        if node == own {
            continue;
        }
        let number = |name: &str| map.get(&format!("{base}.{name}")).and_then(CmapValue::as_u64);
        let samples = number("latency_samples").unwrap_or(0);
        out.push(KnetLink {
            node,
            link,
            connected: value.as_u64() == Some(1),
            enabled: number("enabled") == Some(1),
            latency_ave_us: number("latency_ave").filter(|_| samples > 0),
            mtu: number("mtu"),
            down_count: number("down_count"),
        });
    }
    out.sort_by_key(|link| (link.node, link.link));
    out
}

/// The configuration that corosync runs with: its file as it was at the start or the last reload. votequorum counts by this
/// one (`votequorum_readconfig` in `exec/votequorum.c`).
///
/// # Errors
/// As [`entries`]; no name, version or nodelist, a node without id or address.
pub fn conf(answer: Answer<'_>) -> Result<CorosyncConf, ParseError> {
    let map = entries(answer)?;
    let nodes = nodes(&map)?;
    let name = map.get("totem.cluster_name").and_then(CmapValue::as_str);
    let version = map.get("totem.config_version").and_then(CmapValue::as_u64);
    Ok(CorosyncConf {
        cluster_name: name.ok_or_else(|| ParseError::missing(WHAT, "totem.cluster_name"))?.to_owned(),
        config_version: version.ok_or_else(|| ParseError::missing(WHAT, "totem.config_version"))?,
        link_priorities: map.iter().filter_map(|(key, value)| link_priority(key, value)).collect(),
        qdevice: qdevice(&map, &nodes)?,
        nodes,
        token_coefficient: map.get("totem.token_coefficient").and_then(CmapValue::as_u32),
        quorum_options: map.iter().filter_map(|(key, value)| quorum_option(key, value)).collect(),
    })
}

/// `nodelist.node.0.nodeid`: the number in it is a place in the list.
fn nodes(map: &CmapMap) -> Result<Vec<ConfNode>, ParseError> {
    let prefix = "nodelist.node.";
    let mut blocks: BTreeMap<u32, BTreeMap<&str, &CmapValue>> = BTreeMap::new();
    for (key, value) in map.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix)) {
        let place = key.strip_prefix(prefix).and_then(|rest| rest.split_once('.'));
        let place = place.and_then(|(at, field)| Some((at.parse::<u32>().ok()?, field)));
        let (at, field) = place.ok_or_else(|| ParseError::malformed(WHAT, "a node", key))?;
        blocks.entry(at).or_default().insert(field, value);
    }
    if blocks.is_empty() {
        return Err(ParseError::missing(WHAT, "nodelist"));
    }
    let whole = |block| node(block).ok_or_else(|| ParseError::missing(WHAT, "a node's id or address"));
    blocks.values().map(whole).collect()
}

fn node(block: &BTreeMap<&str, &CmapValue>) -> Option<ConfNode> {
    let addresses: BTreeMap<u8, String> = block
        .iter()
        .filter_map(|(key, value)| {
            let link = key.strip_prefix("ring")?.strip_suffix("_addr")?.parse().ok()?;
            Some((link, value.as_str()?.to_owned()))
        })
        .collect();
    // As in the file: without a name, the first address.
    let first = addresses.values().next()?.clone();
    let name = block.get("name").and_then(|name| name.as_str());
    let votes = match block.get("quorum_votes") {
        Some(votes) => votes.as_u32()?,
        None => VOTES_DEFAULT,
    };
    Some(ConfNode { name: name.map_or(first, str::to_owned), id: block.get("nodeid")?.as_u32()?, votes, addresses })
}

fn qdevice(map: &CmapMap, nodes: &[ConfNode]) -> Result<Option<ConfQdevice>, ParseError> {
    let text = |key: &str| map.get(key).and_then(CmapValue::as_str).map(str::to_owned);
    let Some(model) = text("quorum.device.model") else { return Ok(None) };
    let votes = match map.get("quorum.device.votes") {
        Some(votes) => votes.as_u32(),
        None => unwritten_device_votes(nodes),
    };
    Ok(Some(ConfQdevice {
        model,
        host: text("quorum.device.net.host"),
        algorithm: text("quorum.device.net.algorithm"),
        votes: votes.ok_or_else(|| ParseError::missing(WHAT, "the device's votes"))?,
    }))
}

fn link_priority(key: &str, value: &CmapValue) -> Option<(u8, u32)> {
    let link = key.strip_prefix("totem.interface.")?.strip_suffix(".knet_link_priority")?;
    Some((link.parse().ok()?, value.as_u32()?))
}

fn quorum_option(key: &str, value: &CmapValue) -> Option<(String, String)> {
    let name = key.strip_prefix("quorum.").filter(|name| *name != "provider" && !name.contains('.'))?;
    Some((name.to_owned(), value.written()))
}

/// `stats.knet.node3.link1` -> (3, 1)
fn knet_numbers(base: &str) -> Option<(CorosyncNodeId, u8)> {
    let (node, link) = base.strip_prefix("stats.knet.node")?.split_once(".link")?;
    Some((node.parse().ok()?, link.parse().ok()?))
}

/// `key (type) = value`; a string's value may be empty.
fn entry(line: &str) -> Option<(String, CmapValue)> {
    let (head, value) = line.split_once(" = ").or_else(|| Some((line.strip_suffix(" =")?, "")))?;
    let (key, kind) = head.strip_suffix(')')?.rsplit_once(" (")?;
    let value = match kind {
        "u8" | "u16" | "u32" | "u64" => CmapValue::Unsigned(value.trim().parse().ok()?),
        "i8" | "i16" | "i32" | "i64" => CmapValue::Signed(value.trim().parse().ok()?),
        "flt" | "dbl" => CmapValue::Float(value.trim().parse().ok()?),
        "str" => CmapValue::Text(clean_text(value)),
        "bin" => CmapValue::Binary(clean_text(value)),
        _ => return None,
    };
    (!key.is_empty()).then(|| (clean_text(key), value))
}
