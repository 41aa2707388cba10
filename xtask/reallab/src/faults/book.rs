//! Which faults are in force, kept in a file of the lab.

use std::fs::File;

use anyhow::Context;

use super::{Fault, Kind};
use crate::layout::{Host, file};

const BOOK: &str = "faults.json";

/// The faults in force.
pub fn in_force() -> anyhow::Result<Vec<Fault>> {
    let path = file(BOOK);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| path.display().to_string()),
        Err(_) => Ok(Vec::new()),
    }
}

/// Notes a fault, once.
pub fn note(fault: &Fault) -> anyhow::Result<()> {
    change(|list| {
        list.retain(|one| !one.is_same(fault));
        list.push(fault.clone());
    })
}

/// Forgets a fault that is over.
pub fn strike(fault: &Fault) -> anyhow::Result<()> {
    change(|list| list.retain(|one| !one.is_same(fault)))
}

/// A fresh boot starts all services, and a node that is on is neither killed nor frozen.
pub fn ended_by_power_on(host: &Host) -> anyhow::Result<()> {
    let ends = |fault: &Fault| {
        fault.node == host.name
            && matches!(
                fault.kind,
                Kind::Kill | Kind::Freeze | Kind::StopSshd | Kind::StopCorosync | Kind::StopPmxcfs | Kind::StopQnetd
            )
    };
    change(|list| list.retain(|fault| !ends(fault)))
}

fn change(work: impl FnOnce(&mut Vec<Fault>)) -> anyhow::Result<()> {
    let lock = File::options().create(true).append(true).open(file("faults.lock")).context("faults.lock")?;
    lock.lock().context("faults.lock")?;
    let mut list = in_force()?;
    work(&mut list);
    let next = file("faults.json.next");
    std::fs::write(&next, serde_json::to_vec_pretty(&list)?).context("faults.json")?;
    std::fs::rename(&next, file(BOOK)).context("faults.json")
}
