//! The time zone.

use crate::evidence::{answer, unreadable};
use crate::remedy::zone_in;
use crate::steps::{Probe, StepContext, StepResult, Stop};
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use model::remedy::ZoneName;
use pve::host;

pub async fn of(context: &StepContext<'_>, node: &Node) -> StepResult<Option<ZoneName>> {
    let output = context.read(node, &host::time_status()).await?;
    zone_in(answer(&output)).map_err(|error| Stop::Parked(unreadable(&error, node.label())))
}

pub async fn probe(context: &StepContext<'_>, node: &Node, from: &ZoneName, to: &ZoneName) -> StepResult<Probe> {
    let now = of(context, node).await?;
    match now {
        Some(now) if now == *to => Ok(Probe::AlreadyDone),
        Some(now) if now == *from => Ok(Probe::Needed),
        Some(now) => {
            let moved = Problem::new(ProblemCode::ZoneChanged).with("node", node.label()).with("now", now);
            Err(Stop::Failed(moved))
        }
        None => {
            let garbage = Problem::new(ProblemCode::Garbage).with("node", node.label());
            Err(Stop::Parked(garbage.with("what", "timedatectl show")))
        }
    }
}
