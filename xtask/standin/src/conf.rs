//! corosync.conf as Proxmox VE writes it: nested blocks, sorted keys, two spaces.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, bail};

/// One block: plain keys, and blocks within (several of one name for `node` and `interface`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    pub keys: BTreeMap<String, String>,
    pub blocks: BTreeMap<String, Vec<Block>>,
}

/// A node of the nodelist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub id: u32,
    pub votes: u32,
    /// Address per link number.
    pub addresses: BTreeMap<u8, String>,
}

impl Block {
    /// Parses the text of a corosync.conf; comments and empty lines are skipped.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut open = vec![(String::new(), Self::default())];
        for raw in text.lines() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "}" {
                let (name, block) = open.pop().context("block closed that was not opened")?;
                let parent = open.last_mut().context("block closed that was not opened")?;
                parent.1.blocks.entry(name).or_default().push(block);
            } else if let Some(name) = line.strip_suffix('{') {
                open.push((name.trim().to_owned(), Self::default()));
            } else if let Some((key, value)) = line.split_once(':') {
                let here = open.last_mut().context("key outside of the file")?;
                here.1.keys.insert(key.trim().to_owned(), value.trim().to_owned());
            } else {
                bail!("Line is not opening or closing section or key value: {line}");
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some((_, root)), true) => Ok(root),
            _ => bail!("Missing closing brace"),
        }
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (name, blocks) in &self.blocks {
            for block in blocks {
                block.write(name, 0, &mut text);
                text.push('\n');
            }
        }
        text
    }

    fn write(&self, name: &str, depth: usize, text: &mut String) {
        let pad = "  ".repeat(depth);
        let _ = writeln!(text, "{pad}{name} {{");
        let mut names: Vec<&String> = self.keys.keys().chain(self.blocks.keys()).collect();
        names.sort();
        for inner in names {
            if let Some(value) = self.keys.get(inner) {
                let _ = writeln!(text, "{pad}  {inner}: {value}");
            }
            for block in self.blocks.get(inner).into_iter().flatten() {
                block.write(inner, depth + 1, text);
            }
        }
        let _ = writeln!(text, "{pad}}}");
    }

    /// The one block of this name, made when it is missing.
    pub fn block(&mut self, name: &str) -> &mut Self {
        let list = self.blocks.entry(name.to_owned()).or_default();
        if list.is_empty() {
            list.push(Self::default());
        }
        &mut list[0]
    }

    /// The one block of this name.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.blocks.get(name).and_then(|list| list.first())
    }

    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.keys.insert(key.to_owned(), value.to_string());
    }

    /// A value of the totem section, empty when it is missing.
    pub fn totem(&self, key: &str) -> String {
        self.find("totem").and_then(|totem| totem.keys.get(key)).cloned().unwrap_or_default()
    }

    pub fn version(&self) -> u64 {
        self.totem("config_version").parse().unwrap_or_default()
    }

    /// The nodelist in the file's order.
    pub fn members(&self) -> Vec<Member> {
        let nodes = self.find("nodelist").and_then(|list| list.blocks.get("node"));
        nodes.into_iter().flatten().map(Member::read).collect()
    }

    /// Whether a QDevice is configured.
    pub fn has_qdevice(&self) -> bool {
        self.find("quorum").is_some_and(|quorum| quorum.find("device").is_some())
    }
}

impl Member {
    fn read(block: &Block) -> Self {
        let number = |key: &str| block.keys.get(key).and_then(|value| value.parse().ok()).unwrap_or_default();
        let mut addresses = BTreeMap::new();
        for link in 0..8_u8 {
            if let Some(address) = block.keys.get(&format!("ring{link}_addr")) {
                addresses.insert(link, address.clone());
            }
        }
        Self {
            name: block.keys.get("name").cloned().unwrap_or_default(),
            id: number("nodeid"),
            votes: number("quorum_votes"),
            addresses,
        }
    }

    pub fn write(&self) -> Block {
        let mut block = Block::default();
        block.set("name", &self.name);
        block.set("nodeid", self.id);
        block.set("quorum_votes", self.votes);
        for (link, address) in &self.addresses {
            block.set(&format!("ring{link}_addr"), address);
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cat /etc/pve/corosync.conf`, recorded on Proxmox VE 9.2 with corosync 3.1, 2026-11-22.
    const RECORDED: &str = include_str!("../tests/fixtures/corosync.conf.qdevice");

    #[test]
    fn what_proxmox_wrote_comes_out_again() {
        let conf = Block::parse(RECORDED).unwrap();
        assert_eq!(conf.render(), RECORDED);
        assert_eq!((conf.version(), conf.totem("cluster_name").as_str(), conf.has_qdevice()), (3, "lab2", true));
        let members = conf.members();
        assert_eq!(
            members.iter().map(|member| (member.name.as_str(), member.id)).collect::<Vec<_>>(),
            [("pve4", 1), ("pve5", 2)]
        );
        assert_eq!(members[1].addresses[&1], "10.0.2.15");
        assert_eq!(Member::read(&members[1].write()), members[1]);
    }

    #[test]
    fn broken_files_are_refused() {
        assert!(Block::parse("totem {\n  version: 2\n").is_err());
        assert!(Block::parse("}\n").is_err());
        assert!(Block::parse("totem {\n  nonsense\n}\n").is_err());
    }
}
