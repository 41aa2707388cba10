//! `ha-manager status` and `config`: what the files of the CRM and the LRMs say, in the recorded words.
//!
//! Nothing on a lab node decides about services yet; where no CRM ever wrote, the answer is that of a cluster without
//! HA resources.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

use crate::words;

/// A status that is older than this is worth nothing, seconds.
const OLD_S: u64 = 30;
/// How often the lock of the HA files is tried, a second apart, as recorded.
const LOCK_TRIES: usize = 9;
/// EACCES, as Perl's `die` gives it.
const EXIT_NO_LOCK: u8 = 13;
const MANAGER: &str = "/etc/pve/ha/manager_status";
const RESOURCES: &str = "/etc/pve/ha/resources.cfg";

pub fn run(args: &[String]) -> anyhow::Result<u8> {
    match args.first().map(String::as_str) {
        Some("status") => status(args.iter().any(|word| word == "--verbose" || word == "-v")),
        Some("config") => {
            print!("{}", config(&std::fs::read_to_string(RESOURCES).unwrap_or_default()));
            Ok(0)
        }
        Some("rules") => Ok(0),
        Some("crm-command") if !has_quorum() => no_lock(""),
        Some("set" | "add" | "remove") if !has_quorum() => no_lock("update resources config failed: "),
        Some(other) => bail!("ERROR: 'ha-manager {other}' is not there on a lab node"),
        None => bail!("ERROR: no command specified"),
    }
}

/// Whether this node may change something: alone, or with quorum.
fn has_quorum() -> bool {
    let members = std::fs::read_to_string("/etc/pve/.members").unwrap_or_default();
    let members: Value = serde_json::from_str(&members).unwrap_or_default();
    members["cluster"].is_null() || members["cluster"]["quorate"].as_u64() == Some(1)
}

/// Without quorum there is no lock, however often one asks.
fn no_lock(what: &str) -> anyhow::Result<u8> {
    for _ in 0..LOCK_TRIES {
        eprintln!("trying to acquire cfs lock 'domain-ha' ...");
        std::thread::sleep(Duration::from_secs(1));
    }
    eprintln!("{what}cfs-lock 'domain-ha' error: no quorum!");
    Ok(EXIT_NO_LOCK)
}

/// Trap kept on purpose: exit code 0 without quorum too.
fn status(verbose: bool) -> anyhow::Result<u8> {
    let node = words::hostname()?;
    if !has_quorum() {
        println!("quorum No quorum on node '{node}'!\nfencing standby (CRM watchdog standby)");
        return Ok(0);
    }
    let manager: Value = read(MANAGER);
    let mut lrms = BTreeMap::new();
    for name in manager["node_status"].as_object().into_iter().flatten().map(|(name, _)| name.clone()) {
        lrms.insert(name.clone(), read(&format!("/etc/pve/nodes/{name}/lrm_status")));
    }
    print!("{}", report(&manager, &lrms, words::now_us() / 1_000_000, &date));
    if verbose {
        let manager = if manager.is_null() { json!({ "node_status": {} }) } else { manager };
        let state = json!({
            "lrm_status": lrms, "manager_status": manager, "quorum": { "node": node, "quorate": "1" }
        });
        println!("full cluster state:\n{}", perl(&state, 0));
    }
    Ok(0)
}

fn read(path: &str) -> Value {
    std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The lines of `ha-manager status` with quorum.
fn report(manager: &Value, lrms: &BTreeMap<String, Value>, now: u64, date: &dyn Fn(u64) -> String) -> String {
    let mut text = "quorum OK\n".to_owned();
    let is_old = |stamp: u64| now.saturating_sub(stamp) > OLD_S;
    match manager["master_node"].as_str() {
        Some(master) => {
            let stamp = manager["timestamp"].as_u64().unwrap_or_default();
            let state = if is_old(stamp) { "old timestamp - dead?" } else { "active" };
            text.push_str(&format!("master {master} ({state}, {})\n", date(stamp)));
            text.push_str("fencing armed (CRM watchdog active)\n");
        }
        None => text.push_str("fencing standby (CRM watchdog standby)\n"),
    }
    for (name, lrm) in lrms {
        let Some(stamp) = lrm["timestamp"].as_u64() else {
            text.push_str(&format!("lrm {name} (unable to read lrm status)\n"));
            continue;
        };
        let state = match (is_old(stamp), lrm["mode"].as_str(), lrm["state"].as_str()) {
            (true, ..) => "old timestamp - dead?, watchdog standby",
            (_, Some("maintenance"), _) => "maintenance mode, watchdog active",
            (_, _, Some("active")) => "active, watchdog active",
            _ => "idle, watchdog standby",
        };
        text.push_str(&format!("lrm {name} ({state}, {})\n", date(stamp)));
    }
    for (sid, service) in manager["service_status"].as_object().into_iter().flatten() {
        let word = |key: &str| service[key].as_str().unwrap_or_default();
        text.push_str(&format!("service {sid} ({}, {})\n", word("node"), word("state")));
    }
    text
}

/// As Perl's JSON prints it, sorted; without what is not there at all.
fn perl(value: &Value, depth: usize) -> String {
    let Some(object) = value.as_object().filter(|object| !object.is_empty()) else { return value.to_string() };
    let indent = "   ".repeat(depth + 1);
    let there = |value: &Value| depth > 0 || value.as_object().is_none_or(|object| !object.is_empty());
    let rows: Vec<String> = object
        .iter()
        .filter(|(_, value)| there(value))
        .map(|(key, value)| format!("{indent}\"{key}\" : {}", perl(value, depth + 1)))
        .collect();
    format!("{{\n{}\n{}}}", rows.join(",\n"), "   ".repeat(depth))
}

fn date(stamp: u64) -> String {
    let output = Command::new("date").args(["-u", "-d", &format!("@{stamp}"), "+%a %b %e %H:%M:%S %Y"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// `vm: 100` of the file is `vm:100` here; the rest stays.
fn config(file: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((kind, id)) if !line.starts_with(char::is_whitespace) => format!("{kind}:{id}\n"),
        _ => format!("{line}\n"),
    };
    file.trim_end().lines().map(line).chain((!file.trim().is_empty()).then(|| "\n".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on Proxmox VE 9.2, 2026-11-22.
    #[test]
    fn the_whole_state_is_printed_as_perl_does() {
        let state = json!({ "lrm_status": {}, "manager_status": { "node_status": {} }, "quorum": { "node": "pve1", "quorate": "1" } });
        let recorded = "{\n   \"manager_status\" : {\n      \"node_status\" : {}\n   },\n   \"quorum\" : {\n      \"node\" : \"pve1\",\n      \"quorate\" : \"1\"\n   }\n}";
        assert_eq!(perl(&state, 0), recorded);
    }

    #[test]
    fn two_services_look_as_they_were_recorded() {
        let manager = json!({ "node_status": { "pve1": "online", "pve2": "online", "pve3": "online" },
            "service_status": { "vm:100": { "state": "started", "node": "pve1" }, "vm:101": { "node": "pve2", "state": "started" } },
            "master_node": "pve1", "timestamp": 33 });
        let lrm = |state: &str| json!({ "mode": "active", "timestamp": 35, "state": state });
        let lrms = BTreeMap::from([
            ("pve1".to_owned(), lrm("active")),
            ("pve2".to_owned(), lrm("active")),
            ("pve3".to_owned(), lrm("wait_for_agent_lock")),
        ]);
        let date = |stamp| format!("Sun Nov 22 08:20:{stamp} 2026");
        // Recorded on Proxmox VE 9.2, 2026-11-22.
        let recorded = "quorum OK\nmaster pve1 (active, Sun Nov 22 08:20:33 2026)\nfencing armed (CRM watchdog active)\n\
             lrm pve1 (active, watchdog active, Sun Nov 22 08:20:35 2026)\n\
             lrm pve2 (active, watchdog active, Sun Nov 22 08:20:35 2026)\n\
             lrm pve3 (idle, watchdog standby, Sun Nov 22 08:20:35 2026)\n\
             service vm:100 (pve1, started)\nservice vm:101 (pve2, started)\n";
        assert_eq!(report(&manager, &lrms, 36, &date), recorded);
        let old = report(&manager, &lrms, 99, &date);
        assert_eq!(old.matches("old timestamp - dead?").count(), 4, "{old}");
    }

    #[test]
    fn without_resources_there_is_no_master() {
        let text = report(&Value::Null, &BTreeMap::new(), 1, &|_| String::new());
        assert_eq!(text, "quorum OK\nfencing standby (CRM watchdog standby)\n");
        assert_eq!(config(""), "");
        assert_eq!(config("vm: 100\n\tstate started\n\n"), "vm:100\n\tstate started\n\n");
    }
}
