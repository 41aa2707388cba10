//! The states of services (`systemctl is-active`, `systemctl show`).

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use std::collections::BTreeMap;

/// The exit codes of `systemctl is-active`: all active, some not active, no such unit.
const IS_ACTIVE_EXITS: [i32; 3] = [0, 3, 4];
/// The most units of one answer.
const UNITS_MAX: usize = 1024;
/// The most lines of one block of properties: a unit with all of them has about 300.
const PROPERTIES_MAX: usize = 4096;

/// A service that the product asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Corosync,
    CorosyncQdevice,
    CorosyncQnetd,
    PveCluster,
    PveHaCrm,
    PveHaLrm,
    WatchdogMux,
    Ssh,
    Chrony,
    Timesyncd,
}

impl Service {
    /// systemd's name without `.service`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Corosync => "corosync",
            Self::CorosyncQdevice => "corosync-qdevice",
            Self::CorosyncQnetd => "corosync-qnetd",
            Self::PveCluster => "pve-cluster",
            Self::PveHaCrm => "pve-ha-crm",
            Self::PveHaLrm => "pve-ha-lrm",
            Self::WatchdogMux => "watchdog-mux",
            Self::Ssh => "ssh",
            Self::Chrony => "chrony",
            Self::Timesyncd => "systemd-timesyncd",
        }
    }
}

/// `systemctl is-active UNIT...`: one word a line, in the order asked.
#[must_use]
pub fn is_active(services: &[Service]) -> CommandLine {
    CommandLine::reads("systemctl").arg("is-active").args(services.iter().map(|service| service.name()))
}

/// Service -> `active`, `inactive`, `failed`, `activating` ...
///
/// # Errors
/// Not as many lines as services.
pub fn activity(answer: Answer<'_>, services: &[Service]) -> Result<BTreeMap<Service, String>, ParseError> {
    const WHAT: &str = "systemctl is-active";
    let text = answer.printed(WHAT, &IS_ACTIVE_EXITS)?;
    let words: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if words.len() != services.len()
        || words.iter().any(|word| !word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
    {
        return Err(ParseError::malformed(WHAT, "the list of states", &text));
    }
    Ok(services.iter().copied().zip(words.into_iter().map(str::to_owned)).collect())
}

/// `systemctl show` for one service: state, result and restarts.
#[must_use]
pub fn show(service: Service) -> CommandLine {
    CommandLine::reads("systemctl")
        .args(["show", "-p", "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"])
        .arg(service.name())
}

/// What [`show`] says; `None` where systemd did not print it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceState {
    pub id: Option<String>,
    pub load: Option<String>,
    pub active: String,
    pub sub: Option<String>,
    pub result: Option<String>,
    pub restarts: Option<u32>,
    pub main_status: Option<i32>,
}

/// One block for each unit that was asked for.
///
/// # Errors
/// A block without `ActiveState`.
pub fn states(answer: Answer<'_>) -> Result<Vec<ServiceState>, ParseError> {
    const WHAT: &str = "systemctl show";
    let text = answer.printed(WHAT, &[0])?;
    let blocks = || text.split("\n\n").filter(|block| !block.trim().is_empty());
    at_most(WHAT, blocks().take(UNITS_MAX + 1).count(), UNITS_MAX)?;
    blocks().map(|block| service_state(block).ok_or_else(|| ParseError::missing(WHAT, "ActiveState"))).collect()
}

/// The longest number of a run, in characters: 128 bits in hexadecimal.
const INVOCATION_CHARS: usize = 32;
/// The time limit of starting a service, in seconds; systemd's own is 90 s (`DefaultTimeoutStartSec`).
const RESTART_LIMIT_S: u32 = 95;

/// `systemctl show` for the run of one service: whether it is active, and systemd's number of it.
#[must_use]
pub fn run(service: Service) -> CommandLine {
    CommandLine::reads("systemctl").args(["show", "-p", "ActiveState,InvocationID"]).arg(service.name())
}

/// What [`run`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRun {
    state: String,
    /// Empty where it never ran.
    invocation: String,
}

impl ServiceRun {
    /// The number of the run, where there is one now.
    #[must_use]
    pub fn active(&self) -> Option<&str> {
        (self.state == "active").then_some(self.invocation.as_str())
    }
}

/// # Errors
/// No `ActiveState`, or an active service without a number of its run (`InvocationID`, systemd.exec(5)).
pub fn run_of(answer: Answer<'_>) -> Result<ServiceRun, ParseError> {
    const WHAT: &str = "systemctl show";
    let mut found = properties(&answer.printed(WHAT, &[0])?);
    let state = found.remove("ActiveState").ok_or_else(|| ParseError::missing(WHAT, "ActiveState"))?;
    let invocation = found.remove("InvocationID").unwrap_or_default();
    let fits = invocation.len() == INVOCATION_CHARS && invocation.chars().all(|c| c.is_ascii_hexdigit());
    if state == "active" && !fits {
        return Err(ParseError::missing(WHAT, "InvocationID"));
    }
    Ok(ServiceRun { state, invocation })
}

/// Ends a service and starts it again.
#[must_use]
pub fn restart(service: Service) -> CommandLine {
    CommandLine::changes("systemctl").arg("restart").arg(service.name()).limit_s(RESTART_LIMIT_S)
}

fn service_state(block: &str) -> Option<ServiceState> {
    let mut found = properties(block);
    let active = found.remove("ActiveState")?;
    Some(ServiceState {
        id: found.remove("Id"),
        load: found.remove("LoadState"),
        active,
        sub: found.remove("SubState"),
        result: found.remove("Result"),
        restarts: found.get("NRestarts").and_then(|text| text.parse().ok()),
        main_status: found.get("ExecMainStatus").and_then(|text| text.parse().ok()),
    })
}

/// `Name=value` lines, cleaned; the first of several equal names stays, and lines beyond the limit are not what was asked.
pub(crate) fn properties(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines().take(PROPERTIES_MAX) {
        if let Some((name, value)) = line.split_once('=') {
            found.entry(clean_text(name.trim())).or_insert_with(|| clean_text(value.trim()));
        }
    }
    found
}
