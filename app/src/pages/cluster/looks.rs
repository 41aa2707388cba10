//! The colour of what is shown: what it is, and what its age makes of it.

use crate::components::Tone;
use model::observation::Freshness;
use model::topology::{Aged, NodeState, PairLink, Partition, QdeviceState, Snapshot, Standing};

#[must_use]
pub fn of_node(node: &NodeState) -> Tone {
    Tone::from(node.membership).aged(node.freshness)
}

#[must_use]
pub fn of_link(link: &PairLink) -> Tone {
    Tone::from(link.health).aged(link.freshness)
}

#[must_use]
pub fn of_device(device: &Aged<QdeviceState>) -> Tone {
    let tone = if device.fact.value.works() { Tone::Good } else { Tone::Bad };
    tone.aged(device.freshness)
}

/// It casts its votes, and not for every member: its daemon runs on some nodes only, or reaches its host from some only.
#[must_use]
pub const fn votes_partly(device: &QdeviceState) -> bool {
    device.votes > 0 && !device.votes_for_all
}

/// Of the badge *Quorate*.
#[must_use]
pub fn of_standing(snapshot: &Snapshot) -> Tone {
    let tone = match snapshot.standing() {
        Standing::Quorate => Tone::Good,
        Standing::NotQuorate | Standing::Disputed { .. } => Tone::Bad,
        Standing::Unknown => Tone::Unknown,
    };
    tone.aged(quorum_freshness(snapshot))
}

#[must_use]
pub fn quorum_freshness(snapshot: &Snapshot) -> Freshness {
    snapshot.quorum.as_ref().map_or(Freshness::Unknown, |aged: &Aged<Partition>| aged.freshness)
}
