//! Who the node is, and what time it has.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::files::NodeFolder;
use crate::systemd::properties;
use jiff::Timestamp;
use model::facts::{GuestKind, GuestRef, TimeStatus};
use model::name::NodeName;

/// Nanoseconds have nine digits behind the point.
const NANOS_DIGITS: usize = 9;

/// `hostname`: the name that pmxcfs and corosync.conf use.
#[must_use]
pub fn hostname() -> CommandLine {
    CommandLine::reads("hostname")
}

/// The node's own name; the domain, if there is one, is cut off.
///
/// # Errors
/// A name that no Proxmox VE node can have.
pub fn node_name(answer: Answer<'_>) -> Result<NodeName, ParseError> {
    const WHAT: &str = "hostname";
    let text = answer.printed(WHAT, &[0])?;
    let line = text.lines().next().unwrap_or_default().trim();
    let label = line.split('.').next().unwrap_or_default();
    label.parse().map_err(|_| ParseError::malformed(WHAT, "the host name", line))
}

/// `uname -r`.
#[must_use]
pub fn kernel() -> CommandLine {
    CommandLine::reads("uname").arg("-r")
}

/// The running kernel's release.
///
/// # Errors
/// An empty answer.
pub fn kernel_release(answer: Answer<'_>) -> Result<String, ParseError> {
    const WHAT: &str = "uname";
    let text = answer.printed(WHAT, &[0])?;
    Ok(clean_text(text.lines().next().unwrap_or_default().trim()))
}

/// `id -u`: 0 is root.
#[must_use]
pub fn user_id() -> CommandLine {
    CommandLine::reads("id").arg("-u")
}

/// The number that [`user_id`] brought.
///
/// # Errors
/// Anything but one number.
pub fn user_number(answer: Answer<'_>) -> Result<u32, ParseError> {
    const WHAT: &str = "id";
    let text = answer.printed(WHAT, &[0])?;
    text.trim().parse().map_err(|_| ParseError::malformed(WHAT, "the number", &text))
}

/// `date +%s.%N`: compare it with the console's own clock, half a round trip later.
#[must_use]
pub fn clock() -> CommandLine {
    CommandLine::reads("date").arg("+%s.%N")
}

/// The node's clock.
///
/// # Errors
/// Anything but seconds, a point, and nine digits.
pub fn clock_time(answer: Answer<'_>) -> Result<Timestamp, ParseError> {
    const WHAT: &str = "date";
    let text = answer.printed(WHAT, &[0])?;
    let text = text.trim();
    let bad = || ParseError::malformed(WHAT, "the time", text);
    let (seconds, nanos) = text.split_once('.').ok_or_else(bad)?;
    if nanos.len() != NANOS_DIGITS || !nanos.chars().all(|c| c.is_ascii_digit()) {
        return Err(bad());
    }
    let seconds: i64 = seconds.parse().map_err(|_| bad())?;
    let nanos: i32 = nanos.parse().map_err(|_| bad())?;
    Timestamp::new(seconds, nanos).map_err(|_| bad())
}

/// `timedatectl show`.
#[must_use]
pub fn time_status() -> CommandLine {
    CommandLine::reads("timedatectl").arg("show")
}

/// Time zone and synchronisation as systemd sees them.
///
/// # Errors
/// An answer without any of the three properties.
pub fn time(answer: Answer<'_>) -> Result<TimeStatus, ParseError> {
    const WHAT: &str = "timedatectl show";
    let text = answer.printed(WHAT, &[0])?;
    let found = properties(&text);
    let flag = |name: &str| match found.get(name).map(String::as_str) {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    };
    let status = TimeStatus {
        timezone: found.get("Timezone").filter(|zone| !zone.is_empty()).cloned(),
        ntp: flag("NTP"),
        synchronized: flag("NTPSynchronized"),
    };
    if status.timezone.is_none() && status.ntp.is_none() && status.synchronized.is_none() {
        return Err(ParseError::malformed(WHAT, "every property", &text));
    }
    Ok(status)
}

/// Lists the configuration files of one node's guests of one kind.
#[must_use]
pub fn guest_files(node: &NodeName, kind: GuestKind) -> CommandLine {
    crate::files::list_all(&NodeFolder::Guests(node.clone(), kind))
}

/// The guests that [`guest_files`] found, by number; a missing folder has none.
///
/// # Errors
/// Every failure but a missing folder.
pub fn guests(answer: Answer<'_>, kind: GuestKind) -> Result<Vec<GuestRef>, ParseError> {
    let names = crate::files::names_all(answer)?.unwrap_or_default();
    let mut guests: Vec<GuestRef> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".conf")?.parse().ok())
        .map(|vmid| GuestRef { vmid, kind })
        .collect();
    guests.sort();
    guests.dedup();
    Ok(guests)
}
