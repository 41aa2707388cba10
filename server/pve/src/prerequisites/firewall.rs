//! Proxmox VE's firewall, and what the kernel filters whoever asked for it.

use super::Question;
use crate::answer::Answer;
use crate::command::{CommandLine, LARGE_OUTPUT_MAX_BYTES};
use crate::error::{ParseError, Reason};
use model::facts::host::Ruleset;
use model::preflight::Source;
use serde_json::Value;

/// corosync's ports: link 0 to link 7.
const COROSYNC_PORTS: std::ops::RangeInclusive<u64> = 5405..=5412;
/// Beginnings of chains' and tables' names, and whose they are.
const FOREIGN: [(&str, &str); 4] =
    [("ufw", "ufw"), ("firewalld", "firewalld"), ("docker", "docker"), ("br-docker", "docker")];
const PVE: [&str; 2] = ["pvefw", "proxmox-firewall"];

pub(super) fn all() -> Vec<Question> {
    let ruleset = CommandLine::reads("nft").args(["-j", "list", "ruleset"]).output_max(LARGE_OUTPUT_MAX_BYTES);
    vec![
        Question::new(Source::Firewall, CommandLine::reads("pve-firewall").arg("status"), |answer, found| {
            const WHAT: &str = "pve-firewall status";
            let text = answer.printed(WHAT, &[0])?;
            let status = text.lines().find_map(|line| line.trim().strip_prefix("Status: "));
            let status = status.ok_or_else(|| ParseError::malformed(WHAT, "the status", &text))?;
            found.host.firewall = Ok(status.starts_with("enabled"));
            Ok(())
        }),
        Question::new(Source::Ruleset, ruleset, |answer, found| {
            found.host.ruleset = Ok(rules(answer)?);
            Ok(())
        }),
    ]
}

fn rules(answer: Answer<'_>) -> Result<Ruleset, ParseError> {
    const WHAT: &str = "nft list ruleset";
    let text = answer.printed(WHAT, &[0])?;
    let bad = || ParseError::at(WHAT, &text, Reason::Malformed("the JSON"));
    let whole: Value = serde_json::from_str(&text).map_err(|_| bad())?;
    let items = whole.get("nftables").and_then(Value::as_array).filter(|items| !items.is_empty()).ok_or_else(bad)?;
    // nft always says first who it is, also where there are no rules.
    if !items.iter().any(|item| item.get("metainfo").is_some()) {
        return Err(ParseError::missing(WHAT, "nft's own version"));
    }
    let mut found = Ruleset::default();
    for item in items {
        if let Some(chain) = item.get("chain").or_else(|| item.get("table")) {
            chain_or_table(chain, &mut found);
        }
        if let Some(rule) = item.get("rule") {
            found.opens_corosync |= opens(rule);
        }
    }
    Ok(found)
}

fn chain_or_table(item: &Value, found: &mut Ruleset) {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    found.drops_input |= text("hook") == "input" && text("policy") == "drop";
    let name = text("name");
    found.by_pve |= PVE.iter().any(|start| name.starts_with(start));
    let foreign = FOREIGN.iter().find(|(start, _)| name.starts_with(start));
    found.foreign.extend(foreign.map(|(_, whose)| (*whose).to_owned()));
}

/// An accepting rule whose port is one of corosync's, or that only asks where packets come from.
fn opens(rule: &Value) -> bool {
    let parts = rule.get("expr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let accepts = parts.iter().any(|part| part.get("accept").is_some());
    let matches: Vec<&Value> = parts.iter().filter_map(|part| part.get("match")).collect();
    let field = |one: &Value| one.pointer("/left/payload/field").and_then(Value::as_str).map(str::to_owned);
    let port = matches.iter().filter(|one| field(one).as_deref() == Some("dport")).any(|one| covers(one.get("right")));
    let source = matches.len() == 1 && matches.iter().all(|one| field(one).as_deref() == Some("saddr"));
    accepts && (port || source)
}

fn covers(right: Option<&Value>) -> bool {
    match right {
        Some(Value::Number(number)) => number.as_u64().is_some_and(|port| COROSYNC_PORTS.contains(&port)),
        Some(Value::Object(object)) => {
            let ends = |list: &Value| Some((list.get(0)?.as_u64()?, list.get(1)?.as_u64()?));
            let range = object.get("range").and_then(ends);
            let set = object.get("set").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            range.is_some_and(|(low, high)| low <= *COROSYNC_PORTS.start() && high >= *COROSYNC_PORTS.start())
                || set.iter().any(|one| covers(Some(one)))
        }
        _ => false,
    }
}
