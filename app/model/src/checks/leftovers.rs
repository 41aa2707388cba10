//! What an earlier life of a node may have left.

pub mod corosync_down;
pub mod corosync_state;
pub mod pmxcfs_database;
pub mod renamed_node;
