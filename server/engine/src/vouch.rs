//! What the console's own machines say about a machine that nobody has confirmed yet. A hint for people, never a pin.

use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence, unreadable};
use model::host_key::HostKey;
use model::ids::ClusterId;
use model::import::Discovery;
use model::inventory::{Cluster, LogIn, Node, Purpose};
use model::problem::{Problem, ProblemCode};
use pve::host_keys::HostKeyKind;
use pve::ssh_keys;
use std::net::IpAddr;

/// The key of a machine as a member of its cluster sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The member that looked.
    pub by: String,
    /// Where it looked.
    pub address: IpAddr,
    /// `None` where nothing answered there.
    pub seen: Option<HostKey>,
}

impl Engine {
    /// The other cluster of this console, among those that `counts` takes, in which a machine with this host key is a member.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pinned_elsewhere(
        &self,
        key: &HostKey,
        here: Option<ClusterId>,
        counts: impl Fn(&Cluster) -> bool,
    ) -> Result<Option<Cluster>, Problem> {
        for cluster in self.store.clusters().await.map_err(|error| store_problem(&error))? {
            if Some(cluster.id) == here || !counts(&cluster) {
                continue;
            }
            let nodes = self.store.nodes(cluster.id).await.map_err(|error| store_problem(&error))?;
            if nodes.iter().any(|node| node.purpose == Purpose::Member && node.is_pinned_to(key)) {
                return Ok(Some(cluster));
            }
        }
        Ok(None)
    }

    /// Lets the first member that the console can log in to look at the host key of another one, at the address that the
    /// cluster itself uses.
    ///
    /// # Errors
    /// `NoWayIn`, `AddressInvalid`, or why the member could not look.
    pub async fn seen_by_member(
        &self,
        node: &Node,
        discovery: &Discovery,
        offered: &HostKey,
    ) -> Result<Sighting, Problem> {
        let nodes = self.store.nodes(node.cluster).await.map_err(|error| store_problem(&error))?;
        let looks = |one: &&Node| {
            one.id != node.id && one.purpose == Purpose::Member && matches!(one.log_in, LogIn::Works { .. })
        };
        let witness = nodes.iter().find(looks).ok_or(ProblemCode::NoWayIn)?;
        let member = discovery.member(node.label()).ok_or(ProblemCode::NotFound)?;
        let address: IpAddr = member
            .address
            .parse()
            .ok()
            .or_else(|| discovery.resolved.get(&member.address).copied())
            .ok_or_else(|| Problem::new(ProblemCode::AddressInvalid).with("address", &member.address))?;
        let kind = match offered.algorithm.as_str() {
            name if name.starts_with("ecdsa") => HostKeyKind::Ecdsa,
            "ssh-rsa" => HostKeyKind::Rsa,
            _ => HostKeyKind::Ed25519,
        };
        let command = ssh_keys::keyscan(address, kind);
        let shell = self.shell_to(witness).await?;
        let outputs = shell
            .sweep(std::slice::from_ref(&command))
            .await
            .map_err(|error| error.problem().with("node", witness.label()))?;
        let output = outputs.first().ok_or_else(|| Problem::new(ProblemCode::Garbage).with("node", witness.label()))?;
        let seen = evidence(witness.label(), &command, output);
        self.store.keep(node.cluster, None, &seen).await.map_err(|error| store_problem(&error))?;
        let key = ssh_keys::scanned(answer(output)).map_err(|error| unreadable(&error, witness.label()))?;
        Ok(Sighting {
            by: witness.label().to_owned(),
            address,
            seen: key.map(|key| HostKey {
                algorithm: key.algorithm().to_owned(),
                base64: key.blob().to_owned(),
                fingerprint: key.fingerprint(),
            }),
        })
    }
}
