//! Watching one machine, for as long as the cluster is known.

use crate::context::Engine;
use crate::evidence::{answer, evidence, fact};
use crate::hub::Observed;
use crate::limits::{DIAL_RETRY_PAUSE, FOLLOW_RETRY_PAUSE, SWEEP_COALESCE, SWEEP_PAUSE};
use crate::ports::{Chunk, NodeShell, Output, OutputStream, Stream};
use model::ids::{ClusterId, NodeId};
use model::inventory::Node;
use model::observation::Fact;
use model::problem::Problem;
use model::topology::Contact;
use pve::quorumtool::{self, BlockReader};
use pve::systemd::Service;
use pve::{CommandLine, Reason, cfgtool, files, packages, pmxcfs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// Services whose journal lines bring the next look forward.
const JOURNAL_SERVICES: [Service; 2] = [Service::Corosync, Service::PveCluster];
/// Between two looks at versions.
const SLOW_PAUSE: Duration = Duration::from_secs(600);

/// Never returns; aborted when the machine is forgotten.
pub async fn watch(engine: Engine, cluster: ClusterId, id: NodeId) {
    loop {
        let Ok(node) = engine.store.node(id).await else { return };
        match engine.shell_to(&node).await {
            Ok(shell) => {
                let since = engine.clock.now();
                engine.hub.observe(cluster, id, Observed::Contact(Contact::Connected { since }));
                let problem = connected(&engine, cluster, &node, &shell).await;
                lost(&engine, cluster, id, problem);
            }
            Err(problem) => lost(&engine, cluster, id, problem),
        }
        sleep(DIAL_RETRY_PAUSE).await;
    }
}

/// The time of the loss is the first failure, not the newest one.
fn lost(engine: &Engine, cluster: ClusterId, id: NodeId, problem: Problem) {
    let before = engine
        .hub
        .snapshot(cluster)
        .and_then(|snapshot| snapshot.nodes.iter().find(|node| node.id == Some(id)).map(|node| node.contact.clone()));
    let since = match before {
        Some(Contact::Lost { since, problem: known }) if known.code == problem.code => since,
        _ => engine.clock.now(),
    };
    engine.hub.observe(cluster, id, Observed::Contact(Contact::Lost { since, problem }));
}

/// Sweeps and follows until the connection breaks; returns why it did.
async fn connected(engine: &Engine, cluster: ClusterId, node: &Node, shell: &Arc<dyn NodeShell>) -> Problem {
    let wake = Arc::new(Notify::new());
    let asked = engine.hub.looks(cluster);
    let blocks = follow_quorum(engine, cluster, node, shell, &wake);
    let journal = follow_journal(shell, &wake);
    let sweeps = sweep_loop(engine, cluster, node, shell, &wake, &asked);
    tokio::select! {
        problem = sweeps => problem,
        () = blocks => Problem::new(model::problem::ProblemCode::ConnectionLost).with("node", node.label()),
        () = journal => Problem::new(model::problem::ProblemCode::ConnectionLost).with("node", node.label()),
    }
}

async fn sweep_loop(
    engine: &Engine,
    cluster: ClusterId,
    node: &Node,
    shell: &Arc<dyn NodeShell>,
    wake: &Notify,
    asked: &Notify,
) -> Problem {
    let mut slow_due = Instant::now();
    loop {
        let slow = Instant::now() >= slow_due;
        if slow {
            slow_due = Instant::now() + SLOW_PAUSE;
        }
        if let Err(problem) = sweep(engine, cluster, node, shell.as_ref(), slow).await {
            return problem;
        }
        let next = Instant::now() + SWEEP_PAUSE;
        tokio::select! {
            () = sleep_until(next) => {}
            () = wake.notified() => sleep(SWEEP_COALESCE).await,
            () = asked.notified() => {}
        }
        if shell.is_closed() {
            return Problem::new(model::problem::ProblemCode::ConnectionLost).with("node", node.label());
        }
    }
}

/// One look at everything that the cluster page needs of a node.
async fn sweep(
    engine: &Engine,
    cluster: ClusterId,
    node: &Node,
    shell: &dyn NodeShell,
    slow: bool,
) -> Result<(), Problem> {
    let mut commands =
        vec![quorumtool::status(), cfgtool::nodes(), files::cluster_corosync_conf(), pmxcfs::cat_members()];
    if slow {
        commands.push(packages::query(&[packages::Package::PveManager]));
    }
    let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
    for (index, (command, output)) in commands.iter().zip(&outputs).enumerate() {
        take(engine, cluster, node, index, command, output);
        let seen = evidence(node.label(), command, output);
        if let Err(error) = engine.store.keep(cluster, &seen).await {
            tracing::warn!(store.error = %error, "evidence was not kept");
        }
    }
    Ok(())
}

/// What cannot be read is no fact: the old one ages.
fn take(engine: &Engine, cluster: ClusterId, node: &Node, index: usize, command: &CommandLine, output: &Output) {
    let observed = match index {
        0 => match quorumtool::quorum(answer(output)) {
            Ok(value) => Some(Observed::Quorum(fact(value, node.label(), command, output))),
            Err(error) if error.reason == Reason::CorosyncDown => Some(Observed::NoQuorum),
            Err(_) => None,
        },
        1 => cfgtool::link_lines(answer(output))
            .ok()
            .map(|value| Observed::Links(fact(value, node.label(), command, output))),
        2 => pve::corosync_conf::conf(answer(output))
            .ok()
            .flatten()
            .map(|value| Observed::Conf(fact(value, node.label(), command, output))),
        3 => pmxcfs::members(answer(output))
            .ok()
            .map(|value| Observed::Members(fact(value, node.label(), command, output))),
        _ => packages::installed(answer(output))
            .ok()
            .and_then(|found| found.get(packages::Package::PveManager.name()).cloned())
            .map(|value| Observed::Version(fact(value, node.label(), command, output))),
    };
    if let Some(observed) = observed {
        engine.hub.observe(cluster, node.id, observed);
    }
}

/// Every block of `corosync-quorumtool -m` is an observation of its own and shown at once.
async fn follow_quorum(engine: &Engine, cluster: ClusterId, node: &Node, shell: &Arc<dyn NodeShell>, wake: &Notify) {
    let command = quorumtool::follow();
    while !shell.is_closed() {
        if let Ok(mut stream) = shell.follow(&command).await {
            let mut reader = BlockReader::default();
            while let Some(chunk) = stream.chunks.recv().await {
                let Chunk::Data { stream: Stream::Stdout, bytes, at } = chunk else { continue };
                for status in reader.push(&bytes).into_iter().flatten() {
                    let value = Fact { value: status, node: node.label().to_owned(), command: command.display(), at };
                    engine.hub.observe(cluster, node.id, Observed::Quorum(value));
                    wake.notify_one();
                }
            }
        }
        sleep(FOLLOW_RETRY_PAUSE).await;
    }
}

/// A journal line says that something happened; the look that follows says what is.
async fn follow_journal(shell: &Arc<dyn NodeShell>, wake: &Notify) {
    let command = pve::journal::follow(&JOURNAL_SERVICES, None);
    while !shell.is_closed() {
        if let Ok(stream) = shell.follow(&command).await {
            drain(stream, wake).await;
        }
        sleep(FOLLOW_RETRY_PAUSE).await;
    }
}

async fn drain(mut stream: OutputStream, wake: &Notify) {
    while let Some(chunk) = stream.chunks.recv().await {
        if matches!(chunk, Chunk::Data { stream: Stream::Stdout, .. }) {
            wake.notify_one();
        }
    }
}
