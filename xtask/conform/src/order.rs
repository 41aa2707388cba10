//! Who knows what when: the order in which corosync's journal tells it.

use crate::normal::message_shape;

/// Words of a message, and what it tells.
const EVENTS: [(&str, &str); 6] = [
    ("was shut down by sysadmin", "left-cleanly"),
    ("is down", "link-down"),
    ("is up", "link-up"),
    ("A new membership", "membership"),
    ("within the primary component", "quorum-gained"),
    ("within the non-primary component", "quorum-lost"),
];

/// The events in a journal's lines; the same one several times in a row counts once.
pub fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    for line in lines.filter(|line| line.contains("corosync[")) {
        let shape = message_shape(line);
        let event = EVENTS.iter().find(|(words, _)| shape.contains(words)).map(|(_, event)| (*event).to_owned());
        if let Some(event) = event.filter(|event| events.last() != Some(event)) {
            events.push(event);
        }
    }
    events
}

/// Each event where it was told first: with two links, the second one's end is no news about the node.
pub fn first_known<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    for event in of(lines) {
        if !events.contains(&event) {
            events.push(event);
        }
    }
    events
}
