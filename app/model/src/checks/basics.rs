//! What nodes must have in common beside the eight checks of the seed.

pub mod clock_service;
pub mod clock_source;
pub mod cluster_name;
pub mod corosync_version;
pub mod firewall;
pub mod host_link;
pub mod join_api;
pub mod migration_ports;
pub mod quiet_shell;
pub mod sshd_settings;
pub mod time_zone;
