//! What carries a join that died midway through, or takes it back (`PVE::Cluster::Setup::finish_join` of pve-cluster
//! is what both follow).

use crate::command::CommandLine;
use crate::files::{NodeFile, NodeFolder};
use crate::systemd::Service;
use model::name::NodeName;

/// The time limit of starting or stopping both daemons, in seconds.
const SERVICES_LIMIT_S: u32 = 60;
/// The time limit of reading a database back, in seconds; those of nodes have some megabytes.
const DATABASE_LIMIT_S: u32 = 60;
/// What the cluster's files are called by once they are set aside.
const ASIDE: &str = ".quorate-undone";
/// Stands for no backup.
const NO_BACKUP: &str = "-";

/// Takes a node's cluster files out of the way and, where a join has moved it away, reads its own database back:
/// `alone AUTHKEY CONFIGURATION DATABASE BACKUP`. Nothing is deleted; pmxcfs starts again at the end.
///
/// The database is built beside its place and takes it in one move, so that a broken copy leaves everything as it was.
const ALONE_SCRIPT: &str = "systemctl is-active -q corosync && exit 75; systemctl is-active -q pve-cluster && exit 75; umask 077; \
    if [ \"$4\" != - ]; then n=$3.quorate; rm -f \"$n\" \"$n.sql\"; zcat \"$4\" >\"$n.sql\" && sqlite3 \"$n\" <\"$n.sql\" && rm -f \"$n.sql\" || exit 1; \
    [ ! -e \"$3\" ] || mv -f -T \"$3\" \"$3.quorate-undone\" || exit 1; rm -f \"$3-wal\" \"$3-shm\"; mv -f -T \"$n\" \"$3\" || exit 1; fi; \
    for f in \"$1\" \"$2\"; do [ ! -e \"$f\" ] || mv -f -T \"$f\" \"$f.quorate-undone\" || exit 1; done; systemctl start pve-cluster";
const ALONE_NAME: &str = "alone";

/// `systemctl start corosync pve-cluster`, as the join itself does it.
#[must_use]
pub fn start_services() -> CommandLine {
    CommandLine::changes("systemctl")
        .arg("start")
        .args([Service::Corosync.name(), Service::PveCluster.name()])
        .limit_s(SERVICES_LIMIT_S)
}

/// `systemctl stop pve-cluster corosync`: what writes corosync's configuration goes first.
#[must_use]
pub fn stop_services() -> CommandLine {
    CommandLine::changes("systemctl")
        .arg("stop")
        .args([Service::PveCluster.name(), Service::Corosync.name()])
        .limit_s(SERVICES_LIMIT_S)
}

/// Removes a node's folder in `/etc/pve/nodes` as far as it holds nothing but folders.
#[must_use]
pub fn remove_empty_folder(node: &NodeName) -> CommandLine {
    CommandLine::changes("find")
        .arg(NodeFolder::PveNode(node.clone()).path())
        .args(["-depth", "-type", "d", "-empty", "-delete"])
}

/// The node by itself again; `None` for a name that no backup of `pvecm` has.
#[must_use]
pub fn stand_alone(backup: Option<&str>) -> Option<CommandLine> {
    let backup = match backup {
        None => NO_BACKUP.to_owned(),
        Some(name) if is_backup(name) => format!("{}/{name}", NodeFolder::PmxBackups.path()),
        Some(_) => return None,
    };
    let command = CommandLine::changes("sh")
        .args(["-c", ALONE_SCRIPT, ALONE_NAME])
        .arg(NodeFile::CorosyncAuthkey.path())
        .arg(NodeFile::LocalCorosyncConf.path())
        .arg(NodeFile::PmxDatabase.path())
        .arg(backup);
    Some(command.limit_s(DATABASE_LIMIT_S))
}

/// The newest of the copies that joins have made of the node's own database: `config-SECONDS.sql.gz`.
#[must_use]
pub fn newest_backup(names: &[String]) -> Option<String> {
    let made =
        |name: &&String| name.get("config-".len()..).and_then(|rest| rest.split('.').next()?.parse::<u64>().ok());
    names.iter().filter(|name| is_backup(name)).max_by_key(made).cloned()
}

fn is_backup(name: &str) -> bool {
    let middle = name.strip_prefix("config-").and_then(|rest| rest.strip_suffix(".sql.gz"));
    middle.is_some_and(|digits| !digits.is_empty() && digits.len() <= 12 && digits.chars().all(|c| c.is_ascii_digit()))
}

/// What a set-aside file is called: `/etc/corosync/authkey.quorate-undone`.
#[must_use]
pub fn aside(file: &NodeFile) -> String {
    format!("{}{ASIDE}", file.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_copy_is_found_and_nothing_else_is_one() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let found = newest_backup(&names(&[
            "config-99.sql.gz",
            "config-1795335480.sql.gz",
            "config-1700000000.sql.gz",
            "config-9999999999.sql",
            "config-../../x.sql.gz",
            "config.db.1795335999.bak",
        ]));
        assert_eq!(found.as_deref(), Some("config-1795335480.sql.gz"));
        assert_eq!(newest_backup(&names(&["config-.sql.gz", "x"])), None);
    }

    #[test]
    fn only_a_copy_by_its_name_is_read_back() {
        assert!(stand_alone(Some("config-1;rm -rf.sql.gz")).is_none());
        assert!(stand_alone(Some("../config-1.sql.gz")).is_none());
        let command = stand_alone(Some("config-17.sql.gz")).expect("a command");
        assert_eq!(command.argv().last(), Some(&"/var/lib/pve-cluster/backup/config-17.sql.gz"));
        assert_eq!(stand_alone(None).expect("a command").argv().last(), Some(&"-"));
        assert_eq!(aside(&NodeFile::CorosyncAuthkey), "/etc/corosync/authkey.quorate-undone");
    }
}
