//! corosync.conf: nested blocks `name {`, `key: value`, `#` comments (`corosync.conf(5)`).
//!
//! Tolerant: unknown blocks and keys are skipped; only what the console needs must be there.

use crate::answer::{Answer, INPUT_MAX_BYTES};
use crate::clean::clean_text;
use crate::error::{ParseError, Reason, at_most};
use model::facts::{ConfNode, ConfQdevice, CorosyncConf};
use std::collections::BTreeMap;

const WHAT: &str = "corosync.conf";
/// How deep blocks may stand in each other; pvecm writes three levels.
const DEPTH_MAX: usize = 16;
/// The most keys and blocks of a file: 1024 nodes with 8 addresses each.
const ITEMS_MAX: usize = 1 << 14;
/// The votes of a node without the key.
pub(crate) const VOTES_DEFAULT: u32 = 1;

/// Reads a printed corosync.conf; `None` where there is none: the node is in no cluster.
///
/// # Errors
/// See [`read`].
pub fn conf(answer: Answer<'_>) -> Result<Option<CorosyncConf>, ParseError> {
    match answer.printed(WHAT, &[0]) {
        Ok(text) => read(&text).map(Some),
        Err(error) if error.reason == Reason::NoSuchFile => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the text of a corosync.conf.
///
/// # Errors
/// Blocks that do not close, no `totem` with name and version, a node without id or address.
pub fn read(text: &str) -> Result<CorosyncConf, ParseError> {
    if text.len() > INPUT_MAX_BYTES {
        return Err(ParseError::new(WHAT, Reason::TooLong { max_bytes: INPUT_MAX_BYTES }));
    }
    let root = blocks(text)?;
    let totem = root.block("totem").ok_or_else(|| ParseError::missing(WHAT, "totem"))?;
    let version = totem.value("config_version").ok_or_else(|| ParseError::missing(WHAT, "config_version"))?;
    let nodes: Result<Vec<ConfNode>, ParseError> = root
        .all("nodelist")
        .flat_map(|list| list.all("node"))
        .map(|block| node(block).ok_or_else(|| ParseError::at(WHAT, &block.shown(), Reason::Malformed("a node"))))
        .collect();
    let nodes = nodes?;
    if nodes.is_empty() {
        return Err(ParseError::missing(WHAT, "nodelist"));
    }
    let quorum = root.block("quorum");
    let device = quorum.and_then(|block| block.block("device"));
    let device = device.map(|block| qdevice(block, &nodes)).transpose()?;
    Ok(CorosyncConf {
        cluster_name: totem.text("cluster_name").ok_or_else(|| ParseError::missing(WHAT, "cluster_name"))?,
        config_version: version.parse().map_err(|_| ParseError::malformed(WHAT, "config_version", version))?,
        nodes,
        link_priorities: totem.all("interface").filter_map(link_priority).collect(),
        qdevice: device,
        token_coefficient: totem.number("token_coefficient"),
        quorum_options: quorum.map(quorum_options).unwrap_or_default(),
    })
}

fn node(block: &Block<'_>) -> Option<ConfNode> {
    let addresses: BTreeMap<u8, String> = block
        .values
        .iter()
        .filter_map(|(key, value)| {
            let link = key.strip_prefix("ring")?.strip_suffix("_addr")?.parse().ok()?;
            Some((link, clean_text(value)))
        })
        .collect();
    // Without a name, the first address is what corosync's own tools print.
    let first = addresses.values().next()?.clone();
    let votes = match block.value("quorum_votes") {
        Some(text) => text.parse().ok()?,
        None => VOTES_DEFAULT,
    };
    Some(ConfNode { name: block.text("name").unwrap_or(first), id: block.number("nodeid")?, votes, addresses })
}

/// `knet_link_priority` of one `interface`; corosync 2 called the number `ringnumber`.
fn link_priority(block: &Block<'_>) -> Option<(u8, u32)> {
    let number = block.value("linknumber").or_else(|| block.value("ringnumber")).unwrap_or("0");
    Some((number.parse().ok()?, block.number("knet_link_priority")?))
}

/// With the algorithm `lms` pvecm writes no votes. corosync then gives a device, whatever its algorithm, as many as there are
/// nodes, less one; where a node has more votes than one it does not start without them (`exec/votequorum.c`).
pub(crate) fn unwritten_device_votes(nodes: &[ConfNode]) -> Option<u32> {
    let alike = nodes.iter().all(|node| node.votes == VOTES_DEFAULT);
    alike.then(|| u32::try_from(nodes.len()).unwrap_or(u32::MAX).saturating_sub(1))
}

fn qdevice(block: &Block<'_>, nodes: &[ConfNode]) -> Result<ConfQdevice, ParseError> {
    let net = block.block("net");
    let votes = match block.value("votes") {
        Some(text) => text.parse().map_err(|_| ParseError::malformed(WHAT, "the device's votes", text))?,
        None => unwritten_device_votes(nodes).ok_or_else(|| ParseError::missing(WHAT, "the device's votes"))?,
    };
    Ok(ConfQdevice {
        model: block.text("model").ok_or_else(|| ParseError::missing(WHAT, "the device's model"))?,
        host: net.and_then(|net| net.text("host")),
        algorithm: net.and_then(|net| net.text("algorithm")),
        votes,
    })
}

fn quorum_options(block: &Block<'_>) -> BTreeMap<String, String> {
    let unusual = block.values.iter().filter(|(key, _)| *key != "provider");
    unusual.map(|(key, value)| (clean_text(key), clean_text(value))).collect()
}

#[derive(Debug, Default)]
struct Block<'a> {
    name: &'a str,
    values: Vec<(&'a str, &'a str)>,
    blocks: Vec<Block<'a>>,
}

impl<'a> Block<'a> {
    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Block<'a>> {
        self.blocks.iter().filter(move |block| block.name == name)
    }

    fn block(&self, name: &str) -> Option<&Block<'a>> {
        self.blocks.iter().find(|block| block.name == name)
    }

    /// The last of equal keys counts, as in corosync.
    fn value(&self, key: &str) -> Option<&'a str> {
        self.values.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.value(key).map(clean_text).filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.value(key)?.parse().ok()
    }

    fn shown(&self) -> String {
        self.values.iter().map(|(key, value)| format!("{key}: {value} ")).collect()
    }
}

/// Reads the blocks with a stack of its own, so that no depth of input can exhaust the program's.
fn blocks(text: &str) -> Result<Block<'_>, ParseError> {
    let mut open = vec![Block::default()];
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (item, line) in lines.enumerate() {
        at_most(WHAT, item + 1, ITEMS_MAX)?;
        let malformed = || ParseError::malformed(WHAT, "a line", line);
        if let Some(name) = line.strip_suffix('{') {
            if open.len() > DEPTH_MAX {
                return Err(ParseError::malformed(WHAT, "the depth of blocks", line));
            }
            open.push(Block { name: name.trim(), ..Block::default() });
        } else if line == "}" {
            let done = open.pop().filter(|_| !open.is_empty()).ok_or_else(malformed)?;
            open.last_mut().ok_or_else(malformed)?.blocks.push(done);
        } else {
            let (key, value) = line.split_once(':').ok_or_else(malformed)?;
            open.last_mut().ok_or_else(malformed)?.values.push((key.trim(), value.trim()));
        }
    }
    match open.pop() {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(ParseError::missing(WHAT, "a closing brace")),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_device_without_votes_has_those_that_corosync_gives_it() {
        let read_with = |algorithm: &str, first: u8| {
            let node = |n: u8| {
                let votes = if n == 1 { first } else { 1 };
                format!("node {{\nname: pve{n}\nnodeid: {n}\nquorum_votes: {votes}\nring0_addr: 10.0.1.{n}\n}}\n")
            };
            let nodes: String = (1..=3).map(node).collect();
            let device = format!("device {{\nmodel: net\nnet {{\nalgorithm: {algorithm}\nhost: 10.0.1.50\n}}\n}}\n");
            let text = format!(
                "totem {{\ncluster_name: prod\nconfig_version: 2\n}}\nnodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n{device}}}\n"
            );
            read(&text)
        };
        let votes = |algorithm: &str| read_with(algorithm, 1).expect("readable").qdevice.expect("a device").votes;
        assert_eq!((votes("lms"), votes("ffsplit")), (2, 2));
        let error = read_with("lms", 2).expect_err("corosync does not start with it");
        assert_eq!(error, crate::ParseError::missing("corosync.conf", "the device's votes"));
    }
}
