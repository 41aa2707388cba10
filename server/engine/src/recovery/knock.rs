//! Knocking at a node that counts as absent: from the console where it knows the machine, and from every node of the side
//! that wants to go on, at each address that corosync.conf and pmxcfs have of it.

mod dialled;
#[cfg(test)]
mod tests;

use super::listed::is_elsewhere;
use super::{CONSOLE, quotes};
use crate::context::Engine;
use crate::evidence::{answer, kept, unreadable};
use crate::limits::RECOVERY_PROBE_S;
use crate::ports::{Beyond, DialError, Endpoint};
use dialled::dialled;
use futures::future::join_all;
use model::facts::{ConfNode, ProbeReport, TcpProbe};
use model::ids::NodeId;
use model::inventory::Node;
use model::name::{NodeName, SshAddress};
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::recovery::{Sign, Unasked};
use pve::probe::{self, ProbePlan};
use pve::{CommandLine, network};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The usual port of SSH, where corosync.conf names only an address.
const SSH_PORT: u16 = 22;
/// A whole packet of an echo request, in bytes: as `ping` sends them.
const ECHO_BYTES: u32 = 84;
/// What the system says when nobody on the wire answers for an address (`EHOSTUNREACH`).
const NO_ROUTE: &str = "No route to host";

type Report = Result<ProbeReport, Problem>;

/// Everywhere that a node may be found.
#[derive(Debug, Clone)]
pub struct Places {
    /// As the console reaches it.
    ssh: Option<SshAddress>,
    via: Option<NodeId>,
    /// Its addresses in corosync.conf and in `/etc/pve/.members`, with the port of SSH.
    inside: Vec<SocketAddr>,
    /// Names among them, which mean what they mean to the nodes.
    names: Vec<String>,
}

impl Places {
    /// `listed` are its addresses after pmxcfs.
    pub fn of(node: &ConfNode, known: &[Node], listed: &BTreeSet<IpAddr>) -> Self {
        let known = known.iter().find(|one| one.name.as_deref() == Some(&node.name));
        let (links, names): (Vec<&String>, Vec<&String>) =
            node.addresses.values().partition(|text| text.parse::<IpAddr>().is_ok());
        let links = links.into_iter().filter_map(|text| text.parse::<IpAddr>().ok());
        let places = Self {
            ssh: known.map(|one| one.address.clone()),
            via: known.and_then(|one| one.via),
            inside: Vec::new(),
            names: names.into_iter().cloned().collect(),
        };
        places.and_at(links.chain(listed.iter().copied()).map(by_ssh))
    }

    fn and_at(mut self, places: impl IntoIterator<Item = SocketAddr>) -> Self {
        for at in places {
            if !self.inside.contains(&at) {
                self.inside.push(at);
            }
        }
        self
    }

    /// With where a plan says that it was knocked at: it has to stay silent there, whoever has forgotten the address since.
    pub fn and_planned(self, texts: &[String]) -> Self {
        let ssh = self.ssh.as_ref().map(|address| format!("{}:{}", address.host, address.port));
        let planned = texts.iter().filter(|text| Some(*text) != ssh.as_ref());
        let planned = planned.filter_map(|text| text.parse::<SocketAddr>().ok());
        self.and_at(planned.filter(|at| is_elsewhere(&at.ip())))
    }

    /// With what its names lead to on the node that is asked; those that lead nowhere stay names, and nobody knocks there.
    fn resolved(mut self, found: &BTreeMap<String, Vec<IpAddr>>) -> Self {
        let addresses: Vec<IpAddr> = self.names.iter().filter_map(|name| found.get(name)).flatten().copied().collect();
        self.names.retain(|name| found.get(name).is_none_or(Vec::is_empty));
        self.and_at(addresses.into_iter().map(by_ssh))
    }

    pub fn texts(&self) -> Vec<String> {
        let own = self.ssh.as_ref().map(|address| format!("{}:{}", address.host, address.port));
        own.into_iter().chain(self.inside.iter().map(SocketAddr::to_string)).chain(self.names.iter().cloned()).collect()
    }
}

/// What knocking at one node came to.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub signs: Vec<Sign>,
    /// Who asked and heard nothing.
    pub silent_to: Vec<String>,
    pub unasked: Vec<Unasked>,
}

impl Heard {
    fn unasked(by: &str, problem: Problem) -> Self {
        Self { unasked: vec![Unasked { by: by.to_owned(), problem }], ..Self::default() }
    }

    fn and(mut self, other: Self) -> Self {
        self.signs.extend(other.signs);
        self.silent_to.extend(other.silent_to);
        self.unasked.extend(other.unasked);
        self
    }
}

/// What knocking came to: at each of the absent nodes in their order, and in the words of everybody who knocked.
#[derive(Debug, Clone, Default)]
pub struct Knocked {
    pub heard: Vec<Heard>,
    pub evidence: Vec<Evidence>,
}

impl Engine {
    /// The same places with their names as this node resolves them, and what it said of them. Where it cannot be asked, the
    /// names stay.
    pub(crate) async fn resolved(&self, through: &Node, places: Vec<Places>) -> (Vec<Places>, Vec<Evidence>) {
        let names: BTreeSet<&String> = places.iter().flat_map(|one| &one.names).collect();
        let names: Vec<(NodeName, String)> =
            names.into_iter().filter_map(|name| Some((name.parse().ok()?, name.clone()))).collect();
        if names.is_empty() {
            return (places, Vec::new());
        }
        let commands: Vec<CommandLine> = names.iter().map(|(name, _)| network::ahosts_once(name)).collect();
        let Ok(shell) = self.shell_to(through).await else { return (places, Vec::new()) };
        let Ok(outputs) = shell.sweep(&commands).await else { return (places, Vec::new()) };
        let words = quotes(through, &commands, &outputs);
        let found = names.into_iter().zip(&outputs).filter_map(|((_, text), output)| {
            let mut addresses = network::resolved(answer(output)).ok()?;
            addresses.retain(is_elsewhere);
            Some((text, addresses))
        });
        let found = found.collect();
        (places.into_iter().map(|one| one.resolved(&found)).collect(), words)
    }

    /// Signs of life of each, from the console and from these nodes, the first of which knows the names; and who could not
    /// ask.
    pub(crate) async fn knock(&self, side: &[&Node], places: &[Places]) -> Knocked {
        let from_here = join_all(places.iter().map(|one| self.knock_from_here(one)));
        let from_there = join_all(side.iter().map(|node| self.knock_from(node, places)));
        let (here, there) = futures::join!(from_here, from_there);
        let (mut heard, own): (Vec<Heard>, Vec<Option<Evidence>>) = here.into_iter().unzip();
        let mut evidence: Vec<Evidence> = own.into_iter().flatten().collect();
        let unnamed = |first: &Node| places.iter().map(|one| nameless(one, first)).collect();
        let nowhere: Option<(Vec<Heard>, Option<Evidence>)> = side.first().copied().map(|first| (unnamed(first), None));
        for (more, words) in there.into_iter().chain(nowhere) {
            heard = heard.into_iter().zip(more).map(|(one, other)| one.and(other)).collect();
            evidence.extend(words);
        }
        Knocked { heard, evidence }
    }

    async fn knock_from_here(&self, places: &Places) -> (Heard, Option<Evidence>) {
        // Only where it is known to the console: its addresses in corosync.conf mean something to its peers, and to the
        // console's own network they may be somebody else's.
        let Some(address) = &places.ssh else { return (Heard::default(), None) };
        let via = match places.via {
            // Without its way the machine was not knocked at: another way would lead to somebody else.
            Some(id) => match self.way_by(id).await {
                Ok(endpoint) => Some(endpoint),
                Err(problem) => return (Heard::unasked(CONSOLE, problem), None),
            },
            None => None,
        };
        let began = self.clock.now();
        let answer = self.dialer.offered_key(address, via.as_ref()).await;
        let words = dialled(address, via.as_ref(), &answer, (began, self.clock.now()));
        let told = match &answer {
            Ok(_) => Answer::Alive,
            Err(error) => judge(error, address),
        };
        let name = || format!("{}:{}", address.host, address.port);
        let heard = match told {
            Answer::Alive => {
                let sign = Sign { address: name(), heard_by: CONSOLE.to_owned() };
                Heard { signs: vec![sign], ..Heard::default() }
            }
            Answer::Silent => Heard { silent_to: vec![CONSOLE.to_owned()], ..Heard::default() },
            Answer::NotAsked(problem) => Heard::unasked(CONSOLE, problem.with("node", name())),
        };
        (heard, Some(words))
    }

    async fn way_by(&self, id: NodeId) -> Result<Endpoint, Problem> {
        let way = self.node(id).await?;
        self.endpoint(&way).await
    }

    /// A connection that is refused was refused by somebody; an echo came from somebody.
    async fn knock_from(&self, through: &Node, places: &[Places]) -> (Vec<Heard>, Option<Evidence>) {
        let tcp: Vec<SocketAddr> = places.iter().flat_map(|one| one.inside.clone()).collect();
        if tcp.is_empty() {
            return (vec![Heard::default(); places.len()], None);
        }
        let (report, words) = match self.probed(through, tcp).await {
            Ok((report, words)) => (report, Some(words)),
            Err(problem) => (Err(problem), None),
        };
        let heard = match report {
            Ok(report) => places.iter().map(|one| told(&report, one, through)).collect(),
            Err(problem) => {
                let deaf = |one: &Places| {
                    if one.inside.is_empty() {
                        Heard::default()
                    } else {
                        Heard::unasked(through.label(), problem.clone())
                    }
                };
                places.iter().map(deaf).collect()
            }
        };
        (heard, words)
    }

    /// What was made of its answer, and the answer itself: whole, for what is not in it nobody has heard.
    async fn probed(&self, through: &Node, tcp: Vec<SocketAddr>) -> Result<(Report, Evidence), Problem> {
        let command = probe::run(&questions(tcp), RECOVERY_PROBE_S);
        let shell = self.shell_to(through).await?;
        let output = shell.run(&command).await.map_err(|error| error.problem().with("node", through.label()))?;
        let report = probe::report(answer(&output)).map_err(|error| unreadable(&error, through.label()));
        Ok((report, kept(through.label(), &command, &output)))
    }
}

const fn by_ssh(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, SSH_PORT)
}

/// Where a firewall drops what knocks, an echo may still come back.
fn questions(tcp: Vec<SocketAddr>) -> ProbePlan {
    let echo = tcp.iter().map(|at| (anywhere(at.ip()), at.ip(), ECHO_BYTES)).collect();
    ProbePlan { tcp, echo, ..ProbePlan::default() }
}

/// Any address of the machine that asks, which lets it choose the way.
const fn anywhere(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// What a node's probe says of one other node's addresses.
fn told(report: &ProbeReport, places: &Places, through: &Node) -> Heard {
    let mut heard = Heard::default();
    let mut silent = false;
    let sign = |address: String| Sign { address, heard_by: through.label().to_owned() };
    for at in &places.inside {
        let host = at.ip().to_string();
        let refusals = report.unreachable.get(&host).map_or(&[][..], Vec::as_slice);
        let echoed = report.pings.get(&host).is_some_and(|pings| pings.received > 0);
        let forbidden = refusals.iter().find(|one| one.is_prohibition());
        match report.tcp.get(&at.to_string()) {
            Some(TcpProbe::Open { .. } | TcpProbe::Refused) => heard.signs.push(sign(at.to_string())),
            // Also who forbids it to be asked has said so.
            _ if echoed || refusals.iter().any(|one| one.by == at.ip()) => heard.signs.push(sign(host)),
            Some(TcpProbe::Timeout) => silent = true,
            Some(TcpProbe::Failed { text }) if forbidden.is_some() => {
                let by = forbidden.map(|one| one.by.to_string()).unwrap_or_default();
                heard.unasked.push(deaf(through, at, Some(&format!("{text} ({by})"))));
            }
            // Nobody answers for a machine that is off; the probe asked all the same.
            Some(TcpProbe::Failed { text }) if text.contains(NO_ROUTE) => silent = true,
            Some(TcpProbe::Failed { text }) => heard.unasked.push(deaf(through, at, Some(text))),
            None => heard.unasked.push(deaf(through, at, None)),
        }
    }
    if silent && heard.signs.is_empty() {
        heard.silent_to.push(through.label().to_owned());
    }
    heard
}

/// Names that lead nowhere on the node that is asked.
fn nameless(places: &Places, through: &Node) -> Heard {
    let unasked = |name: &String| {
        let problem = Problem::new(ProblemCode::NameUnresolved).with("host", name).with("node", through.label());
        Unasked { by: through.label().to_owned(), problem }
    };
    Heard { unasked: places.names.iter().map(unasked).collect(), ..Heard::default() }
}

fn deaf(through: &Node, at: &SocketAddr, text: Option<&String>) -> Unasked {
    let problem = Problem::new(ProblemCode::Unreachable).with("node", at).with("host", at.ip());
    let problem = match text {
        Some(text) => problem.quoting(text.clone()),
        None => problem,
    };
    Unasked { by: through.label().to_owned(), problem }
}

/// What a knock from the console came to.
enum Answer {
    Alive,
    Silent,
    NotAsked(Problem),
}

/// A question that never left the console, or ended at the machine in between, says nothing of the one behind.
fn judge(error: &DialError, address: &SshAddress) -> Answer {
    match error {
        DialError::BackingOff { last, .. } => judge(last, address),
        DialError::NoWay { .. }
        | DialError::Busy
        | DialError::ConsoleKey { .. }
        | DialError::Jump { .. }
        | DialError::JumpForbids { .. }
        | DialError::Behind { beyond: Beyond::NotAsked, .. } => Answer::NotAsked(error.problem()),
        // Its own loopback is the jump host itself.
        DialError::Behind { beyond: Beyond::Refused, .. } if is_loopback(address) => Answer::NotAsked(error.problem()),
        DialError::Behind { beyond: Beyond::Refused, .. } => Answer::Alive,
        other if is_alive(other, address) => Answer::Alive,
        _ => Answer::Silent,
    }
}

/// What somebody who is off cannot say. Where the address is one of the console's own machine, a connection is refused by that,
/// and says nothing about anybody behind it.
fn is_alive(error: &DialError, address: &SshAddress) -> bool {
    match error {
        // A tunnel's near end takes connections for an end that is far, and may be gone.
        DialError::Refused | DialError::TookConnection { .. } => !is_loopback(address),
        other => speaks(other),
    }
}

fn is_loopback(address: &SshAddress) -> bool {
    address.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

const fn speaks(error: &DialError) -> bool {
    matches!(
        error,
        DialError::NotSsh { .. }
            | DialError::TookConnection { .. }
            | DialError::NoCommonAlgorithm { .. }
            | DialError::UnknownKey { .. }
            | DialError::ChangedKey { .. }
            | DialError::KeyRefused
    )
}
