//! Knocking at a node that counts as absent: from the console where it knows the machine, and from a node of the side that
//! wants to go on at every address that corosync.conf has.

use super::CONSOLE;
use crate::context::Engine;
use crate::evidence::{answer, unreadable};
use crate::limits::RECOVERY_PROBE_S;
use crate::ports::{DialError, Endpoint};
use futures::future::join_all;
use model::facts::{ConfNode, ProbeReport, TcpProbe};
use model::ids::NodeId;
use model::inventory::Node;
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};
use model::recovery::{Sign, Unasked};
use pve::probe::{self, ProbePlan};
use std::net::{IpAddr, SocketAddr};

/// The usual port of SSH, where corosync.conf names only an address.
const SSH_PORT: u16 = 22;
/// What the system says when nobody on the wire answers for an address (`EHOSTUNREACH`).
const NO_ROUTE: &str = "No route to host";

/// Everywhere that a node may be found.
#[derive(Debug, Clone)]
pub struct Places {
    /// As the console reaches it.
    ssh: Option<SshAddress>,
    via: Option<NodeId>,
    /// Its addresses in corosync.conf, with the port of SSH.
    links: Vec<SocketAddr>,
}

impl Places {
    pub fn of(node: &ConfNode, known: &[Node]) -> Self {
        let known = known.iter().find(|one| one.name.as_deref() == Some(&node.name));
        let links = node.addresses.values().filter_map(|text| text.parse::<IpAddr>().ok());
        Self {
            ssh: known.map(|one| one.address.clone()),
            via: known.and_then(|one| one.via),
            links: links.map(|address| SocketAddr::new(address, SSH_PORT)).collect(),
        }
    }

    pub fn texts(&self) -> Vec<String> {
        let own = self.ssh.as_ref().map(|address| format!("{}:{}", address.host, address.port));
        own.into_iter().chain(self.links.iter().map(SocketAddr::to_string)).collect()
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

impl Engine {
    /// Signs of life of each, from the console and from this node; and who could not ask.
    pub(crate) async fn knock(&self, through: &Node, places: &[Places]) -> Vec<Heard> {
        let from_here = join_all(places.iter().map(|one| self.knock_from_here(one)));
        let (here, there) = futures::join!(from_here, self.knock_from(through, places));
        here.into_iter().zip(there).map(|(here, there)| here.and(there)).collect()
    }

    async fn knock_from_here(&self, places: &Places) -> Heard {
        // Only where it is known to the console: its addresses in corosync.conf mean something to its peers, and to the
        // console's own network they may be somebody else's.
        let Some(address) = &places.ssh else { return Heard::default() };
        let via = match places.via {
            // Without its way the machine was not knocked at: another way would lead to somebody else.
            Some(id) => match self.way_by(id).await {
                Ok(endpoint) => Some(endpoint),
                Err(problem) => return Heard::unasked(CONSOLE, problem),
            },
            None => None,
        };
        let heard = match self.dialer.offered_key(address, via.as_ref()).await {
            Ok(_) => Answer::Alive,
            Err(error) => judge(&error, address),
        };
        let name = || format!("{}:{}", address.host, address.port);
        match heard {
            Answer::Alive => {
                let sign = Sign { address: name(), heard_by: CONSOLE.to_owned() };
                Heard { signs: vec![sign], ..Heard::default() }
            }
            Answer::Silent => Heard { silent_to: vec![CONSOLE.to_owned()], ..Heard::default() },
            Answer::NotAsked(problem) => Heard::unasked(CONSOLE, problem.with("node", name())),
        }
    }

    async fn way_by(&self, id: NodeId) -> Result<Endpoint, Problem> {
        let way = self.node(id).await?;
        self.endpoint(&way).await
    }

    /// A connection that is refused was refused by somebody; an echo came from somebody.
    async fn knock_from(&self, through: &Node, places: &[Places]) -> Vec<Heard> {
        let tcp: Vec<SocketAddr> = places.iter().flat_map(|one| one.links.clone()).collect();
        if tcp.is_empty() {
            return vec![Heard::default(); places.len()];
        }
        match self.probed(through, tcp).await {
            Ok(report) => places.iter().map(|one| told(&report, one, through)).collect(),
            Err(problem) => {
                let deaf = |one: &Places| {
                    if one.links.is_empty() {
                        Heard::default()
                    } else {
                        Heard::unasked(through.label(), problem.clone())
                    }
                };
                places.iter().map(deaf).collect()
            }
        }
    }

    async fn probed(&self, through: &Node, tcp: Vec<SocketAddr>) -> Result<ProbeReport, Problem> {
        let plan = ProbePlan { tcp, ..ProbePlan::default() };
        let command = probe::run(&plan, RECOVERY_PROBE_S);
        let shell = self.shell_to(through).await?;
        let output = shell.run(&command).await.map_err(|error| error.problem().with("node", through.label()))?;
        probe::report(answer(&output)).map_err(|error| unreadable(&error, through.label()))
    }
}

/// What a node's probe says of one other node's addresses.
fn told(report: &ProbeReport, places: &Places, through: &Node) -> Heard {
    let mut heard = Heard::default();
    let mut silent = false;
    for at in &places.links {
        match report.tcp.get(&at.to_string()) {
            Some(TcpProbe::Open { .. } | TcpProbe::Refused) => {
                heard.signs.push(Sign { address: at.to_string(), heard_by: through.label().to_owned() });
            }
            Some(TcpProbe::Timeout) => silent = true,
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
        | DialError::JumpForbids { .. } => Answer::NotAsked(error.problem()),
        other if is_alive(other, address) => Answer::Alive,
        _ => Answer::Silent,
    }
}

/// What somebody who is off cannot say. Where the address is one of the console's own machine, a connection is refused by that,
/// and says nothing about anybody behind it.
fn is_alive(error: &DialError, address: &SshAddress) -> bool {
    let refused_here = address.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match error {
        DialError::Refused => !refused_here,
        other => speaks(other),
    }
}

const fn speaks(error: &DialError) -> bool {
    matches!(
        error,
        DialError::NotSsh { .. }
            | DialError::NoCommonAlgorithm { .. }
            | DialError::UnknownKey { .. }
            | DialError::ChangedKey { .. }
            | DialError::KeyRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use model::ids::ClusterId;
    use model::inventory::{LogIn, Purpose};
    use std::collections::BTreeMap;
    use uuid::Uuid;

    fn address(host: &str) -> SshAddress {
        SshAddress { host: host.into(), port: 22, user: "root".into() }
    }

    fn witness() -> Node {
        Node {
            id: NodeId::from_uuid(Uuid::nil()),
            cluster: ClusterId::from_uuid(Uuid::nil()),
            purpose: Purpose::Member,
            address: address("10.0.0.1"),
            via: None,
            name: Some("ash".into()),
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position: 0,
        }
    }

    fn links() -> [SocketAddr; 2] {
        ["10.0.1.2:22", "10.0.2.2:22"].map(|text| text.parse().expect("an address"))
    }

    /// What becomes of a probe that says this of the two addresses.
    fn heard(answers: [Option<TcpProbe>; 2]) -> Heard {
        let places = Places { ssh: None, via: None, links: links().to_vec() };
        let tcp: BTreeMap<String, TcpProbe> =
            links().into_iter().zip(answers).filter_map(|(at, one)| one.map(|one| (at.to_string(), one))).collect();
        told(&ProbeReport { tcp, ..ProbeReport::default() }, &places, &witness())
    }

    fn failed(text: &str) -> Option<TcpProbe> {
        Some(TcpProbe::Failed { text: text.into() })
    }

    #[test]
    fn silence_is_what_was_asked_and_not_answered() {
        for silent in [Some(TcpProbe::Timeout), failed("No route to host")] {
            let one = heard([silent.clone(), silent]);
            assert_eq!((one.signs.len(), one.silent_to, one.unasked), (0, vec!["ash".to_owned()], Vec::new()));
        }
        let one = heard([Some(TcpProbe::Timeout), Some(TcpProbe::Refused)]);
        assert_eq!((one.signs.len(), one.silent_to.len()), (1, 0), "who refuses is alive");
    }

    #[test]
    fn a_probe_that_asked_nothing_is_not_silence() {
        for unasked in [failed("Network is unreachable"), None] {
            let one = heard([unasked.clone(), unasked]);
            assert_eq!((one.signs.len(), one.silent_to.len(), one.unasked.len()), (0, 0, 2));
            assert!(one.unasked.iter().all(|one| one.by == "ash"));
        }
        // One link was asked; that the other was not is said beside it.
        let one = heard([Some(TcpProbe::Timeout), failed("Network is unreachable")]);
        assert_eq!((one.silent_to.len(), one.unasked.len()), (1, 1));
        assert_eq!(one.unasked[0].problem.quote.as_deref(), Some("Network is unreachable"));
    }

    #[test]
    fn what_ended_before_the_machine_says_nothing_of_it() {
        let silent = || DialError::Timeout { seconds: 5 };
        let jump = DialError::Jump { host: "gate".into(), last: Box::new(DialError::Refused) };
        let none = [
            DialError::NoWay { text: "failed to lookup address information".into() },
            DialError::Busy,
            jump,
            DialError::JumpForbids { host: "gate".into() },
            DialError::ConsoleKey { problem: ProblemCode::SealMissing.into() },
        ];
        for error in none {
            assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::NotAsked(_)), "{error}");
            let later = DialError::BackingOff { until: Timestamp::UNIX_EPOCH, last: Box::new(error) };
            assert!(matches!(judge(&later, &address("10.0.0.2")), Answer::NotAsked(_)), "{later}");
        }
        let behind = DialError::Behind { host: "gate".into(), text: "timed out".into() };
        for error in [silent(), DialError::Unreachable { text: "no route".into() }, behind] {
            assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::Silent), "{error}");
        }
        for error in [DialError::Refused, DialError::KeyRefused, DialError::NotSsh { text: "220".into() }] {
            assert!(matches!(judge(&error, &address("10.0.0.2")), Answer::Alive), "{error}");
        }
        assert!(
            matches!(judge(&DialError::Refused, &address("127.0.0.1")), Answer::Silent),
            "the console's own machine"
        );
    }
}
