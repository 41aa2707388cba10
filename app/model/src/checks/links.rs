//! The networks that carry the links, and what was measured on them.

pub mod bonds;
pub mod conntrack;
pub mod duplicate_addresses;
pub mod hardware;
pub mod link_addresses;
pub mod link_dedicated;
pub mod link_jitter;
pub mod link_latency;
pub mod link_load;
pub mod link_loss;
pub mod link_mtu;
pub mod link_redundancy;
pub mod link_speed;
pub mod link_subnets;
pub mod link_switches;
pub mod measured;
pub mod reverse_path;
