//! Pulling and plugging cables at the switch.

use anyhow::{Context, bail};

use crate::layout::{Host, SWITCH};
use crate::tool;

/// The links that a word means: a number, or `all`.
pub fn links(host: &Host, word: &str) -> anyhow::Result<Vec<usize>> {
    if word == "all" {
        return Ok((0..host.links.len()).collect());
    }
    let link = word.parse::<usize>().with_context(|| format!("{word} is neither a link's number nor `all`"))?;
    if link >= host.links.len() {
        bail!("{} has no link {link}; it has {}", host.name, host.links.len());
    }
    Ok(vec![link])
}

/// Sets the switch's ports of a host's links up or down.
pub fn set(host: &Host, word: &str, up: bool) -> anyhow::Result<()> {
    for link in links(host, word)? {
        tool::run("ip", &["-n", SWITCH, "link", "set", &host.port(link), if up { "up" } else { "down" }])?;
    }
    Ok(())
}

/// Whether the host's card sees a carrier.
pub fn has_carrier(host: &Host, link: usize) -> anyhow::Result<bool> {
    let card = format!("eth{link}");
    let text = tool::run("ip", &["-n", &host.namespace(), "-br", "link", "show", &card])?;
    Ok(text.contains("LOWER_UP"))
}
