//! Addresses, interfaces in detail, default routes, speeds.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::network as links;
use model::facts::host::{Device, LinkSpeed};
use model::preflight::Source;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The kernel's limit for the name of an interface, in bytes.
const NAME_MAX_BYTES: usize = 15;
/// The most interfaces of a node: each guest brings a few.
const DEVICES_MAX: usize = 1 << 14;
/// `grep` where some of the files could not be read: a card that is down has no speed.
const GREP_EXITS: [i32; 2] = [0, 2];

pub(super) fn first() -> [Question; 3] {
    [
        Question::new(Source::Addresses, links::ip_addr(), |answer, found| {
            let own = links::addresses(answer)?;
            if own.is_empty() {
                return Err(ParseError::new("ip -j addr", Reason::Empty));
            }
            // The address that was typed may be a name or a forwarder's: only an own one is the management address.
            found.management = found.management.filter(|typed| own.iter().any(|one| one.address == *typed));
            found.addresses = Ok(own);
            Ok(())
        }),
        Question::new(Source::Interfaces, links::ip_link_details(), |answer, found| {
            let devices = devices(answer)?;
            found.interfaces = Ok(links::interfaces(answer)?);
            found.host.devices = Ok(devices);
            Ok(())
        }),
        Question::new(Source::Routes, links::ip_route(), |answer, found| {
            let routes = links::routes(answer)?;
            let default = routes.into_iter().filter(|route| route.destination == "default");
            found.host.default_interfaces = Ok(default.filter_map(|route| route.interface).collect());
            Ok(())
        }),
    ]
}

/// Speed and duplex of these interfaces, from the kernel's own files; none where there is nothing to ask.
pub(super) fn speeds<'a>(names: impl Iterator<Item = &'a str>) -> Option<Question> {
    let file = |name: &str, part: &str| format!("/sys/class/net/{name}/{part}");
    let names: Vec<&str> = names.filter(|name| sound(name) && *name != "lo").collect();
    if names.is_empty() {
        return None;
    }
    let files = names.iter().flat_map(|name| [file(name, "speed"), file(name, "duplex")]);
    let command = CommandLine::reads("grep").args(["-sH", "", "--"]).args(files);
    Some(Question::new(Source::Speeds, command, |answer, found| {
        found.host.speeds = Ok(read_speeds(answer)?);
        Ok(())
    }))
}

/// A name that the kernel takes; it becomes part of a path.
fn sound(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX_BYTES
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != ':')
}

fn read_speeds(answer: Answer<'_>) -> Result<BTreeMap<String, LinkSpeed>, ParseError> {
    const WHAT: &str = "/sys/class/net";
    let text = answer.printed(WHAT, &GREP_EXITS)?;
    let mut found: BTreeMap<String, LinkSpeed> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("/sys/class/net/")) {
        let bad = || ParseError::malformed(WHAT, "a line", line);
        let (path, value) = line.split_once(':').ok_or_else(bad)?;
        let mut parts = path.rsplit('/');
        let (part, name) = (parts.next().ok_or_else(bad)?, parts.next().ok_or_else(bad)?);
        let speed = found.entry(clean_text(name)).or_default();
        match part {
            // -1 where the driver does not know.
            "speed" => {
                speed.megabits = value.trim().parse::<u32>().ok().filter(|speed| *speed > 0 && *speed < u32::MAX)
            }
            "duplex" => {
                speed.full_duplex = match value.trim() {
                    "full" => Some(true),
                    "half" => Some(false),
                    _ => None,
                }
            }
            _ => return Err(bad()),
        }
    }
    if found.is_empty() { Err(ParseError::malformed(WHAT, "any card", &text)) } else { Ok(found) }
}

/// Every device of `ip -d -j link`, with what it sits on.
///
/// # Errors
/// A failure of the command, no JSON, or no device.
pub fn devices(answer: Answer<'_>) -> Result<Vec<Device>, ParseError> {
    const WHAT: &str = "ip -d -j link";
    let text = answer.printed(WHAT, &[0])?;
    let raw: Vec<Raw> =
        serde_json::from_str(&text).map_err(|_| ParseError::at(WHAT, &text, Reason::Malformed("the JSON")))?;
    at_most(WHAT, raw.len(), DEVICES_MAX)?;
    let found: Vec<Device> = raw.into_iter().filter_map(device).collect();
    if found.is_empty() { Err(ParseError::new(WHAT, Reason::Empty)) } else { Ok(found) }
}

fn device(raw: Raw) -> Option<Device> {
    let clean = |text: Option<String>| text.map(|text| clean_text(&text));
    let info = raw.linkinfo.unwrap_or_default();
    let data = info.info_data.unwrap_or_default();
    let up = |flag: &str| raw.flags.iter().any(|one| one == flag);
    Some(Device {
        name: clean_text(&raw.ifname?),
        kind: clean(info.info_kind),
        bus: clean(raw.parentdev.filter(|_| raw.parentbus.as_deref() == Some("pci"))),
        master: clean(raw.master),
        lower: clean(raw.link),
        mtu: raw.mtu.unwrap_or(0),
        up: up("UP") && up("LOWER_UP"),
        bond_mode: clean(data.mode.and_then(|mode| mode.as_str().map(str::to_owned))),
        lacp_rate: clean(data.ad_lacp_rate),
        member_up: info.info_slave_data.and_then(|slave| slave.mii_status).map(|status| status == "UP"),
    })
}

#[derive(Deserialize)]
struct Raw {
    ifname: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    mtu: Option<u32>,
    master: Option<String>,
    link: Option<String>,
    parentbus: Option<String>,
    parentdev: Option<String>,
    linkinfo: Option<RawInfo>,
}

#[derive(Default, Deserialize)]
struct RawInfo {
    info_kind: Option<String>,
    info_data: Option<RawData>,
    info_slave_data: Option<RawSlave>,
}

#[derive(Default, Deserialize)]
struct RawData {
    // Other kinds of devices have a `mode` too, as a number.
    mode: Option<serde_json::Value>,
    ad_lacp_rate: Option<String>,
}

#[derive(Deserialize)]
struct RawSlave {
    mii_status: Option<String>,
}
