//! What a scenario is played on.

use lab::Fault;

use crate::Answer;
use crate::scenario::Wait;

/// A lab: simulated, or of real parts.
#[allow(async_fn_in_trait, reason = "used by this crate's own programs only, which need no Send")]
pub trait Side {
    /// `simulated` or `real`, as `differences.toml` names it.
    fn name(&self) -> &'static str;

    /// The cluster of a scenario is there from the beginning, and needs not to be built by commands.
    fn comes_clustered(&self) -> bool;

    /// Runs a line as root on a node.
    ///
    /// # Errors
    /// The node cannot be asked at all.
    async fn run(&self, node: &str, line: &str, stdin: &str) -> anyhow::Result<Answer>;

    /// Switches a fault on or off.
    ///
    /// # Errors
    /// The fault makes no sense there.
    async fn inject(&self, fault: &Fault) -> anyhow::Result<()>;

    /// Waits.
    ///
    /// # Errors
    /// What is waited for does not come.
    async fn wait(&self, wait: &Wait) -> anyhow::Result<()>;
}

/// The questions of the suite: every command of the cluster's tools that tells a state.
pub const QUESTIONS: [&str; 25] = [
    "pvecm status",
    "pvecm nodes",
    "corosync-quorumtool -s",
    "corosync-quorumtool -l",
    "corosync-quorumtool -siH",
    "corosync-cfgtool -s",
    "corosync-cfgtool -n",
    "corosync-cfgtool -s -b",
    "corosync-cmapctl",
    "corosync-cmapctl -m stats",
    "corosync-cmapctl -g totem.config_version",
    "corosync-qdevice-tool -sv",
    "cat /etc/pve/.members",
    "cat /etc/pve/.version",
    "cat /etc/pve/.vmlist",
    "cat /etc/pve/corosync.conf",
    "cat /etc/corosync/corosync.conf",
    "ls /etc/pve/nodes/pve1/pve-ssl.pem",
    "systemctl is-active corosync pve-cluster corosync-qdevice",
    "systemctl show corosync -p ActiveState,SubState,Result,ExecMainStatus",
    "journalctl -u corosync -u pve-cluster -n 3 --no-pager -o json",
    "ha-manager status",
    "qm list",
    "pveversion",
    "pvecm apiver",
];
