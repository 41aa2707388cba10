//! The reference model of a Proxmox cluster: corosync's membership and votes, pmxcfs, the QDevice.
//!
//! Pure: it moves only when [`World::advance`](crate::world::World::advance) is told what time it is.

pub(crate) mod addnode;
pub(crate) mod config;
pub(crate) mod corosync;
pub(crate) mod links;
pub(crate) mod membership;
pub(crate) mod pmxcfs;
pub(crate) mod pvefs;
pub(crate) mod qdevice;
pub(crate) mod votes;

#[cfg(test)]
mod tests;
