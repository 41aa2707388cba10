//! The host of the QDevice as a witness: who is connected to it lives, whatever the others can reach.

use super::{could_answer, quotes};
use crate::context::Engine;
use crate::evidence::{answer, unreadable};
use futures::future::join_all;
use model::facts::{CorosyncConf, CorosyncNodeId};
use model::inventory::{Node, Purpose};
use model::observation::Evidence;
use model::problem::{Problem, ProblemCode};
use model::recovery::{Sign, Unasked};
use pve::qdevice::{self, QnetdClient};
use std::collections::BTreeMap;

type Clients = Result<Vec<QnetdClient>, Problem>;

/// What the hosts of QDevices know.
#[derive(Debug, Default)]
pub struct Witness {
    connected: Vec<(CorosyncNodeId, Sign)>,
    /// Who could not be asked. A host that is not connected to a node says nothing of it.
    pub unasked: Vec<Unasked>,
    pub evidence: Vec<Evidence>,
}

impl Witness {
    pub fn of(&self, id: CorosyncNodeId) -> impl Iterator<Item = Sign> {
        self.connected.iter().filter(move |(node, _)| *node == id).map(|(_, sign)| sign.clone())
    }
}

impl Engine {
    /// Asks every host of a QDevice that the console knows. qnetd keeps a client until it has missed its heartbeats
    /// (`corosync-qnetd(8)`, dpd), so one that has died a moment ago may still be connected.
    pub(crate) async fn ask_witness(&self, conf: &CorosyncConf, nodes: &[Node]) -> Witness {
        let Some(device) = &conf.qdevice else { return Witness::default() };
        let hosts: Vec<&Node> =
            nodes.iter().filter(|node| node.purpose == Purpose::Qnetd && could_answer(node)).collect();
        let told = join_all(hosts.iter().map(|host| self.qnetd_clients(&conf.cluster_name, host))).await;
        let mut witness = Witness::default();
        if hosts.is_empty() {
            let by = device.host.clone().unwrap_or_else(|| "QDevice".to_owned());
            let problem = Problem::new(ProblemCode::NoWayToIt).with("node", &by);
            witness.unasked.push(Unasked { by, problem });
        }
        for (host, told) in hosts.into_iter().zip(told) {
            let by = host.label().to_owned();
            let told = told.and_then(|(clients, evidence)| {
                witness.evidence.extend(evidence);
                clients
            });
            match told {
                Ok(clients) => {
                    // However often it is connected, a node is one.
                    let here = clients.into_iter().filter(|one| one.cluster == conf.cluster_name);
                    let here: BTreeMap<CorosyncNodeId, String> = here.map(|one| (one.node_id, one.address)).collect();
                    let sign = |(id, address)| (id, Sign { address, heard_by: by.clone() });
                    witness.connected.extend(here.into_iter().map(sign));
                }
                Err(problem) => witness.unasked.push(Unasked { by, problem }),
            }
        }
        witness
    }

    /// What was made of its answer, and the answer itself.
    async fn qnetd_clients(&self, cluster: &str, host: &Node) -> Result<(Clients, Vec<Evidence>), Problem> {
        let commands = [qdevice::qnetd_clients(cluster)];
        let shell = self.shell_to(host).await?;
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", host.label()))?;
        let [told] = outputs.as_slice() else { return Err(ProblemCode::Internal.into()) };
        let clients = qdevice::clients(answer(told)).map_err(|error| unreadable(&error, host.label()));
        Ok((clients, quotes(host, &commands, &outputs)))
    }
}
