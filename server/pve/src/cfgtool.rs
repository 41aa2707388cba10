//! `corosync-cfgtool`: the state of every knet link as this node sees it.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use model::facts::{LinkState, LinkStatus};

const WHAT: &str = "corosync-cfgtool";
/// The most rows: 1024 nodes with 8 links, far above what corosync can carry.
const LINKS_MAX: usize = 8192;

/// `corosync-cfgtool -s`: a row for each link and configured node.
#[must_use]
pub fn links() -> CommandLine {
    CommandLine::reads("corosync-cfgtool").arg("-s")
}

/// `corosync-cfgtool -n`: only nodes that are reachable, with both addresses and the MTU.
#[must_use]
pub fn nodes() -> CommandLine {
    CommandLine::reads("corosync-cfgtool").arg("-n")
}

/// Reads `-s`; the node's own rows (`localhost`) are left out.
///
/// # Errors
/// [`crate::Reason::CorosyncDown`], or another shape.
pub fn link_rows(answer: Answer<'_>) -> Result<LinkStatus, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let mut status = head(&text)?;
    let mut link = None;
    let mut address = None;
    for line in text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("LINK ID ") {
            link = Some(first_number(rest).ok_or_else(|| ParseError::malformed(WHAT, "LINK ID", line))?);
            address = None;
        } else if let Some(rest) = line.strip_prefix("addr") {
            address = Some(clean_text(rest.trim_start_matches([' ', '\t', '='])));
        } else if let Some(rest) = line.strip_prefix("nodeid:") {
            let number = link.ok_or_else(|| ParseError::missing(WHAT, "LINK ID"))?;
            let (peer, state) = peer_row(rest).ok_or_else(|| ParseError::malformed(WHAT, "a node's row", line))?;
            if state != "localhost" {
                status.links.push(LinkState {
                    link: number,
                    peer,
                    // `-s` has no word for a disabled link; `-n` has.
                    enabled: true,
                    connected: state == "connected",
                    local_address: address.clone(),
                    peer_address: None,
                    mtu: None,
                });
                at_most(WHAT, status.links.len(), LINKS_MAX)?;
            }
        } else if line != "status:" {
            return Err(ParseError::malformed(WHAT, "a line", line));
        }
    }
    if link.is_none() {
        return Err(ParseError::missing(WHAT, "LINK ID"));
    }
    Ok(status)
}

/// Reads `-n`; a node that sees nobody has no links, which is an answer.
///
/// # Errors
/// [`crate::Reason::CorosyncDown`], or another shape.
pub fn link_lines(answer: Answer<'_>) -> Result<LinkStatus, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let mut status = head(&text)?;
    let mut peer = None;
    for line in text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("nodeid:") {
            // Newer versions add `onwire (min/max/cur): 0, 1, 1` behind `reachable`.
            peer = Some(first_number(rest).ok_or_else(|| ParseError::malformed(WHAT, "nodeid", line))?);
        } else if let Some(rest) = line.strip_prefix("LINK:") {
            let peer = peer.ok_or_else(|| ParseError::missing(WHAT, "nodeid"))?;
            let link = link_line(rest, peer).ok_or_else(|| ParseError::malformed(WHAT, "a link's line", line))?;
            status.links.push(link);
            at_most(WHAT, status.links.len(), LINKS_MAX)?;
        } else {
            return Err(ParseError::malformed(WHAT, "a line", line));
        }
    }
    Ok(status)
}

/// `Local node ID 1, transport knet`
fn head(text: &str) -> Result<LinkStatus, ParseError> {
    let line = text.lines().next().unwrap_or_default();
    let bad = || ParseError::malformed(WHAT, "the first line", line);
    let rest = line.strip_prefix("Local node ID ").ok_or_else(bad)?;
    let (id, transport) = rest.split_once(", transport ").ok_or_else(bad)?;
    let node_id = id.trim().parse().map_err(|_| bad())?;
    Ok(LinkStatus { node_id, transport: clean_text(transport.trim()), links: Vec::new() })
}

/// `2:`, a tab, `connected`
fn peer_row(text: &str) -> Option<(u32, &str)> {
    let (id, state) = text.split_once(':')?;
    let state = state.trim();
    let known = matches!(state, "localhost" | "connected" | "disconnected");
    Some((id.trim().parse().ok()?, state)).filter(|_| known)
}

/// ` 0 udp (10.0.1.11->10.0.1.12) enabled connected mtu: 1397`
fn link_line(text: &str, peer: u32) -> Option<LinkState> {
    let (before, rest) = text.split_once('(')?;
    let (pair, after) = rest.split_once(')')?;
    let (local, remote) = pair.split_once("->")?;
    let words: Vec<&str> = after.split_whitespace().collect();
    let mtu = words.iter().position(|word| *word == "mtu:").and_then(|at| words.get(at + 1)?.parse().ok());
    Some(LinkState {
        link: first_number(before)?,
        peer,
        enabled: words.contains(&"enabled"),
        connected: words.contains(&"connected"),
        local_address: Some(clean_text(local)),
        peer_address: Some(clean_text(remote)),
        mtu,
    })
}

fn first_number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.split_whitespace().next()?.parse().ok()
}
