//! Addresses, interfaces, routes and name resolution (`ip -j`, `getent`).

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::{ParseError, Reason, at_most};
use model::facts::{Interface, InterfaceAddress};
use model::name::NodeName;
use serde::Deserialize;
use std::net::IpAddr;

/// `getent ahosts` ends with 2 where a name does not resolve.
const GETENT_NOT_FOUND: i32 = 2;
/// Three servers (glibc asks no more) that do not answer, and some time to spare, in seconds.
const RESOLVE_LIMIT_S: u32 = 10;
/// The most lines of one name that are read: three for each of its addresses.
const AHOSTS_LINES_MAX: usize = 384;
/// The most interfaces, addresses or routes of a node: each guest brings a few interfaces.
const ITEMS_MAX: usize = 1 << 14;

/// `getent ahosts NAME`: what pmxcfs and corosync would resolve the name to.
#[must_use]
pub fn ahosts(name: &NodeName) -> CommandLine {
    CommandLine::reads("getent").arg("ahosts").arg(name.as_str())
}

/// The same for a name that nobody may have: each server is asked once, for two seconds (`resolv.conf`(5), RES_OPTIONS).
#[must_use]
pub fn ahosts_once(name: &NodeName) -> CommandLine {
    let once = ["RES_OPTIONS=timeout:2 attempts:1", "getent", "ahosts"];
    CommandLine::reads("env").args(once).arg(name.as_str()).limit_s(RESOLVE_LIMIT_S)
}

/// The addresses in the resolver's order, each once; a name that does not resolve has none.
///
/// # Errors
/// Every failure but *not found*.
pub fn resolved(answer: Answer<'_>) -> Result<Vec<IpAddr>, ParseError> {
    const WHAT: &str = "getent ahosts";
    let text = answer.text(WHAT)?;
    if answer.exit == GETENT_NOT_FOUND {
        return Ok(Vec::new());
    }
    let text = answer.printed(WHAT, &[0]).map(|_| text)?;
    let mut out: Vec<IpAddr> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()).take(AHOSTS_LINES_MAX) {
        let word = line.split_whitespace().next().unwrap_or_default();
        // A link-local address carries its interface behind `%`.
        let bare = word.split('%').next().unwrap_or_default();
        let address = bare.parse().map_err(|_| ParseError::malformed(WHAT, "an address", line))?;
        if !out.contains(&address) {
            out.push(address);
        }
    }
    Ok(out)
}

/// `ip -j addr`
#[must_use]
pub fn ip_addr() -> CommandLine {
    CommandLine::reads("ip").args(["-j", "addr"])
}

/// `ip -j link`
#[must_use]
pub fn ip_link() -> CommandLine {
    CommandLine::reads("ip").args(["-j", "link"])
}

/// `ip -d -j link`: with the kind of each device, its bond, and the bus that a card sits on.
#[must_use]
pub fn ip_link_details() -> CommandLine {
    CommandLine::reads("ip").args(["-d", "-j", "link"]).output_max(LARGE_OUTPUT_MAX_BYTES)
}

/// `ip -j route`
#[must_use]
pub fn ip_route() -> CommandLine {
    CommandLine::reads("ip").args(["-j", "route"])
}

/// One route of the main table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `default`, or an address with its prefix length.
    pub destination: String,
    pub gateway: Option<IpAddr>,
    pub interface: Option<String>,
    /// The address that the node sends from.
    pub source: Option<IpAddr>,
}

/// Every address of every interface.
///
/// # Errors
/// Anything but the JSON of `ip`.
pub fn addresses(answer: Answer<'_>) -> Result<Vec<InterfaceAddress>, ParseError> {
    const WHAT: &str = "ip -j addr";
    let links: Vec<IpLink> = json(WHAT, answer)?;
    let mut out = Vec::new();
    for link in links {
        let Some(interface) = link.ifname else {
            continue;
        };
        for info in link.addr_info {
            let Some(address) = info.local.and_then(|text| text.parse().ok()) else {
                continue;
            };
            out.push(InterfaceAddress {
                interface: clean_text(&interface),
                address,
                prefix: info.prefixlen.unwrap_or(0),
                global: info.scope.as_deref() == Some("global"),
                dynamic: info.dynamic,
            });
            at_most(WHAT, out.len(), ITEMS_MAX)?;
        }
    }
    Ok(out)
}

/// Every interface.
///
/// # Errors
/// Anything but the JSON of `ip`.
pub fn interfaces(answer: Answer<'_>) -> Result<Vec<Interface>, ParseError> {
    let links: Vec<IpLink> = json("ip -j link", answer)?;
    Ok(links.into_iter().filter_map(interface).collect())
}

fn interface(link: IpLink) -> Option<Interface> {
    let ethernet = link.link_type.as_deref() == Some("ether");
    Some(Interface {
        name: clean_text(&link.ifname?),
        mac: link.address.filter(|_| ethernet).map(|mac| clean_text(&mac)),
        mtu: link.mtu.unwrap_or(0),
        // UNKNOWN is what drivers without a carrier say; UP and LOWER_UP tell the truth then.
        up: link.flags.iter().any(|flag| flag == "UP") && link.flags.iter().any(|flag| flag == "LOWER_UP"),
        master: link.master.map(|name| clean_text(&name)),
        lower: link.link.map(|name| clean_text(&name)),
    })
}

/// Every route of the main table; none is an answer.
///
/// # Errors
/// Anything but the JSON of `ip`.
pub fn routes(answer: Answer<'_>) -> Result<Vec<Route>, ParseError> {
    let routes: Vec<IpRoute> = json("ip -j route", answer)?;
    let address = |text: Option<String>| text.and_then(|text| text.parse().ok());
    Ok(routes
        .into_iter()
        .map(|route| Route {
            destination: clean_text(&route.dst),
            gateway: address(route.gateway),
            interface: route.dev.map(|name| clean_text(&name)),
            source: address(route.prefsrc),
        })
        .collect())
}

fn json<T: for<'de> Deserialize<'de>>(what: &'static str, answer: Answer<'_>) -> Result<Vec<T>, ParseError> {
    let text = answer.printed(what, &[0])?;
    let items: Vec<T> =
        serde_json::from_str(&text).map_err(|_| ParseError::at(what, &text, Reason::Malformed("the JSON")))?;
    at_most(what, items.len(), ITEMS_MAX)?;
    Ok(items)
}

#[derive(Deserialize)]
struct IpLink {
    // Old versions print an empty object where an interface vanished while they looked.
    ifname: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    mtu: Option<u32>,
    link_type: Option<String>,
    address: Option<String>,
    master: Option<String>,
    link: Option<String>,
    #[serde(default)]
    addr_info: Vec<IpAddress>,
}

#[derive(Deserialize)]
struct IpAddress {
    local: Option<String>,
    prefixlen: Option<u8>,
    scope: Option<String>,
    #[serde(default)]
    dynamic: bool,
}

#[derive(Deserialize)]
struct IpRoute {
    #[serde(default)]
    dst: String,
    gateway: Option<String>,
    dev: Option<String>,
    prefsrc: Option<String>,
}
