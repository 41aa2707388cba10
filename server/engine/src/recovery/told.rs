//! What each node says: first what corosync knows, then `/etc/pve`. A file system that hangs takes nothing of the first away.

use super::quotes;
use crate::context::Engine;
use crate::evidence::{answer, unreadable};
use crate::ports::NodeShell;
use model::facts::{CorosyncConf, PmxMembers, QuorumStatus};
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use pve::ha::{self, Recoverable};
use pve::{Answer, Reason, corosync_conf, files, pmxcfs, quorumtool, remedy};
use std::collections::BTreeMap;

/// What one node says.
pub struct Told {
    pub node: Node,
    pub quorum: QuorumStatus,
    /// Or why it has none to show.
    pub conf: Result<CorosyncConf, Problem>,
    pub pve: Pve,
    /// A client holds the watchdog, or may: without quorum it bites.
    pub armed: bool,
    pub evidence: Vec<Evidence>,
}

/// One that did not tell, and what it said instead.
pub struct Mute {
    pub problem: Problem,
    pub evidence: Vec<Evidence>,
}

impl From<Problem> for Mute {
    fn from(problem: Problem) -> Self {
        Self { problem, evidence: Vec::new() }
    }
}

/// What a node reads in its `/etc/pve`; `None` is what it does not know.
#[derive(Debug, Default)]
pub struct Pve {
    /// Where pmxcfs last heard of each node.
    pub members: Option<PmxMembers>,
    /// Guest -> node.
    pub guests: Option<BTreeMap<u32, String>>,
    pub ha: Option<Recoverable>,
    /// Why any of it is not known: mostly `PmxcfsDown`.
    pub unread: Option<Problem>,
}

impl Pve {
    fn of(label: &str, [members, guests, services]: [Answer<'_>; 3]) -> Self {
        let members = pmxcfs::members(members);
        let guests = pmxcfs::guests(guests);
        let services = ha::services(services);
        let errors = [members.as_ref().err(), guests.as_ref().err(), services.as_ref().err()];
        let unread = errors.into_iter().flatten().next().map(|error| match error.reason {
            Reason::NoSuchFile | Reason::TimedOut | Reason::Exit { .. } => down(label, error.line.clone()),
            _ => unreadable(error, label),
        });
        Self {
            // HA's file is missing too where pmxcfs does not run, and that is not a cluster without HA.
            ha: services.ok().filter(|_| members.is_ok()),
            members: members.ok(),
            guests: guests.ok().map(|all| all.into_iter().map(|(id, guest)| (id, guest.node)).collect()),
            unread,
        }
    }

    fn unread(label: &str, line: Option<String>) -> Self {
        Self { unread: Some(down(label, line)), ..Self::default() }
    }
}

fn down(label: &str, line: Option<String>) -> Problem {
    let problem = Problem::new(ProblemCode::PmxcfsDown).with("node", label);
    match line {
        Some(line) => problem.quoting(line),
        None => problem,
    }
}

impl Engine {
    pub(super) async fn ask_for_recovery(&self, node: &Node) -> Result<Told, Mute> {
        const CONF: &str = "/etc/corosync/corosync.conf";
        let commands = [quorumtool::status(), files::local_corosync_conf(), remedy::watchdog_held()];
        let shell = self.shell_to(node).await?;
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        let [quorum, conf, watchdog] = outputs.as_slice() else {
            return Err(Problem::from(ProblemCode::Internal).into());
        };
        let mut evidence = quotes(node, &commands, &outputs);
        // Where corosync does not run there is no side to go on with.
        let quorum = match quorumtool::quorum(answer(quorum)) {
            Ok(quorum) => quorum,
            Err(error) => return Err(Mute { problem: unreadable(&error, node.label()), evidence }),
        };
        let missing = || Problem::new(ProblemCode::NotOnThisMachine).with("node", node.label()).with("what", CONF);
        let conf = corosync_conf::conf(answer(conf)).map_err(|error| unreadable(&error, node.label()));
        let conf = conf.and_then(|conf| conf.ok_or_else(missing));
        let armed = files::yes_or_no(answer(watchdog)).unwrap_or(true);
        let (pve, words) = read_pve(node, shell.as_ref()).await;
        evidence.extend(words);
        Ok(Told { node: node.clone(), quorum, conf, pve, armed, evidence })
    }
}

async fn read_pve(node: &Node, shell: &dyn NodeShell) -> (Pve, Vec<Evidence>) {
    let commands = [pmxcfs::cat_members(), pmxcfs::cat_vmlist(), ha::cat_manager_status()];
    let outputs = match shell.sweep(&commands).await {
        Ok(outputs) => outputs,
        Err(error) => {
            let problem = error.problem().with("node", node.label());
            let unread =
                if problem.code == ProblemCode::NodeHangs { down(node.label(), problem.quote) } else { problem };
            return (Pve { unread: Some(unread), ..Pve::default() }, Vec::new());
        }
    };
    let [members, guests, services] = outputs.as_slice() else {
        return (Pve::unread(node.label(), None), Vec::new());
    };
    let pve = Pve::of(node.label(), [members, guests, services].map(answer));
    (pve, quotes(node, &commands, &outputs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on Proxmox VE 9.2: `/etc/pve` is an empty folder while pmxcfs does not run.
    fn gone(file: &str) -> Vec<u8> {
        format!("cat: /etc/pve/{file}: No such file or directory\n").into_bytes()
    }

    #[test]
    fn where_pmxcfs_does_not_run_nothing_is_known_of_guests_and_services() {
        let words = [".members", ".vmlist", "ha/manager_status"].map(gone);
        let pve = Pve::of("ash", [&words[0], &words[1], &words[2]].map(|text| Answer::new(b"", text, 1)));
        assert!(pve.members.is_none() && pve.guests.is_none() && pve.ha.is_none(), "{pve:?}");
        let told = pve.unread.expect("why");
        assert_eq!((told.code, told.params["node"].as_str()), (ProblemCode::PmxcfsDown, "ash"));
        assert_eq!(told.quote.as_deref(), Some("cat: /etc/pve/.members: No such file or directory"));
    }

    #[test]
    fn a_cluster_that_never_used_ha_has_no_file_of_it() {
        let members = br#"{"nodename": "ash", "version": 4, "cluster": {"name": "lab", "version": 3, "nodes": 1, "quorate": 1}, "nodelist": {"ash": {"id": 1, "online": 1, "ip": "10.0.0.1"}}}"#;
        let none = gone("ha/manager_status");
        let guests = br#"{"version": 1, "ids": {"101": {"node": "ash", "type": "qemu", "version": 2}}}"#;
        let pve = Pve::of("ash", [Answer::ok(members), Answer::ok(guests), Answer::new(b"", &none, 1)]);
        assert_eq!((pve.ha, pve.unread), (Some(Recoverable::default()), None));
        assert_eq!(pve.guests, Some(BTreeMap::from([(101, "ash".to_owned())])));
        // What takes too long was not read either.
        let hangs = Pve::of("ash", [Answer::ok(members), Answer::new(b"", b"", 124), Answer::new(b"", &none, 1)]);
        assert!(hangs.guests.is_none() && hangs.unread.is_some(), "{hangs:?}");
    }
}
