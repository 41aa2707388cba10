//! Where things are on a lab node.

/// The binary that all stand-ins are links to.
pub const STANDIN: &str = "/usr/local/lib/quorate-lab/standin";
/// Where apt keeps what it has read of the package lists.
pub const APT_CACHE: &str = "/var/cache/quorate-lab-apt";
/// What kind of host this is: `pve` or `qnetd`.
pub const KIND: &str = "/etc/quorate-lab/kind";
/// Units that were enabled beyond the ones every node starts, one a line.
pub const ENABLED: &str = "/etc/quorate-lab/enabled";
/// Another version of Proxmox VE to claim, `MANAGER REPOID KERNEL`, when a test needs one.
pub const CLAIMED_VERSION: &str = "/etc/quorate-lab/pve-version";
/// The time zone that `timedatectl` tells, where somebody has set one.
pub const TIME_ZONE: &str = "/etc/quorate-lab/timezone";
/// The system's UUID, which its BMC tells too.
pub const UUID: &str = "/etc/quorate-lab/uuid";
/// What a node that only answers over SSH says, by command line.
pub const ANSWERS: &str = "/etc/quorate-lab/answers";
/// How far the node's clock is moved, as libfaketime reads it, and the library that moves it.
pub const MOVED_CLOCK: &str = "/etc/faketimerc";
pub const MOVED_BY: &str = "/etc/quorate-lab/faketime";
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
