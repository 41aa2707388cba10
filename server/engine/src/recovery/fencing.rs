//! The time in which a node with armed HA may still reset itself, or still run what it has: nothing is lowered before it is
//! over (T02 of troubleshooting; `watchdog-mux` of pve-ha-manager: 60 s, and the device's 10 s).

use super::Told;
use crate::limits::FENCE_WINDOW_S;
use jiff::{SignedDuration, Timestamp};
use model::problem::{Problem, ProblemCode};
use model::recovery::Absent;

/// `heard` are those of the side; `lost_at` is when the quorum was seen to go.
pub fn window<'a>(
    heard: impl Iterator<Item = &'a Told>,
    absent: &[Absent],
    lost_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Problem> {
    let over = lost_at?.checked_add(SignedDuration::from_secs(FENCE_WINDOW_S)).ok()?;
    let left = over.duration_since(now).as_secs();
    let here = heard.filter(|one| one.armed).map(|one| one.node.label().to_owned());
    // Whom its BMC has read as off is past that.
    let has_services =
        |node: &&Absent| node.read_off().is_none() && node.services.as_ref().is_some_and(|all| !all.is_empty());
    let away = absent.iter().filter(has_services).map(|node| node.name.clone());
    let nodes: Vec<String> = here.chain(away).collect();
    let armed = left > 0 && !nodes.is_empty();
    armed.then(|| Problem::new(ProblemCode::FenceWindow).with("nodes", nodes.join(", ")).with("seconds", left))
}
