//! What lldpd knows of the switches at the other end of each card, where it is installed.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use model::facts::host::SwitchSeen;
use model::preflight::Source;
use serde_json::Value;

const NEIGHBOURS_MAX: usize = 256;

/// `json0` is the form of lldpctl in which every level is a list, however many things are in it (lldpcli(8)).
pub(super) fn third() -> Vec<Question> {
    let command = CommandLine::reads("lldpctl").args(["-f", "json0"]);
    vec![Question::new(Source::Lldp, command, |answer, found| {
        found.host.switches = Ok(switches(answer)?);
        Ok(())
    })]
}

fn switches(answer: Answer<'_>) -> Result<Vec<SwitchSeen>, ParseError> {
    const WHAT: &str = "lldpctl";
    let text = answer.printed(WHAT, &[0])?;
    let bad = |what| ParseError::malformed(WHAT, what, &text);
    let whole: Value = serde_json::from_str(&text).map_err(|_| bad("JSON"))?;
    let lldp = whole.get("lldp").and_then(Value::as_array).ok_or_else(|| bad("lldp"))?;
    let mut found = Vec::new();
    for one in lldp.iter().filter_map(|one| one.get("interface")?.as_array()).flatten() {
        let name = one.get("name").and_then(Value::as_str).ok_or_else(|| bad("an interface"))?;
        let chassis = one.get("chassis").and_then(|all| all.get(0)).ok_or_else(|| bad("a chassis"))?;
        let id = first_value(chassis, "id").ok_or_else(|| bad("a chassis id"))?;
        let own = first_value(chassis, "name").map(clean_text);
        found.push(SwitchSeen { interface: clean_text(name), chassis: clean_text(id), name: own });
        at_most(WHAT, found.len(), NEIGHBOURS_MAX)?;
    }
    Ok(found)
}

/// `"key": [{"value": "…"}]`
fn first_value<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.get(0)?.get("value")?.as_str()
}
