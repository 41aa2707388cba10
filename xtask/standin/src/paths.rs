//! Where things are on a lab node.

/// The binary that all stand-ins are links to.
pub const STANDIN: &str = "/usr/local/lib/quorate-lab/standin";
/// What kind of host this is: `pve` or `qnetd`.
pub const KIND: &str = "/etc/quorate-lab/kind";
/// Units that were enabled beyond the ones every node starts, one a line.
pub const ENABLED: &str = "/etc/quorate-lab/enabled";
/// Another version of Proxmox VE to claim, `MANAGER REPOID KERNEL`, when a test needs one.
pub const CLAIMED_VERSION: &str = "/etc/quorate-lab/pve-version";
/// Where the node's init takes requests.
pub const CONTROL: &str = "/run/quorate-lab-init.sock";
/// The node's journal: one JSON object a line, kept over reboots.
pub const JOURNAL: &str = "/var/log/quorate-lab-journal.json";

pub const CLUSTER_CONF: &str = "/etc/pve/corosync.conf";
pub const LOCAL_CONF: &str = "/etc/corosync/corosync.conf";
pub const AUTHKEY: &str = "/etc/corosync/authkey";
pub const DATABASE: &str = "/var/lib/pve-cluster/config.db";
pub const BACKUPS: &str = "/var/lib/pve-cluster/backup";
pub const ROOT_KEY: &str = "/root/.ssh/id_rsa";
