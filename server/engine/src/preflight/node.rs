//! One node's answers for the prerequisites.

use crate::context::Engine;
use crate::evidence::{answer, evidence, unreadable};
use crate::limits::{CHECK_LOOKS_MAX, CLOCK_SAMPLES};
use crate::ports::{NodeShell, Output, ShellError};
use model::facts::GuestKind;
use model::inventory::Node;
use model::name::NodeName;
use model::observation::Evidence;
use model::preflight::probe_plan::ProbeTargets;
use model::preflight::{ClockOffset, ClusterTraces, Gathered, NodeEvidence, Source};
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile, NodeFolder};
use pve::host_keys::{self, HostKeyKind};
use pve::{Answer, CommandLine, ParseError, clean_text, host, network, probe as port_probe, version};
use std::collections::{BTreeMap, BTreeSet};

/// Everything but the probe; a node that does not come to its end in time counts as one that says nothing.
pub async fn gather(engine: &Engine, node: &Node, first: bool) -> NodeEvidence {
    tokio::time::timeout(CHECK_LOOKS_MAX, looks(engine, node, first)).await.unwrap_or_else(|_| {
        let hangs = Problem::new(ProblemCode::NodeHangs).with("seconds", CHECK_LOOKS_MAX.as_secs());
        silent(node, first, &hangs.with("node", node.label()))
    })
}

async fn looks(engine: &Engine, node: &Node, first: bool) -> NodeEvidence {
    let shell = match engine.shell_to(node).await {
        Ok(shell) => shell,
        Err(problem) => return silent(node, first, &problem),
    };
    let mut found = silent(node, first, &Problem::new(ProblemCode::Garbage).with("node", node.label()));
    if let Err(problem) = first_look(node, shell.as_ref(), &mut found).await {
        return silent(node, first, &problem);
    }
    let name = found.host_name.as_ref().ok().and_then(|name| name.parse::<NodeName>().ok());
    if let Err(problem) = second_look(node, shell.as_ref(), name.as_ref(), &mut found).await {
        return silent(node, first, &problem);
    }
    found.clock = clock(node, shell.as_ref(), &mut found.evidence).await;
    found
}

/// A node that says nothing: every fact is missing, for the same reason.
fn silent(node: &Node, first: bool, problem: &Problem) -> NodeEvidence {
    NodeEvidence {
        node: node.id,
        label: node.label().to_owned(),
        first,
        management: node.address.host.parse().ok(),
        version: Err(problem.clone()),
        host_name: Err(problem.clone()),
        host_name_file: Err(problem.clone()),
        hosts_file: Err(problem.clone()),
        resolves_to: Err(problem.clone()),
        addresses: Err(problem.clone()),
        interfaces: Err(problem.clone()),
        clock: Err(problem.clone()),
        time_sync: Err(problem.clone()),
        guests: Err(problem.clone()),
        traces: Err(problem.clone()),
        host_keys: Err(problem.clone()),
        user_id: Err(problem.clone()),
        probe: Err(problem.clone()),
        evidence: BTreeMap::new(),
    }
}

/// One command with what became of it.
struct Look<'a> {
    node: &'a Node,
    commands: Vec<CommandLine>,
    outputs: Vec<Output>,
}

impl<'a> Look<'a> {
    async fn at(node: &'a Node, shell: &dyn NodeShell, commands: Vec<CommandLine>) -> Result<Self, Problem> {
        let outputs = shell.sweep(&commands).await.map_err(|error| lost(node, &error))?;
        Ok(Self { node, commands, outputs })
    }

    /// The parsed answer of the command at `index`; its raw form is kept under `source`.
    fn read<T>(
        &self,
        index: usize,
        source: Source,
        kept: &mut BTreeMap<Source, Evidence>,
        parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>,
    ) -> Gathered<T> {
        let (Some(command), Some(output)) = (self.commands.get(index), self.outputs.get(index)) else {
            return Err(Problem::new(ProblemCode::Garbage).with("node", self.node.label()));
        };
        let seen = evidence(self.node.label(), command, output);
        match kept.get_mut(&source) {
            // Several commands speak for one source: their lines stand together.
            Some(one) => one.lines.extend(seen.lines),
            None => {
                kept.insert(source, seen);
            }
        }
        parse(answer(output)).map_err(|error| unreadable(&error, self.node.label()))
    }
}

fn lost(node: &Node, error: &ShellError) -> Problem {
    error.problem().with("node", node.label())
}

async fn first_look(node: &Node, shell: &dyn NodeShell, found: &mut NodeEvidence) -> Result<(), Problem> {
    let mut commands = vec![
        version::pveversion(),
        host::hostname(),
        files::hostname(),
        files::hosts(),
        network::ip_addr(),
        network::ip_link(),
        host::time_status(),
        host::user_id(),
        files::exists(&NodeFile::ClusterCorosyncConf),
        files::exists(&NodeFile::LocalCorosyncConf),
        files::exists(&NodeFile::CorosyncAuthkey),
    ];
    commands.extend(HostKeyKind::ALL.map(host_keys::cat_host_key));
    let look = Look::at(node, shell, commands).await?;
    let kept = &mut found.evidence;
    found.version = look.read(0, Source::Version, kept, version::short);
    found.host_name = look.read(1, Source::HostName, kept, host::node_name).map(|name| name.to_string());
    found.host_name_file = look.read(2, Source::HostNameFile, kept, files::one_word);
    found.hosts_file = look.read(3, Source::HostsFile, kept, files::content).and_then(|lines| {
        // Its lines are quoted on the page.
        let clean = lines.map(|lines| lines.iter().map(|line| clean_text(line)).collect::<Vec<_>>().join("\n"));
        clean.ok_or_else(|| Problem::new(ProblemCode::Garbage).with("node", node.label()))
    });
    found.addresses = look.read(4, Source::Addresses, kept, network::addresses);
    found.interfaces = look.read(5, Source::Interfaces, kept, network::interfaces);
    found.time_sync = look.read(6, Source::TimeSync, kept, host::time);
    found.user_id = look.read(7, Source::User, kept, host::user_number);
    found.traces = traces(&look, kept);
    found.host_keys = keys(&look, kept);
    // The address that was typed may be a name or a forwarder's: only an own one is the management address.
    let typed = found.management;
    found.management =
        found.addresses.as_ref().ok().and_then(|own| typed.filter(|typed| own.iter().any(|one| one.address == *typed)));
    Ok(())
}

fn traces(look: &Look<'_>, kept: &mut BTreeMap<Source, Evidence>) -> Gathered<ClusterTraces> {
    Ok(ClusterTraces {
        pve_config: look.read(8, Source::ClusterConfig, kept, files::yes_or_no)?,
        corosync_config: look.read(9, Source::ClusterConfig, kept, files::yes_or_no)?,
        authkey: look.read(10, Source::ClusterConfig, kept, files::yes_or_no)?,
    })
}

fn keys(look: &Look<'_>, kept: &mut BTreeMap<Source, Evidence>) -> Gathered<BTreeSet<String>> {
    let mut algorithms = BTreeSet::new();
    for index in 0..HostKeyKind::ALL.len() {
        if let Some(key) = look.read(11 + index, Source::HostKeys, kept, host_keys::public_key)? {
            algorithms.insert(key.algorithm().to_owned());
        }
    }
    Ok(algorithms)
}

/// What needs the node's name: resolving it, and the folders of its guests.
async fn second_look(
    node: &Node,
    shell: &dyn NodeShell,
    name: Option<&NodeName>,
    found: &mut NodeEvidence,
) -> Result<(), Problem> {
    let Some(name) = name else { return Ok(()) };
    let commands = vec![
        network::ahosts(name),
        host::guest_files(name, GuestKind::Qemu),
        host::guest_files(name, GuestKind::Lxc),
        files::list(&NodeFolder::PveNodes),
    ];
    let look = Look::at(node, shell, commands).await?;
    let kept = &mut found.evidence;
    found.resolves_to = look.read(0, Source::Resolve, kept, network::resolved).map(|found| found.into_iter().collect());
    let qemu = look.read(1, Source::Guests, kept, |answer| host::guests(answer, GuestKind::Qemu));
    let lxc = look.read(2, Source::Guests, kept, |answer| host::guests(answer, GuestKind::Lxc));
    found.guests = qemu.and_then(|mut all| {
        all.extend(lxc?);
        Ok(all)
    });
    Ok(())
}

/// Several looks at the clock; the one with the shortest way tells the most.
async fn clock(node: &Node, shell: &dyn NodeShell, kept: &mut BTreeMap<Source, Evidence>) -> Gathered<ClockOffset> {
    let command = host::clock();
    let mut best: Option<ClockOffset> = None;
    for _ in 0..CLOCK_SAMPLES {
        let output = shell.run(&command).await.map_err(|error| lost(node, &error))?;
        let time = host::clock_time(answer(&output)).map_err(|error| unreadable(&error, node.label()))?;
        let way = i64::from(output.millis);
        let half = way / 2;
        let middle = output.at.as_millisecond() - half;
        let offset = ClockOffset { millis: time.as_millisecond() - middle, error_millis: half.max(1) };
        if best.is_none_or(|best| offset.error_millis < best.error_millis) {
            best = Some(offset);
            kept.insert(Source::Clock, evidence(node.label(), &command, &output));
        }
    }
    best.ok_or_else(|| Problem::new(ProblemCode::Garbage).with("node", node.label()))
}

/// This node's end of the probe.
pub async fn probe(engine: &Engine, node: &Node, found: &mut NodeEvidence, targets: &ProbeTargets, seconds: u8) {
    if found.user_id.is_err() {
        return;
    }
    let plan = port_probe::ProbePlan {
        listen: targets.listen.clone(),
        udp: targets.udp.iter().map(|(_, address)| *address).collect(),
        tcp: targets.tcp.iter().map(|(_, address)| *address).collect(),
    };
    let command = port_probe::run(&plan, seconds);
    let output = match engine.shell_to(node).await {
        Ok(shell) => shell.run(&command).await.map_err(|error| lost(node, &error)),
        Err(problem) => Err(problem),
    };
    found.probe = output.and_then(|output| {
        found.evidence.insert(Source::Probe, evidence(node.label(), &command, &output));
        port_probe::report(answer(&output)).map_err(|error| unreadable(&error, node.label()))
    });
}
