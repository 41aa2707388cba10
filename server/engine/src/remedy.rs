//! What is read right before a remedy is planned. The plan is bound to it: where it has moved when the plan runs, the digest differs.

mod qdevice;
mod restart;

use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence, unreadable};
use crate::ports::Output;
use crate::served;
use futures::future::join_all;
use model::facts::CorosyncConf;
use model::ids::{ClusterId, NodeId};
use model::inventory::{Node, Purpose};
use model::links::{self, Candidate, NodeAddresses};
use model::name::NodeName;
use model::plan::Intent;
use model::problem::{Problem, ProblemCode};
use model::remedy::firewall::RULES_MAX_BYTES;
use model::remedy::hosts::HOSTS_MAX_BYTES;
use model::remedy::{ChronyLook, ContentDigest, FirewallLook, HostsLook, Look, OtherZone, RemedyKind, ZoneName};
use pve::files::{self, NodeFile};
use pve::host_keys::{self, HostKeyKind};
use pve::packages::{self, Package};
use pve::systemd::{self, Service};
use pve::{Answer, CommandLine, ParseError, corosync_conf, host, network, remedy};
use std::collections::BTreeMap;
use std::net::IpAddr;

impl Engine {
    /// What the planner needs beyond what is known; `None` for intents that need nothing.
    pub(crate) async fn look_for(
        &self,
        cluster: ClusterId,
        nodes: &[Node],
        intent: &Intent,
    ) -> Result<Option<Look>, Problem> {
        match intent {
            Intent::Remedy { node, remedy } => {
                let place = Place { engine: self, nodes, node: find(nodes, *node)? };
                place.look(*remedy).await.map(Some)
            }
            Intent::RestartCorosync { node } => {
                let place = Place { engine: self, nodes, node: find(nodes, *node)? };
                place.corosync().await.map(Some)
            }
            Intent::TakeBack { operation } => {
                let past = self.store.operation(*operation).await.map_err(|error| store_problem(&error))?;
                if past.cluster != cluster {
                    return Err(ProblemCode::NotFound.into());
                }
                Ok(Some(Look::Past(Box::new(past))))
            }
            Intent::SetUpQdevice { host, .. } => Ok(Some(Look::Qdevice(self.qdevice_look(nodes, *host).await))),
            Intent::SetExpected { through, .. } => self.silent_device(find(nodes, *through)?).await.map(Some),
            Intent::StartQdevice => self.qdevice_daemons(nodes).await.map(|look| Some(Look::QdeviceDaemons(look))),
            Intent::FinishJoin { node, .. } | Intent::UndoJoin { node } => {
                Ok(Some(Look::Join(Box::new(self.join_scene(cluster, *node).await?))))
            }
            _ => Ok(None),
        }
    }
}

fn find(nodes: &[Node], id: NodeId) -> Result<&Node, Problem> {
    nodes.iter().find(|node| node.id == id).ok_or_else(|| ProblemCode::NotFound.into())
}

/// The machine that is looked at, among the others.
struct Place<'a> {
    engine: &'a Engine,
    nodes: &'a [Node],
    node: &'a Node,
}

impl Place<'_> {
    async fn look(&self, remedy: RemedyKind) -> Result<Look, Problem> {
        match remedy {
            RemedyKind::HostsFile => self.hosts().await,
            RemedyKind::Authkey => self.authkey().await,
            RemedyKind::TimeZone => self.zones().await,
            RemedyKind::RsaHostKey => self.host_keys().await,
            RemedyKind::Chrony => self.chrony().await,
            RemedyKind::Firewall => self.firewalls().await,
        }
    }

    fn peers(&self) -> Vec<&Node> {
        let member = |node: &&Node| node.purpose == Purpose::Member && node.id != self.node.id;
        let mut peers: Vec<&Node> = self.nodes.iter().filter(member).collect();
        peers.sort_by_key(|node| node.position);
        peers
    }

    fn problem(&self, code: ProblemCode) -> Problem {
        Problem::new(code).with("node", self.node.label())
    }

    /// Reads with a channel of its own, so that the bytes are the file's own, and keeps the answer.
    async fn read(&self, node: &Node, command: &CommandLine) -> Result<Output, Problem> {
        let shell = self.engine.shell_to(node).await?;
        let output = shell.run(command).await.map_err(|error| error.problem().with("node", node.label()))?;
        let seen = evidence(node.label(), command, &output);
        self.engine.store.keep(node.cluster, None, &seen).await.map_err(|error| store_problem(&error))?;
        Ok(output)
    }

    async fn ask<T>(
        &self,
        command: &CommandLine,
        parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>,
    ) -> Result<T, Problem> {
        let output = self.read(self.node, command).await?;
        parse(answer(&output)).map_err(|error| unreadable(&error, self.node.label()))
    }

    /// The cluster's own nodelist; `None` where the node is in no cluster. Where only pmxcfs is down nobody knows.
    async fn cluster_conf(&self) -> Result<Option<CorosyncConf>, Problem> {
        let command = files::cluster_corosync_conf();
        let conf = self.ask(&command, corosync_conf::conf).await?;
        if conf.is_some() {
            return Ok(conf);
        }
        let [unit, mount, local] = served::asks_without_conf();
        let (unit, mount) = (self.read(self.node, &unit).await?, self.read(self.node, &mount).await?);
        let local = self.read(self.node, &local).await?;
        served::no_cluster(self.node.label(), [answer(&unit), answer(&mount), answer(&local)])?;
        // pmxcfs may have come back between the questions.
        self.ask(&command, corosync_conf::conf).await
    }

    async fn hosts(&self) -> Result<Look, Problem> {
        let unfit = || self.problem(ProblemCode::FileUnfit).with("file", NodeFile::Hosts.path());
        let name = self.ask(&host::hostname(), host::node_name).await?.to_string();
        let output = self.read(self.node, &files::hosts()).await?;
        files::content(answer(&output)).map_err(|error| unreadable(&error, self.node.label()))?;
        if output.stdout.len() > HOSTS_MAX_BYTES {
            return Err(unfit());
        }
        let content = String::from_utf8(output.stdout).map_err(|_| unfit())?;
        let draft = self.engine.store.draft(self.node.cluster).await.map_err(|error| store_problem(&error))?;
        let first_link = draft.links.iter().min_by_key(|link| link.number);
        let planned = |node: &Node| first_link.and_then(|link| link.addresses.get(&node.id).copied());
        let own = self.engine.addresses(self.node).await?;
        let mut wanted: Vec<IpAddr> =
            [own.management, own.own_name, planned(self.node)].into_iter().flatten().collect();
        wanted.extend(self.on_default_route(&own).await?);
        let peers = join_all(self.peers().into_iter().map(|peer| async move {
            let told = self.engine.addresses(peer).await.ok();
            let address = told.and_then(|told| best(&told, planned(peer)));
            peer.name.clone().map(|name| (name, address))
        }));
        let peers = peers.await.into_iter().flatten().collect();
        Ok(Look::Hosts(HostsLook { name, content, own: own.addresses, wanted, peers }))
    }

    /// The addresses of the card that leads out of the machine's own networks.
    async fn on_default_route(&self, own: &NodeAddresses) -> Result<Vec<IpAddr>, Problem> {
        let routes = self.ask(&network::ip_route(), network::routes).await?;
        let leads_out = |interface: &str| {
            routes.iter().any(|route| route.destination == "default" && route.interface.as_deref() == Some(interface))
        };
        let addresses = own.addresses.iter().filter(|one| one.global && leads_out(&one.interface));
        Ok(addresses.map(|one| one.address).collect())
    }

    async fn authkey(&self) -> Result<Look, Problem> {
        let output = self.read(self.node, &files::sha256sums(&[NodeFile::CorosyncAuthkey])).await?;
        let digest = digest_in(answer(&output)).map_err(|error| unreadable(&error, self.node.label()))?;
        Ok(Look::Authkey { digest })
    }

    async fn zones(&self) -> Result<Look, Problem> {
        let output = self.read(self.node, &host::time_status()).await?;
        let own = zone_in(answer(&output)).map_err(|error| unreadable(&error, self.node.label()))?;
        let own = own.ok_or_else(|| self.problem(ProblemCode::Garbage).with("what", "timedatectl show"))?;
        let others = join_all(self.peers().into_iter().map(|peer| async move {
            let output = self.read(peer, &host::time_status()).await.ok()?;
            let zone = zone_in(answer(&output)).ok().flatten()?;
            Some(OtherZone { label: peer.label().to_owned(), zone })
        }));
        Ok(Look::Zones { own, others: others.await.into_iter().flatten().collect() })
    }

    async fn host_keys(&self) -> Result<Look, Problem> {
        let mut found = BTreeMap::new();
        for kind in HostKeyKind::ALL {
            let key = self.ask(&host_keys::cat_host_key(kind), host_keys::public_key).await?;
            found.extend(key.map(|key| (key.algorithm().to_owned(), key.fingerprint())));
        }
        Ok(Look::HostKeys(found))
    }

    async fn chrony(&self) -> Result<Look, Problem> {
        const SERVICES: [Service; 2] = [Service::Chrony, Service::Timesyncd];
        let packages = self.ask(&packages::query(&[Package::Chrony]), packages::installed).await?;
        let output = self.read(self.node, &systemd::is_active(&SERVICES)).await?;
        let states =
            systemd::activity(answer(&output), &SERVICES).map_err(|error| unreadable(&error, self.node.label()))?;
        let runs = |service| states.get(&service).is_some_and(|state| state == "active");
        let armed = self.ask(&remedy::watchdog_held(), files::yes_or_no).await?;
        Ok(Look::Chrony(ChronyLook {
            installed: packages.contains_key(Package::Chrony.name()),
            active: runs(Service::Chrony),
            armed,
            timesyncd: runs(Service::Timesyncd),
        }))
    }
}

impl Place<'_> {
    /// The rules of every member whose firewall is enabled. One that does not answer keeps what it has.
    async fn firewalls(&self) -> Result<Look, Problem> {
        let mut members = self.peers();
        members.push(self.node);
        members.sort_by_key(|node| node.position);
        let told = join_all(members.iter().map(|node| self.engine.addresses(node))).await;
        let told: Vec<NodeAddresses> = told.into_iter().filter_map(Result::ok).collect();
        let networks = links::candidates(&told);
        let looks = join_all(members.into_iter().map(|node| self.firewall(node, &networks))).await;
        let found: Vec<Option<FirewallLook>> = looks.into_iter().collect::<Result<_, Problem>>()?;
        Ok(Look::Firewalls(found.into_iter().flatten().collect()))
    }

    async fn firewall(&self, node: &Node, networks: &[Candidate]) -> Result<Option<FirewallLook>, Problem> {
        let Ok(output) = self.read(node, &remedy::firewall_status()).await else { return Ok(None) };
        let Ok(state) = remedy::firewall_state(answer(&output)) else { return Ok(None) };
        let name: Option<NodeName> = node.name.as_deref().and_then(|name| name.parse().ok());
        let Some(name) = name.filter(|_| state.enabled) else { return Ok(None) };
        let output = self.read(node, &remedy::host_firewall(&name)).await?;
        let there = files::content(answer(&output)).map_err(|error| unreadable(&error, node.label()))?.is_some();
        let unfit = || {
            let file = NodeFile::HostFirewall(name.clone()).path();
            Problem::new(ProblemCode::FileUnfit).with("node", node.label()).with("file", file)
        };
        if output.stdout.len() > RULES_MAX_BYTES {
            return Err(unfit());
        }
        let content = String::from_utf8(output.stdout).map_err(|_| unfit())?;
        let peers = |network: &Candidate| {
            let others = network.addresses.iter().filter(|(id, _)| **id != node.id);
            others.map(|(_, address)| *address).collect::<Vec<IpAddr>>()
        };
        let own = networks.iter().filter(|network| network.addresses.contains_key(&node.id));
        let networks = own.map(peers).collect();
        Ok(Some(FirewallLook { node: node.id, name: name.to_string(), content: there.then_some(content), networks }))
    }
}

/// Where another node is best reached by its name; what it does not tell is not guessed.
fn best(told: &NodeAddresses, planned: Option<IpAddr>) -> Option<IpAddr> {
    let is_own = |address: &IpAddr| {
        !address.is_loopback() && told.addresses.iter().any(|own| own.global && own.address == *address)
    };
    [told.management, told.own_name, planned].into_iter().flatten().find(is_own)
}

/// The digest that `sha256sum` of one file printed; `None` where there is no such file.
pub(crate) fn digest_in(answer: Answer<'_>) -> Result<Option<ContentDigest>, ParseError> {
    match files::digests(answer) {
        Ok(found) => Ok(found.into_values().next().and_then(|digest| ContentDigest::try_from(digest).ok())),
        Err(error) if error.reason == pve::Reason::NoSuchFile => Ok(None),
        Err(error) => Err(error),
    }
}

/// The time zone of `timedatectl show`, where its name is one.
pub(crate) fn zone_in(answer: Answer<'_>) -> Result<Option<ZoneName>, ParseError> {
    Ok(host::time(answer)?.timezone.and_then(|zone| ZoneName::try_from(zone).ok()))
}
