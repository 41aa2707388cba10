//! HA as the CRM keeps it in `/etc/pve/ha/manager_status`: what `ha-manager status` prints, without its Perl.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const WHAT: &str = "/etc/pve/ha/manager_status";
/// The most services that are read.
const SERVICES_MAX: usize = 1 << 14;

/// Services that the CRM starts elsewhere once their node is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recoverable {
    /// Service (`vm:100`) -> the node that it is on, as the CRM last wrote it.
    pub on: BTreeMap<String, String>,
    /// HA is disarmed: nothing at all is started before it is armed again.
    pub disarmed: bool,
}

#[derive(Default, Deserialize)]
struct RawStatus {
    #[serde(default)]
    service_status: BTreeMap<String, RawService>,
    /// From pve-ha-manager 5.1.3 on, and only while HA is not armed.
    #[serde(default)]
    disarm: Option<Value>,
}

#[derive(Deserialize)]
struct RawService {
    node: String,
    #[serde(default)]
    state: String,
}

/// States in which the CRM starts a service nowhere else, whatever becomes of its node (`PVE::HA::Manager`). Any other one, also
/// one that is not known here, is told.
const STAYING: [&str; 6] = ["stopped", "request_stop", "disabled", "ignored", "freeze", "error"];
/// Of `disarm`: every node has let its watchdog go. Before that the CRM still ends what it has begun.
const DISARMED: &str = "disarmed";
/// States in which the CRM takes a service from one node to another (`PVE::HA::Manager`).
const MOVING: [&str; 4] = ["fence", "recovery", "migrate", "relocate"];

/// `cat /etc/pve/ha/manager_status`
#[must_use]
pub fn cat_manager_status() -> CommandLine {
    CommandLine::reads("cat").arg(WHAT)
}

/// Services that would be started elsewhere. Where HA was never used there is no such file, and no service.
///
/// # Errors
/// Text that is not the CRM's JSON.
pub fn services(answer: Answer<'_>) -> Result<Recoverable, ParseError> {
    let status = read_status(answer)?;
    let state = status.disarm.as_ref().and_then(|disarm| disarm.get("state")?.as_str());
    if state == Some(DISARMED) {
        return Ok(Recoverable { on: BTreeMap::new(), disarmed: true });
    }
    let recovers = |(_, raw): &(String, RawService)| !STAYING.contains(&raw.state.as_str());
    let one = |(service, raw): (String, RawService)| (clean_text(&service), clean_text(&raw.node));
    Ok(Recoverable { on: status.service_status.into_iter().filter(recovers).map(one).collect(), disarmed: false })
}

/// Services that are on their way from one node to another at this moment, or wait for a node to be fenced.
///
/// # Errors
/// Text that is not the CRM's JSON.
pub fn moving(answer: Answer<'_>) -> Result<Vec<String>, ParseError> {
    let moves = |(_, raw): &(String, RawService)| MOVING.contains(&raw.state.as_str());
    let services = read_status(answer)?.service_status;
    Ok(services.into_iter().filter(moves).map(|(service, _)| clean_text(&service)).collect())
}

fn read_status(answer: Answer<'_>) -> Result<RawStatus, ParseError> {
    let text = match answer.printed(WHAT, &[0]) {
        Ok(text) => text,
        Err(error) if error.reason == Reason::NoSuchFile => return Ok(RawStatus::default()),
        Err(error) => return Err(error),
    };
    let status: RawStatus = serde_json::from_str(&text).map_err(|_| ParseError::malformed(WHAT, "JSON", &text))?;
    at_most(WHAT, status.service_status.len(), SERVICES_MAX)?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, exit: i32) -> Result<BTreeMap<String, String>, ParseError> {
        services(Answer::new(text.as_bytes(), b"", exit)).map(|told| told.on)
    }

    #[test]
    fn services_are_where_the_crm_has_written_them() {
        // Recorded on Proxmox VE 9.2.
        let text = r#"{"timestamp":1795337476,"node_status":{"pve3":"online","pve1":"online","pve2":"online"},"service_status":{"vm:100":{"node":"pve1","uid":"6luveoKPEbRVGJ4TXT6r5A","running":1,"state":"started"},"vm:103":{"running":1,"uid":"X2PTAxUZWCucHLa7hGSK1w","state":"started","node":"pve3"}},"master_node":"pve3"}"#;
        let found = read(text, 0).expect("readable");
        assert_eq!(found, BTreeMap::from([("vm:100".into(), "pve1".into()), ("vm:103".into(), "pve3".into())]));
        assert!(moving(Answer::ok(text.as_bytes())).expect("readable").is_empty(), "both stand still");
        for state in MOVING {
            let text = text.replacen("started", state, 1);
            assert_eq!(moving(Answer::ok(text.as_bytes())).expect("readable"), ["vm:100"], "{state}");
        }
        assert!(read("{}", 0).expect("no service yet").is_empty());
        assert!(read("", 0).is_err(), "silence is no answer");
        assert!(read("\u{1b}[31m", 0).is_err() && read("[1]", 0).is_err());
    }

    fn in_state(state: &str) -> String {
        format!(r#"{{"service_status":{{"vm:100":{{"node":"pve1","state":"{state}"}}}},"master_node":"pve1"}}"#)
    }

    #[test]
    fn only_what_the_crm_would_start_elsewhere_is_told() {
        for state in ["started", "request_start", "request_start_balance", "fence", "recovery", "migrate", "relocate"] {
            assert_eq!(read(&in_state(state), 0).expect("readable").len(), 1, "{state}");
        }
        for state in STAYING {
            assert!(read(&in_state(state), 0).expect("readable").is_empty(), "{state}");
        }
        assert_eq!(read(&in_state("from_the_future"), 0).expect("readable").len(), 1, "what is not known is told");
    }

    #[test]
    fn while_ha_is_disarmed_nothing_is_started() {
        let with = |disarm: &str| in_state("started").replacen('{', &format!("{{\"disarm\":{disarm},"), 1);
        let told = |disarm: &str| {
            let told = services(Answer::ok(with(disarm).as_bytes())).expect("readable");
            (told.on.len(), told.disarmed)
        };
        assert_eq!(told(r#"{"mode":"ignore","state":"disarmed"}"#), (0, true));
        // What is under way is ended first.
        assert_eq!(told(r#"{"mode":"ignore","state":"disarming"}"#), (1, false));
        for other in ["null", r#"{"mode":"freeze"}"#, "1"] {
            assert_eq!(told(other), (1, false), "{other}");
        }
        assert_eq!(moving(Answer::ok(with("null").as_bytes())), Ok(Vec::new()));
    }

    #[test]
    fn a_cluster_without_ha_has_no_file() {
        let message = b"cat: /etc/pve/ha/manager_status: No such file or directory\n";
        assert_eq!(services(Answer::new(b"", message, 1)), Ok(Recoverable::default()));
        assert!(services(Answer::new(b"", b"cat: Input/output error\n", 1)).is_err());
    }
}
