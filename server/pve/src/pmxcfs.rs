//! The files that pmxcfs serves from its memory (`/etc/pve/.members`, `.version`, `.vmlist`; pmxcfs `status.c`).

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::files::NodeFile;
use model::facts::{PmxCluster, PmxMember, PmxMembers};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most nodes in `.members`: far above what corosync can carry.
const MEMBERS_MAX: usize = 1024;
/// The most counters in `.version`.
const VERSIONS_MAX: usize = 1 << 14;
/// The most guests of a cluster.
const GUESTS_MAX: usize = 1 << 14;
const WHAT_STATE: &str = "/etc/pve/.members .version .vmlist";
/// Where pmxcfs mounts its files.
const MOUNT_POINT: &str = "/etc/pve";
/// How `findmnt` ends, without a word, where nothing is mounted.
const NOT_MOUNTED: i32 = 1;

/// Prints `.members`.
#[must_use]
pub fn cat_members() -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::PmxMembers.path())
}

/// Prints `.version`, the cheap detector of every change in `/etc/pve`.
#[must_use]
pub fn cat_version() -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::PmxVersion.path())
}

/// Prints `.vmlist`.
#[must_use]
pub fn cat_vmlist() -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::PmxVmlist.path())
}

/// Prints all three, one behind the other: one call of a millisecond.
#[must_use]
pub fn cat_state() -> CommandLine {
    [NodeFile::PmxMembers, NodeFile::PmxVersion, NodeFile::PmxVmlist]
        .iter()
        .fold(CommandLine::reads("cat"), |command, file| command.arg(file.path()))
}

/// Asks the kernel what is mounted at `/etc/pve`. Nothing in there is touched, not even the name (`-C`): it answers where
/// pmxcfs hangs.
#[must_use]
pub fn find_mount() -> CommandLine {
    CommandLine::reads("findmnt").args(["-n", "-C", MOUNT_POINT])
}

/// Whether pmxcfs' files are mounted, as [`find_mount`] says; they stay mounted while it hangs.
///
/// # Errors
/// Something else is mounted there, or `findmnt` cannot tell.
pub fn mounted(answer: Answer<'_>) -> Result<bool, ParseError> {
    const WHAT: &str = "findmnt";
    let silent = answer.text(WHAT)?.trim().is_empty() && answer.stderr_text().trim().is_empty();
    if silent && answer.exit == NOT_MOUNTED {
        return Ok(false);
    }
    let text = answer.printed(WHAT, &[0])?;
    // What was mounted last lies on top.
    let top = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match top.split_whitespace().nth(2) {
        Some(kind) if kind == "fuse" || kind.starts_with("fuse.") => Ok(true),
        _ => Err(ParseError::malformed(WHAT, "the file system", top)),
    }
}

/// `.version`: a number for each configuration file that grows with each change of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PmxVersions {
    /// When pmxcfs started, in seconds since 1970.
    pub start_time: Option<u64>,
    /// Everything else with a number: `clinfo`, `vmlist`, `corosync.conf`, `storage.cfg` ...
    pub versions: BTreeMap<String, u64>,
}

/// One guest of the whole cluster, from `.vmlist`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PmxGuest {
    pub node: String,
    /// `qemu` or `lxc`.
    pub kind: String,
}

/// The three files together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PmxState {
    pub members: PmxMembers,
    pub versions: PmxVersions,
    /// VMID -> guest.
    pub guests: BTreeMap<u32, PmxGuest>,
}

/// Reads `.members`.
///
/// # Errors
/// A missing file (pmxcfs is not mounted) or other JSON.
pub fn members(answer: Answer<'_>) -> Result<PmxMembers, ParseError> {
    const WHAT: &str = "/etc/pve/.members";
    json::<RawMembers>(WHAT, answer)?.read(WHAT)
}

/// Reads `.version`.
///
/// # Errors
/// A missing file or other JSON.
pub fn versions(answer: Answer<'_>) -> Result<PmxVersions, ParseError> {
    const WHAT: &str = "/etc/pve/.version";
    let raw: BTreeMap<String, Value> = json(WHAT, answer)?;
    if !raw.contains_key("clinfo") {
        return Err(ParseError::missing(WHAT, "clinfo"));
    }
    version_numbers(WHAT, raw)
}

/// Reads `.vmlist`; a cluster without guests has an empty map.
///
/// # Errors
/// A missing file or other JSON.
pub fn guests(answer: Answer<'_>) -> Result<BTreeMap<u32, PmxGuest>, ParseError> {
    const WHAT: &str = "/etc/pve/.vmlist";
    json::<RawVmlist>(WHAT, answer)?.read(WHAT)
}

/// Reads what [`cat_state`] printed.
///
/// # Errors
/// Any of the three missing or unreadable.
pub fn state(answer: Answer<'_>) -> Result<PmxState, ParseError> {
    let text = answer.printed(WHAT_STATE, &[0])?;
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let mut next = |part: &'static str| match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) => Err(ParseError::malformed(WHAT_STATE, part, "")),
        None => Err(ParseError::missing(WHAT_STATE, part)),
    };
    let members = next(".members")?;
    let versions = next(".version")?;
    let vmlist = next(".vmlist")?;
    let members: RawMembers = from_value(members, ".members")?;
    let versions: BTreeMap<String, Value> = from_value(versions, ".version")?;
    let vmlist: RawVmlist = from_value(vmlist, ".vmlist")?;
    Ok(PmxState {
        members: members.read(WHAT_STATE)?,
        versions: version_numbers(WHAT_STATE, versions)?,
        guests: vmlist.read(WHAT_STATE)?,
    })
}

fn json<T: for<'de> Deserialize<'de>>(what: &'static str, answer: Answer<'_>) -> Result<T, ParseError> {
    let text = answer.printed(what, &[0])?;
    serde_json::from_str(&text).map_err(|_| ParseError::at(what, &text, Reason::Malformed("the JSON")))
}

fn from_value<T: for<'de> Deserialize<'de>>(value: Value, part: &'static str) -> Result<T, ParseError> {
    serde_json::from_value(value).map_err(|error| ParseError::malformed(WHAT_STATE, part, &error.to_string()))
}

fn version_numbers(what: &'static str, raw: BTreeMap<String, Value>) -> Result<PmxVersions, ParseError> {
    at_most(what, raw.len(), VERSIONS_MAX)?;
    let mut out = PmxVersions::default();
    for (name, value) in raw {
        let Some(number) = value.as_u64() else {
            continue;
        };
        if name == "starttime" {
            out.start_time = Some(number);
        } else {
            out.versions.insert(clean_text(&name), number);
        }
    }
    Ok(out)
}

#[derive(Deserialize)]
struct RawMembers {
    nodename: String,
    cluster: Option<RawCluster>,
    #[serde(default)]
    nodelist: BTreeMap<String, RawMember>,
}

#[derive(Deserialize)]
struct RawCluster {
    name: String,
    version: u64,
    nodes: u32,
    #[serde(deserialize_with = "flag")]
    quorate: bool,
}

#[derive(Deserialize)]
struct RawMember {
    id: u32,
    #[serde(deserialize_with = "flag")]
    online: bool,
    ip: Option<String>,
}

#[derive(Deserialize)]
struct RawVmlist {
    #[serde(default)]
    ids: BTreeMap<String, RawGuest>,
    // pmxcfs always prints it: without it, other JSON could pass as a list without guests.
    #[serde(rename = "version")]
    _version: u64,
}

#[derive(Deserialize)]
struct RawGuest {
    node: String,
    #[serde(rename = "type")]
    kind: String,
}

impl RawMembers {
    fn read(self, what: &'static str) -> Result<PmxMembers, ParseError> {
        at_most(what, self.nodelist.len(), MEMBERS_MAX)?;
        let cluster = self.cluster.map(|cluster| PmxCluster {
            name: clean_text(&cluster.name),
            version: cluster.version,
            nodes: cluster.nodes,
            quorate: cluster.quorate,
        });
        let nodes = self.nodelist.into_iter().map(|(name, node)| PmxMember {
            name: clean_text(&name),
            id: node.id,
            online: node.online,
            ip: node.ip.and_then(|text| text.parse().ok()),
        });
        let mut nodes: Vec<PmxMember> = nodes.collect();
        nodes.sort_by_key(|node| node.id);
        Ok(PmxMembers { node_name: clean_text(&self.nodename), cluster, nodes })
    }
}

impl RawVmlist {
    fn read(self, what: &'static str) -> Result<BTreeMap<u32, PmxGuest>, ParseError> {
        at_most(what, self.ids.len(), GUESTS_MAX)?;
        let guest = |guest: RawGuest| PmxGuest { node: clean_text(&guest.node), kind: clean_text(&guest.kind) };
        Ok(self.ids.into_iter().filter_map(|(id, raw)| Some((id.parse().ok()?, guest(raw)))).collect())
    }
}

/// pmxcfs writes 0 and 1, other places strings or booleans.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(number) => Ok(number.as_u64().is_some_and(|number| number != 0)),
        Value::String(text) => Ok(text == "1"),
        _ => Err(serde::de::Error::custom("neither 0 nor 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTED: &str = "/etc/pve /dev/fuse fuse rw,nosuid,nodev,relatime,user_id=0,group_id=0\n";

    #[test]
    fn what_is_not_mounted_is_told_from_what_was_not_answered() {
        assert_eq!(mounted(Answer::ok(MOUNTED.as_bytes())), Ok(true));
        assert_eq!(mounted(Answer::new(b"", b"", 1)), Ok(false));
        // Its words, its end by the time limit, silence, and a folder of something else.
        let words = b"findmnt: can't read /proc/self/mountinfo: Permission denied\n";
        for untold in [
            Answer::new(b"", words, 1),
            Answer::new(b"", b"", 124),
            Answer::new(b"", b"", 127),
            Answer::ok(b""),
            Answer::ok(b"/etc/pve tmpfs tmpfs rw,relatime\n"),
        ] {
            assert!(mounted(untold).is_err(), "{untold:?}");
        }
        let over = format!("{MOUNTED}/etc/pve tmpfs tmpfs rw,relatime\n");
        assert!(mounted(Answer::ok(over.as_bytes())).is_err(), "the last one is what is seen");
    }
}
