//! Machines that are reached through another one.

use super::{RequestBackend, stored};
use app::api::*;
use engine::context::Engine;
use model::host_key::HostKey;
use model::inventory::{Cluster, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};

/// A machine in between, knocked at; it stands in no list yet.
pub(super) struct NewWay {
    address: SshAddress,
    offered: HostKey,
}

/// The addresses of a machine as a person typed them, checked.
pub(super) fn addresses(new: &NewNode) -> Result<(SshAddress, Option<SshAddress>), Problem> {
    let checked = |host: &str, port, user: &str| {
        SshAddress::parse(host, port, user).map_err(|error| Problem::from(error).with("host", host))
    };
    let via = new.via.as_ref().map(|via| checked(&via.host, via.port, &via.user)).transpose()?;
    Ok((checked(&new.host, new.port, &new.user)?, via))
}

impl RequestBackend {
    pub(super) async fn knock_at_way(&self, address: &SshAddress) -> ApiResult<NewWay> {
        let offered = self.offer_at(address, &address.host).await?;
        Ok(NewWay { address: address.clone(), offered })
    }

    pub(super) async fn add_way(&self, caller: &Caller, cluster: &Cluster, way: NewWay) -> ApiResult<Node> {
        self.insert_node(caller, cluster, way.address, Purpose::Jump, Some(&way.offered), None).await
    }

    /// The machine in between: one that is in the list already, or a new one, whose key a person confirms like any other.
    pub(super) async fn way(
        &self,
        caller: &Caller,
        cluster: &Cluster,
        typed: Option<&SshAddress>,
    ) -> ApiResult<Option<Node>> {
        let Some(address) = typed else { return Ok(None) };
        let nodes = self.state.engine.store.nodes(cluster.id).await.map_err(stored)?;
        let here = nodes.into_iter().find(|node| same_place(&node.address, address));
        match here {
            Some(node) if node.via.is_some() => {
                Err(ApiError(Problem::new(ProblemCode::JumpChained).with("jump", node.label())))
            }
            Some(node) => Ok(Some(node)),
            None => {
                let way = self.knock_at_way(address).await?;
                self.add_way(caller, cluster, way).await.map(Some)
            }
        }
    }

    /// The key of a new machine, where anything can be asked of it already: a way that lets nobody through is no failure yet.
    pub(super) async fn first_offer(&self, address: &SshAddress, way: Option<&Node>) -> ApiResult<Option<HostKey>> {
        match way {
            None => self.offer_at(address, &address.host).await.map(Some),
            Some(way) if matches!(way.log_in, LogIn::Works { .. }) => {
                let engine = &self.state.engine;
                let endpoint = engine.endpoint(way).await.map_err(ApiError)?;
                let offered = engine.dialer.offered_key(address, Some(&endpoint)).await;
                offered.map(Some).map_err(|error| ApiError(error.problem().with("node", &address.host)))
            }
            Some(_) => Ok(None),
        }
    }

    /// The way is open: whoever waits behind it is tried again, and shows its key.
    pub(super) async fn try_behind(&self, way: &Node) -> ApiResult<()> {
        let engine = &self.state.engine;
        for node in behind(engine, way).await? {
            let result = engine.try_log_in(&node).await;
            self.keep_first_offer(&node, &result).await?;
        }
        Ok(())
    }

    /// A machine that is the way to others stays as long as they do.
    pub(super) async fn is_no_way(&self, node: &Node) -> ApiResult<()> {
        let behind = behind(&self.state.engine, node).await?;
        if behind.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = behind.iter().map(Node::label).collect();
        Err(ApiError(Problem::new(ProblemCode::JumpInUse).with("jump", node.label()).with("nodes", names.join(", "))))
    }
}

pub(super) fn same_place(one: &SshAddress, other: &SshAddress) -> bool {
    one.host.eq_ignore_ascii_case(&other.host) && one.port == other.port
}

async fn behind(engine: &Engine, way: &Node) -> ApiResult<Vec<Node>> {
    let mut nodes = engine.store.nodes(way.cluster).await.map_err(stored)?;
    nodes.retain(|node| node.via == Some(way.id));
    Ok(nodes)
}
