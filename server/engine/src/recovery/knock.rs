//! Knocking at a node that counts as absent: from the console where it knows the machine, and from a node of the side that
//! wants to go on at every address that corosync.conf has.

use super::CONSOLE;
use crate::context::Engine;
use crate::evidence::answer;
use crate::limits::RECOVERY_PROBE_S;
use crate::ports::DialError;
use futures::future::join_all;
use model::facts::{ConfNode, TcpProbe};
use model::inventory::Node;
use model::name::SshAddress;
use model::recovery::Sign;
use pve::probe::{self, ProbePlan};
use std::net::{IpAddr, SocketAddr};

/// The usual port of SSH, where corosync.conf names only an address.
const SSH_PORT: u16 = 22;

/// Everywhere that a node may be found.
#[derive(Debug, Clone)]
pub struct Places {
    /// As the console reaches it.
    ssh: Option<SshAddress>,
    via: Option<model::ids::NodeId>,
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

impl Engine {
    /// Signs of life of each, from the console and from this node.
    pub(crate) async fn knock(&self, through: &Node, places: &[Places]) -> Vec<Vec<Sign>> {
        let from_here = join_all(places.iter().map(|one| self.knock_from_here(one)));
        let (mut signs, from_there) = futures::join!(from_here, self.knock_from(through, places));
        for (all, more) in signs.iter_mut().zip(from_there) {
            all.extend(more);
        }
        signs
    }

    async fn knock_from_here(&self, places: &Places) -> Vec<Sign> {
        let via = match places.via {
            Some(id) => match self.node(id).await {
                Ok(way) => self.endpoint(&way).await.ok(),
                Err(_) => None,
            },
            None => None,
        };
        let via = via.as_ref();
        // Only where it is known to the console: its addresses in corosync.conf mean something to its peers, and to the
        // console's own network they may be somebody else's.
        let Some(address) = &places.ssh else { return Vec::new() };
        let answered = match self.dialer.offered_key(address, via).await {
            Ok(_) => true,
            Err(error) => is_alive(&error, address),
        };
        let sign = || Sign { address: format!("{}:{}", address.host, address.port), heard_by: CONSOLE.to_owned() };
        answered.then(sign).into_iter().collect()
    }

    /// A connection that is refused was refused by somebody; an echo came from somebody.
    async fn knock_from(&self, through: &Node, places: &[Places]) -> Vec<Vec<Sign>> {
        let tcp: Vec<SocketAddr> = places.iter().flat_map(|one| one.links.clone()).collect();
        let nothing = || vec![Vec::new(); places.len()];
        if tcp.is_empty() {
            return nothing();
        }
        let plan = ProbePlan { tcp, ..ProbePlan::default() };
        let command = probe::run(&plan, RECOVERY_PROBE_S);
        let Ok(shell) = self.shell_to(through).await else { return nothing() };
        let Ok(output) = shell.run(&command).await else { return nothing() };
        let Ok(report) = probe::report(answer(&output)) else { return nothing() };
        let lives = |at: &SocketAddr| {
            matches!(report.tcp.get(&at.to_string()), Some(TcpProbe::Open { .. } | TcpProbe::Refused))
        };
        let sign = |at: &SocketAddr| Sign { address: at.to_string(), heard_by: through.label().to_owned() };
        places.iter().map(|one| one.links.iter().filter(|at| lives(at)).map(sign).collect()).collect()
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
