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

/// Sets the host's own ends of its links up or down: without power a card neither sends nor answers.
pub fn cards(host: &Host, up: bool) -> anyhow::Result<()> {
    for link in 0..host.links.len() {
        let state = if up { "up" } else { "down" };
        tool::run("ip", &["-n", &host.namespace(), "link", "set", &card(link), state])?;
    }
    Ok(())
}

/// Whether the switch's port is up, whatever the machine at the other end of the cable does.
pub fn is_plugged(host: &Host, link: usize) -> anyhow::Result<bool> {
    let text = tool::run("ip", &["-n", SWITCH, "-o", "link", "show", &host.port(link)])?;
    let flags = text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).context("no flags")?.0;
    Ok(flags.split(',').any(|flag| flag == "UP"))
}

/// Whether the host's card sees a carrier.
pub fn has_carrier(host: &Host, link: usize) -> anyhow::Result<bool> {
    let text = tool::run("ip", &["-n", &host.namespace(), "-br", "link", "show", &card(link)])?;
    Ok(text.contains("LOWER_UP"))
}

fn card(link: usize) -> String {
    format!("eth{link}")
}
