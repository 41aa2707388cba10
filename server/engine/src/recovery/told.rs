//! What each node says: first what corosync knows, then `/etc/pve`. A file system that hangs takes nothing of the first away.

use super::quotes;
use crate::context::Engine;
use crate::evidence::{answer, unreadable};
use crate::ports::NodeShell;
use crate::served::{self, Served};
use model::facts::{CorosyncConf, PmxMembers, QuorumStatus};
use model::inventory::Node;
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::recovery::counted;
use pve::ha::{self, Recoverable};
use pve::{Answer, cmap, corosync_conf, files, pmxcfs, quorumtool, remedy};
use std::collections::BTreeMap;

/// What one node says.
pub struct Told {
    pub node: Node,
    pub quorum: QuorumStatus,
    /// Its corosync.conf, or why it has none to show.
    pub conf: Result<CorosyncConf, Problem>,
    /// What its corosync runs with and counts by: the file may have been edited since.
    pub running: Result<CorosyncConf, Problem>,
    pub pve: Pve,
    /// A client holds the watchdog, or may: without quorum it bites.
    pub armed: bool,
    pub evidence: Vec<Evidence>,
}

impl Told {
    /// The version of the newest of these lists, where it was removed from its cluster by then.
    pub fn removed_by(&self, lists: &[&CorosyncConf]) -> Option<u64> {
        let own = self.running.as_ref().or(self.conf.as_ref()).ok()?;
        counted::removed_by(self.quorum.node_id, own, lists)
    }
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
    /// Why any of it is not known: mostly `PmxcfsDown` or `PmxcfsHangs`.
    pub unread: Option<Problem>,
}

impl Pve {
    fn of(label: &str, served: Served, [members, guests, services]: [Answer<'_>; 3]) -> Self {
        let members = pmxcfs::members(members);
        let guests = pmxcfs::guests(guests);
        let services = ha::services(services);
        let errors = [members.as_ref().err(), guests.as_ref().err(), services.as_ref().err()];
        let unread = errors.into_iter().flatten().next().map(|error| served.unread(label, error));
        Self {
            // HA's file is missing too where pmxcfs does not run, and that is not a cluster without HA.
            ha: services.ok().filter(|_| members.is_ok()),
            members: members.ok(),
            guests: guests.ok().map(|all| all.into_iter().map(|(id, guest)| (id, guest.node)).collect()),
            unread,
        }
    }

    fn unread(why: Problem) -> Self {
        Self { unread: Some(why), ..Self::default() }
    }
}

impl Engine {
    pub(super) async fn ask_for_recovery(&self, node: &Node) -> Result<Told, Mute> {
        const CONF: &str = "/etc/corosync/corosync.conf";
        let [unit, mount] = served::asks();
        // None of them looks into `/etc/pve`: they answer where it hangs.
        let commands =
            [quorumtool::status(), files::local_corosync_conf(), cmap::map(), remedy::watchdog_held(), unit, mount];
        let shell = self.shell_to(node).await?;
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        let [quorum, conf, running, watchdog, unit, mount] = outputs.as_slice() else {
            return Err(Problem::from(ProblemCode::Internal).into());
        };
        let mut evidence = quotes(node, &commands, &outputs);
        // Where corosync does not run there is no side to go on with.
        let mut quorum = quorumtool::quorum(answer(quorum)).map_err(|error| unreadable(&error, node.label()));
        if quorum.as_ref().is_ok_and(|quorum| !quorum.adds_up()) {
            // Torn by a ring that formed meanwhile: on such members no votes are lowered.
            let (again, words) = quorum_again(node, shell.as_ref()).await;
            evidence.extend(words);
            quorum = settled(&quorum, again);
        }
        let quorum = match quorum {
            Ok(quorum) => quorum,
            Err(problem) => return Err(Mute { problem, evidence }),
        };
        let missing = || Problem::new(ProblemCode::NotOnThisMachine).with("node", node.label()).with("what", CONF);
        let conf = corosync_conf::conf(answer(conf)).map_err(|error| unreadable(&error, node.label()));
        let conf = conf.and_then(|conf| conf.ok_or_else(missing));
        let running = cmap::conf(answer(running)).map_err(|error| unreadable(&error, node.label()));
        let armed = files::yes_or_no(answer(watchdog)).unwrap_or(true);
        let served = Served::of(answer(unit), answer(mount));
        let (pve, words) = read_pve(node, shell.as_ref(), served).await;
        evidence.extend(words);
        Ok(Told { node: node.clone(), quorum, conf, running, pve, armed, evidence })
    }
}

/// The second answer of a node whose first one contradicted itself. Torn once more, and otherwise, its ring does not come to
/// rest; said twice, it is what the node says.
fn settled(
    first: &Result<QuorumStatus, Problem>,
    again: Result<QuorumStatus, Problem>,
) -> Result<QuorumStatus, Problem> {
    let again = again?;
    if again.adds_up() || first.as_ref().ok() == Some(&again) {
        return Ok(again);
    }
    Err(Problem::new(ProblemCode::WorldChanged).with("what", "members"))
}

async fn quorum_again(node: &Node, shell: &dyn NodeShell) -> (Result<QuorumStatus, Problem>, Vec<Evidence>) {
    let commands = [quorumtool::status()];
    let outputs = match shell.sweep(&commands).await {
        Ok(outputs) => outputs,
        Err(error) => return (Err(error.problem().with("node", node.label())), Vec::new()),
    };
    let [output] = outputs.as_slice() else { return (Err(ProblemCode::Internal.into()), Vec::new()) };
    let quorum = quorumtool::quorum(answer(output)).map_err(|error| unreadable(&error, node.label()));
    (quorum, quotes(node, &commands, &outputs))
}

async fn read_pve(node: &Node, shell: &dyn NodeShell, served: Served) -> (Pve, Vec<Evidence>) {
    let commands = [pmxcfs::cat_members(), pmxcfs::cat_vmlist(), ha::cat_manager_status()];
    let outputs = match shell.sweep(&commands).await {
        Ok(outputs) => outputs,
        Err(error) => return (Pve::unread(served.silence(node.label(), &error)), Vec::new()),
    };
    let [members, guests, services] = outputs.as_slice() else {
        return (Pve::unread(ProblemCode::Internal.into()), Vec::new());
    };
    let pve = Pve::of(node.label(), served, [members, guests, services].map(answer));
    (pve, quotes(node, &commands, &outputs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ShellError;

    /// Recorded on Proxmox VE 9.2: `/etc/pve` is an empty folder while pmxcfs does not run.
    fn gone(file: &str) -> Vec<u8> {
        format!("cat: /etc/pve/{file}: No such file or directory\n").into_bytes()
    }

    #[test]
    fn members_that_are_torn_from_their_ring_twice_are_not_gone_by() {
        let text = |ring: &str, votes: u32| {
            format!(
                "Quorum information\n---\nNodes: 2\nNode ID: 2\nRing ID: {ring}\nQuorate: Yes\nExpected votes: 3\n\
                 Highest expected: 3\nTotal votes: {votes}\nQuorum: 2\nFlags:\n\n Nodeid Votes Name\n 1 1 ash\n 2 1 elm (local)\n"
            )
        };
        let status = |ring, votes| Ok(quorumtool::quorum(Answer::ok(text(ring, votes).as_bytes())).expect("readable"));
        let (torn, other, whole) = (|| status("2.1a", 2), || status("2.1e", 2), || status("1.1a", 2));
        assert_eq!(settled(&torn(), whole()), whole());
        assert_eq!(settled(&torn(), torn()), torn(), "said twice");
        assert_eq!(settled(&torn(), other()).map_err(|problem| problem.code), Err(ProblemCode::WorldChanged));
        assert_eq!(settled(&torn(), Err(ProblemCode::NodeHangs.into())), Err(ProblemCode::NodeHangs.into()));
    }

    #[test]
    fn where_pmxcfs_does_not_run_nothing_is_known_of_guests_and_services() {
        let words = [".members", ".vmlist", "ha/manager_status"].map(gone);
        let answers = [&words[0], &words[1], &words[2]].map(|text| Answer::new(b"", text, 1));
        let pve = Pve::of("ash", Served::No, answers);
        assert!(pve.members.is_none() && pve.guests.is_none() && pve.ha.is_none(), "{pve:?}");
        let told = pve.unread.expect("why");
        assert_eq!((told.code, told.params["node"].as_str()), (ProblemCode::PmxcfsDown, "ash"));
        assert_eq!(told.quote.as_deref(), Some("cat: /etc/pve/.members: No such file or directory"));
    }

    #[test]
    fn down_is_said_of_what_does_not_run_and_of_nothing_else() {
        let (words, silent) = (gone(".members"), Answer::new(b"", b"", 124));
        let missing = Answer::new(b"", &words, 1);
        let unread = |served: Served, one: Answer<'_>| {
            let told = Pve::of("ash", served, [one; 3]).unread.expect("why");
            assert_eq!(told.params["node"], "ash");
            (told.code, told.quote.is_some())
        };
        assert_eq!(unread(Served::Yes, silent), (ProblemCode::PmxcfsHangs, false));
        assert_eq!(unread(Served::Yes, missing), (ProblemCode::CommandFailed, true));
        assert_eq!(unread(Served::No, silent), (ProblemCode::PmxcfsDown, false));
        assert_eq!(unread(Served::Untold, silent), (ProblemCode::NodeHangs, false));
        assert_eq!(unread(Served::Untold, missing), (ProblemCode::CommandFailed, true));
        for (served, error, code) in [
            (Served::Yes, ShellError::Timeout { seconds: 8 }, ProblemCode::PmxcfsHangs),
            (Served::No, ShellError::Timeout { seconds: 8 }, ProblemCode::PmxcfsDown),
            (Served::Untold, ShellError::Timeout { seconds: 8 }, ProblemCode::NodeHangs),
            // The console's own queue is full, and the connection is gone.
            (Served::Yes, ShellError::Busy, ProblemCode::NodeHangs),
            (Served::No, ShellError::Lost { text: "reset".into() }, ProblemCode::ConnectionLost),
        ] {
            let told = served.silence("ash", &error);
            assert_eq!((told.code, told.params["node"].as_str()), (code, "ash"), "{served:?} {error:?}");
        }
    }

    #[test]
    fn a_cluster_that_never_used_ha_has_no_file_of_it() {
        let members = br#"{"nodename": "ash", "version": 4, "cluster": {"name": "lab", "version": 3, "nodes": 1, "quorate": 1}, "nodelist": {"ash": {"id": 1, "online": 1, "ip": "10.0.0.1"}}}"#;
        let none = gone("ha/manager_status");
        let guests = br#"{"version": 1, "ids": {"101": {"node": "ash", "type": "qemu", "version": 2}}}"#;
        let of = |guests| Pve::of("ash", Served::Yes, [Answer::ok(members), guests, Answer::new(b"", &none, 1)]);
        let pve = of(Answer::ok(guests));
        assert_eq!((pve.ha, pve.unread), (Some(Recoverable::default()), None));
        assert_eq!(pve.guests, Some(BTreeMap::from([(101, "ash".to_owned())])));
        // What takes too long was not read either.
        let hangs = of(Answer::new(b"", b"", 124));
        assert!(hangs.guests.is_none() && hangs.unread.is_some(), "{hangs:?}");
    }
}
