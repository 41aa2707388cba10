//! `--linkN ADDRESS[,priority=N]`.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use crate::conf::Block;
use crate::words;

/// corosync has links 0 to 7.
pub const LINK_LIMIT: u8 = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub address: String,
    pub priority: Option<u8>,
}

/// The links that the command names, by number.
pub fn read(args: &[String]) -> anyhow::Result<BTreeMap<u8, Link>> {
    let mut links = BTreeMap::new();
    for number in 0..LINK_LIMIT {
        let Some(text) = words::option(args, &format!("link{number}")) else { continue };
        let mut link = Link { address: String::new(), priority: None };
        for part in text.split(',') {
            match part.split_once('=') {
                None | Some(("address", _)) => part.trim_start_matches("address=").clone_into(&mut link.address),
                Some(("priority", value)) => link.priority = Some(value.parse().context("priority")?),
                Some((key, _)) => bail!(
                    "400 Parameter verification failed.\nlink{number}: invalid format - {key}: property is not defined in schema"
                ),
            }
        }
        links.insert(number, link);
    }
    Ok(links)
}

/// As they go from the joiner to the member.
pub fn words_of(links: &BTreeMap<u8, Link>) -> Vec<String> {
    let one = |(number, link): (&u8, &Link)| {
        let priority = link.priority.map(|priority| format!(",priority={priority}")).unwrap_or_default();
        [format!("--link{number}"), format!("{}{priority}", link.address)]
    };
    links.iter().flat_map(one).collect()
}

/// The interface blocks of the totem section.
pub fn interfaces(links: &BTreeMap<u8, Link>) -> Vec<Block> {
    let one = |(number, link): (&u8, &Link)| {
        let mut block = Block::default();
        if let Some(priority) = link.priority {
            block.set("knet_link_priority", priority);
        }
        block.set("linknumber", number);
        block
    };
    links.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_from_the_options() {
        let args: Vec<String> =
            ["lab", "--link0", "10.0.1.11,priority=10", "--link1=10.0.2.11"].map(str::to_owned).to_vec();
        let links = read(&args).unwrap();
        assert_eq!(links[&0], Link { address: "10.0.1.11".to_owned(), priority: Some(10) });
        assert_eq!(words_of(&links), ["--link0", "10.0.1.11,priority=10", "--link1", "10.0.2.11"]);
        assert!(read(&["--link0".to_owned(), "a,speed=1".to_owned()]).is_err());
    }
}
