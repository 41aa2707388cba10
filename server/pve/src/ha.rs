//! HA as the CRM keeps it in `/etc/pve/ha/manager_status`: what `ha-manager status` prints, without its Perl.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use serde::Deserialize;
use std::collections::BTreeMap;

const WHAT: &str = "/etc/pve/ha/manager_status";
/// The most services that are read.
const SERVICES_MAX: usize = 1 << 14;

#[derive(Deserialize)]
struct RawStatus {
    #[serde(default)]
    service_status: BTreeMap<String, RawService>,
}

#[derive(Deserialize)]
struct RawService {
    node: String,
    #[serde(default)]
    state: String,
}

/// States in which the CRM takes a service from one node to another (`PVE::HA::Manager`).
const MOVING: [&str; 4] = ["fence", "recovery", "migrate", "relocate"];

/// `cat /etc/pve/ha/manager_status`
#[must_use]
pub fn cat_manager_status() -> CommandLine {
    CommandLine::reads("cat").arg(WHAT)
}

/// Service (`vm:100`) -> the node that it is on, as the CRM last wrote it. Where HA was never used there is no such file, and no
/// service.
///
/// # Errors
/// Text that is not the CRM's JSON.
pub fn services(answer: Answer<'_>) -> Result<BTreeMap<String, String>, ParseError> {
    let one = |(service, raw): (String, RawService)| (clean_text(&service), clean_text(&raw.node));
    Ok(read_services(answer)?.into_iter().map(one).collect())
}

/// Services that are on their way from one node to another at this moment, or wait for a node to be fenced.
///
/// # Errors
/// Text that is not the CRM's JSON.
pub fn moving(answer: Answer<'_>) -> Result<Vec<String>, ParseError> {
    let moves = |(_, raw): &(String, RawService)| MOVING.contains(&raw.state.as_str());
    Ok(read_services(answer)?.into_iter().filter(moves).map(|(service, _)| clean_text(&service)).collect())
}

fn read_services(answer: Answer<'_>) -> Result<BTreeMap<String, RawService>, ParseError> {
    let text = match answer.printed(WHAT, &[0]) {
        Ok(text) => text,
        Err(error) if error.reason == Reason::NoSuchFile => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let status: RawStatus = serde_json::from_str(&text).map_err(|_| ParseError::malformed(WHAT, "JSON", &text))?;
    at_most(WHAT, status.service_status.len(), SERVICES_MAX)?;
    Ok(status.service_status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, exit: i32) -> Result<BTreeMap<String, String>, ParseError> {
        services(Answer::new(text.as_bytes(), b"", exit))
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

    #[test]
    fn a_cluster_without_ha_has_no_file() {
        let message = b"cat: /etc/pve/ha/manager_status: No such file or directory\n";
        assert!(services(Answer::new(b"", message, 1)).expect("none").is_empty());
        assert!(services(Answer::new(b"", b"cat: Input/output error\n", 1)).is_err());
    }
}
