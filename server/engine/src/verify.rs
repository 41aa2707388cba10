//! The fifth step: every member is asked, and the model judges whether all agree.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence, unreadable};
use crate::ports::Output;
use crate::preflight::clock_offset;
use crate::served;
use futures::future::join_all;
use model::audit::{AuditCode, Outcome};
use model::ids::ClusterId;
use model::inventory::{Node, Purpose};
use model::name::NodeName;
use model::observation::Evidence;
use model::preflight::{ClockOffset, Gathered, Verdict};
use model::problem::{Problem, ProblemCode};
use model::verify::{self, Verification, VerifyAnswer, VerifyCode};
use pve::files::{self, NodeFile};
use pve::{Answer, CommandLine, ParseError, cfgtool, host, pvecm, quorumtool, ssh_keys};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Asks all members at the same time.
    ///
    /// # Errors
    /// When there is nobody to ask, or the store fails.
    pub async fn verify(&self, who: &Person, cluster: ClusterId) -> Result<Verification, Problem> {
        let known = self.store.cluster(cluster).await.map_err(|error| store_problem(&error))?;
        let nodes = self.store.nodes(cluster).await.map_err(|error| store_problem(&error))?;
        let members: Vec<Node> = nodes.into_iter().filter(|node| node.purpose == Purpose::Member).collect();
        if members.is_empty() {
            return Err(ProblemCode::NodeCountTooLow.into());
        }
        let answers = join_all(members.iter().map(|node| self.ask_member(node))).await;
        for seen in answers.iter().flat_map(|one| one.evidence.values().flatten()) {
            self.store.keep(cluster, None, seen).await.map_err(|error| store_problem(&error))?;
        }
        let report = verify::judge(&answers, self.clock.now());
        let kept = self.store.keep_verification(cluster, &who.name, &report).await;
        kept.map_err(|error| store_problem(&error))?;
        self.hub.set_verification(cluster, report.clone());
        let outcome = if report.agreed { Outcome::Success } else { Outcome::Failed };
        let mut entry = self.audit.about(AuditCode::VerifyRun, who, outcome, &known);
        entry.details.insert("nodes".to_owned(), members.len().to_string());
        for row in &report.rows {
            let not_passed: Vec<&str> =
                row.cells.iter().filter(|cell| cell.verdict != Verdict::Pass).map(|cell| cell.what.as_str()).collect();
            if !not_passed.is_empty() {
                entry.details.insert(row.node.clone(), not_passed.join(" "));
            }
        }
        self.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        Ok(report)
    }

    /// The newest verification, also of a console that has ended since.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verification(&self, cluster: ClusterId) -> Result<Option<Arc<Verification>>, Problem> {
        if let Some(report) = self.hub.verification(cluster) {
            return Ok(Some(report));
        }
        let kept = self.store.verification(cluster).await.map_err(|error| store_problem(&error))?;
        Ok(kept.map(Arc::new))
    }

    async fn ask_member(&self, node: &Node) -> VerifyAnswer {
        let commands = [
            // First of all, because nothing must be waited for by it.
            host::clock(),
            quorumtool::status(),
            cfgtool::nodes(),
            files::cluster_corosync_conf(),
            files::sha256sums(&[NodeFile::ClusterCorosyncConf, NodeFile::LocalCorosyncConf]),
            files::pmxcfs_writable(),
            pvecm::status(),
            pvecm::nodes(),
        ];
        let outputs = self.sweep(node, &commands).await;
        let mut told = read(node, &commands, &outputs);
        self.why_no_conf(node, &mut told).await;
        self.try_peers(node, &mut told).await;
        told
    }

    /// `/etc/pve` is an empty folder while pmxcfs is down: then nothing in there was read, and no cluster is missing.
    async fn why_no_conf(&self, node: &Node, told: &mut VerifyAnswer) {
        if told.conf.as_ref().err().is_none_or(|problem| problem.code != ProblemCode::NotInCluster) {
            return;
        }
        let commands = served::asks_without_conf();
        let outputs = self.sweep(node, &commands).await;
        let why = match outputs.as_deref() {
            Ok([unit, mount, local]) => {
                served::no_cluster(node.label(), [answer(unit), answer(mount), answer(local)]).err()
            }
            Ok(_) => Some(ProblemCode::Internal.into()),
            Err(problem) => Some(problem.clone()),
        };
        if let Some(why) = why {
            told.writable = told.writable.clone().map_err(|_| why.clone());
            told.conf = Err(why);
        }
        for (command, output) in commands.iter().zip(outputs.iter().flatten()) {
            let quote = evidence(node.label(), command, output);
            told.evidence.entry(VerifyCode::ConfigVersion).or_default().push(quote);
        }
    }

    /// From this node to every other one that its configuration lists, as Proxmox VE itself goes from node to node.
    async fn try_peers(&self, node: &Node, told: &mut VerifyAnswer) {
        let (Ok(conf), Ok(own)) = (&told.conf, told.quorum.as_ref().map(|status| status.node_id)) else { return };
        let peers: Vec<(String, CommandLine)> = conf
            .nodes
            .iter()
            .filter(|peer| peer.id != own)
            .filter_map(|peer| {
                let address = peer.addresses.values().next()?.parse().ok()?;
                let name: NodeName = peer.name.parse().ok()?;
                Some((peer.name.clone(), ssh_keys::try_node_to_node(&name, address)))
            })
            .collect();
        let commands: Vec<CommandLine> = peers.iter().map(|(_, command)| command.clone()).collect();
        let outputs = self.sweep(node, &commands).await;
        let reader = Reader { node, outputs: &outputs };
        for (index, (peer, command)) in peers.iter().enumerate() {
            told.ssh.insert(peer.clone(), reader.at(index, ssh_keys::node_to_node));
            if let Some(output) = outputs.as_ref().ok().and_then(|outputs| outputs.get(index)) {
                told.evidence.entry(VerifyCode::NodeSsh).or_default().push(evidence(node.label(), command, output));
            }
        }
    }

    async fn sweep(&self, node: &Node, commands: &[CommandLine]) -> Result<Vec<Output>, Problem> {
        let shell = self.shell_to(node).await?;
        shell.sweep(commands).await.map_err(|error| error.problem().with("node", node.label()))
    }
}

fn read(node: &Node, commands: &[CommandLine], outputs: &Result<Vec<Output>, Problem>) -> VerifyAnswer {
    let reader = Reader { node, outputs };
    VerifyAnswer {
        node: node.label().to_owned(),
        quorum: reader.at(1, quorumtool::quorum),
        links: reader.at(2, cfgtool::link_lines),
        conf: reader
            .at(3, pve::corosync_conf::conf)
            .and_then(|conf| conf.ok_or_else(|| Problem::new(ProblemCode::NotInCluster).with("node", node.label()))),
        digests: reader.at(4, files::digests),
        writable: reader.at(5, files::writable),
        status: reader.at(6, pvecm::cluster_status).map(|status| status.quorum),
        members: reader.at(7, pvecm::members),
        ssh: BTreeMap::new(),
        clock: outputs.as_ref().map_err(Clone::clone).and_then(|outputs| clock(node, outputs)),
        evidence: quotes(node, commands, outputs),
    }
}

fn clock(node: &Node, outputs: &[Output]) -> Gathered<ClockOffset> {
    let first = outputs.first().ok_or_else(|| Problem::new(ProblemCode::Garbage).with("node", node.label()))?;
    clock_offset(first).map_err(|error| unreadable(&error, node.label()))
}

struct Reader<'a> {
    node: &'a Node,
    outputs: &'a Result<Vec<Output>, Problem>,
}

impl Reader<'_> {
    fn at<T>(&self, index: usize, parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>) -> Gathered<T> {
        let outputs = self.outputs.as_ref().map_err(Clone::clone)?;
        let output =
            outputs.get(index).ok_or_else(|| Problem::new(ProblemCode::Garbage).with("node", self.node.label()))?;
        parse(answer(output)).map_err(|error| unreadable(&error, self.node.label()))
    }
}

/// Which command speaks for which cell.
fn quotes(
    node: &Node,
    commands: &[CommandLine],
    outputs: &Result<Vec<Output>, Problem>,
) -> BTreeMap<VerifyCode, Vec<Evidence>> {
    let mut kept: BTreeMap<VerifyCode, Vec<Evidence>> = BTreeMap::new();
    let Ok(outputs) = outputs else { return kept };
    let speaks: [&[VerifyCode]; 8] = [
        &[VerifyCode::Clocks],
        &[VerifyCode::Quorate, VerifyCode::Votes, VerifyCode::Members, VerifyCode::Ring],
        &[VerifyCode::Links],
        &[VerifyCode::ConfigVersion],
        &[VerifyCode::ConfigSame],
        &[VerifyCode::Writable],
        &[VerifyCode::Quorate],
        &[VerifyCode::Members],
    ];
    for ((command, output), codes) in commands.iter().zip(outputs).zip(speaks) {
        for code in codes {
            kept.entry(*code).or_default().push(evidence(node.label(), command, output));
        }
    }
    kept
}
