//! `timedatectl`, `chronyc`, and which services run.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::host;
use model::facts::host::{ClockTracking, TimeSource};
use model::preflight::Source;
use std::collections::BTreeMap;

/// What is asked for in one call, in the order of its answer.
const UNITS: [&str; 8] =
    ["corosync", "pve-cluster", "pveproxy", "pvedaemon", "pvestatd", "chrony", "systemd-timesyncd", "ntpsec"];
/// `systemctl is-active` where some, or none, of the units run, or are not known.
const EXITS: [i32; 3] = [0, 3, 4];
/// The fields of a line of `chronyc -c tracking`.
const TRACKING_FIELDS: usize = 14;
/// Of them the system's offset in seconds.
const OFFSET_FIELD: usize = 4;
const SOURCES_MAX: usize = 256;
const MICROS_PER_S: f64 = 1e6;

pub(super) fn second() -> [Question; 4] {
    [
        Question::new(Source::TimeSync, host::time_status(), |answer, found| {
            found.time_sync = Ok(host::time(answer)?);
            Ok(())
        }),
        Question::new(
            Source::Services,
            CommandLine::reads("systemctl").arg("is-active").args(UNITS),
            |answer, found| {
                found.host.services = Ok(states(answer)?);
                Ok(())
            },
        ),
        Question::new(Source::TimeTracking, chronyc("tracking"), |answer, found| {
            found.host.time_tracking = Ok(tracking(answer)?);
            Ok(())
        }),
        Question::new(Source::TimeSources, chronyc("sources"), |answer, found| {
            found.host.time_sources = Ok(sources(answer)?);
            Ok(())
        }),
    ]
}

pub(crate) fn chronyc(what: &str) -> CommandLine {
    CommandLine::reads("chronyc").args(["-n", "-c", what])
}

fn states(answer: Answer<'_>) -> Result<BTreeMap<String, String>, ParseError> {
    const WHAT: &str = "systemctl is-active";
    let text = answer.text(WHAT)?;
    let states: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !EXITS.contains(&answer.exit) || states.is_empty() {
        return Err(answer.failure(WHAT));
    }
    let plain = |state: &&str| state.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if states.len() != UNITS.len() || !states.iter().all(plain) {
        return Err(ParseError::malformed(WHAT, "one state per unit", &text));
    }
    Ok(UNITS.iter().zip(states).map(|(unit, state)| ((*unit).to_owned(), state.to_owned())).collect())
}

pub(crate) fn tracking(answer: Answer<'_>) -> Result<ClockTracking, ParseError> {
    const WHAT: &str = "chronyc tracking";
    let text = answer.printed(WHAT, &[0])?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<&str> = line.split(',').collect();
    let bad = || ParseError::malformed(WHAT, "the fields", line);
    if fields.len() != TRACKING_FIELDS {
        return Err(bad());
    }
    let offset: f64 = fields.get(OFFSET_FIELD).and_then(|field| field.parse().ok()).ok_or_else(bad)?;
    let micros = (offset.abs() * MICROS_PER_S).round();
    if !micros.is_finite() {
        return Err(bad());
    }
    // A cast of a float saturates.
    Ok(ClockTracking { offset_us: micros as u64, synchronised: fields.last() != Some(&"Not synchronised") })
}

fn sources(answer: Answer<'_>) -> Result<Vec<TimeSource>, ParseError> {
    const WHAT: &str = "chronyc sources";
    let text = answer.printed(WHAT, &[0])?;
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut fields = line.split(',');
        let (Some(mode), Some(state), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(ParseError::malformed(WHAT, "a source", line));
        };
        if !["^", "=", "#"].contains(&mode) || name.is_empty() {
            return Err(ParseError::malformed(WHAT, "a source", line));
        }
        found.push(TimeSource { name: clean_text(name), selected: state == "*" });
        at_most(WHAT, found.len(), SOURCES_MAX)?;
    }
    if found.is_empty() { Err(ParseError::new(WHAT, Reason::Empty)) } else { Ok(found) }
}
