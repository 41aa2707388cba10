//! Which real cards are behind an interface.

use crate::facts::host::Device;
use std::collections::BTreeSet;

/// VLANs on bonds on bridges: so deep at most.
const DEPTH_MAX: usize = 8;

/// The names of the real or otherwise last devices below an interface; itself where nothing is below.
pub fn below<'a>(devices: &'a [Device], name: &'a str) -> BTreeSet<&'a str> {
    let mut open = vec![(name, 0)];
    let mut seen = BTreeSet::from([name]);
    let mut last = BTreeSet::new();
    while let Some((name, depth)) = open.pop() {
        let own = devices.iter().find(|one| one.name == name);
        let vlan = own.filter(|one| one.kind.as_deref() == Some("vlan")).and_then(|one| one.lower.as_deref());
        let members = devices.iter().filter(|one| one.master.as_deref() == Some(name)).filter(|one| carries(one));
        let lower: Vec<&str> = members.map(|one| one.name.as_str()).chain(vlan).collect();
        if lower.is_empty() || depth >= DEPTH_MAX {
            last.insert(name);
        }
        open.extend(lower.into_iter().filter(|lower| seen.insert(lower)).map(|lower| (lower, depth + 1)));
    }
    last
}

/// Guests' interfaces are members of bridges too, but no way out.
fn carries(device: &Device) -> bool {
    let guest = ["tap", "veth", "fwln", "fwpr", "fwbr"].iter().any(|start| device.name.starts_with(start));
    !guest
}

/// The slot of a card: its bus address without the function.
pub fn slot(bus: &str) -> &str {
    bus.rsplit_once('.').map_or(bus, |(slot, _)| slot)
}
