//! What one machine is asked, and what its answers say: of itself, and of another one.

use crate::evidence::answer;
use crate::ports::Output;
use crate::remedy::digest_in;
use model::facts::{CorosyncConf, GuestKind, QuorumStatus};
use model::inventory::Node;
use model::midway::{JoinerSeen, MemberSeen, Told};
use model::name::NodeName;
use model::observation::Evidence;
use pve::files::{self, NodeFile, NodeFolder};
use pve::host_keys::{self, PublicKey};
use pve::ssh_keys::{self, KeyFile, KeyLine};
use pve::systemd::{self, Service};
use pve::{Answer, CommandLine, ParseError, corosync_conf, host, midway, network, quorumtool};
use std::collections::BTreeMap;

const SERVICES: [Service; 2] = [Service::Corosync, Service::PveCluster];

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    Hostname,
    LocalConf,
    ClusterConf,
    Authkey,
    Services,
    Quorum,
    Writable,
    Vms,
    Containers,
    Database,
    Backups,
    Addresses,
    RootKey,
    SharedKeys,
    Nodes,
    /// Of the node with this name.
    Certificate(String),
}

impl Ask {
    /// Everything that a machine is asked; it may turn out to be either side.
    pub fn all(node: &Node, names: &[String]) -> Vec<(Self, CommandLine)> {
        let mut asks = vec![
            (Self::Hostname, host::hostname()),
            (Self::LocalConf, files::local_corosync_conf()),
            (Self::ClusterConf, files::cluster_corosync_conf()),
            (Self::Authkey, files::sha256sums(&[NodeFile::CorosyncAuthkey])),
            (Self::Services, systemd::is_active(&SERVICES)),
            (Self::Quorum, quorumtool::status()),
            (Self::Writable, files::pmxcfs_writable()),
            (Self::Database, files::exists(&NodeFile::PmxDatabase)),
            (Self::Backups, files::list(&NodeFolder::PmxBackups)),
            (Self::Addresses, network::ip_addr()),
            (Self::RootKey, host_keys::cat_root_key()),
            (Self::SharedKeys, ssh_keys::cat(KeyFile::ClusterAuthorizedKeys)),
            (Self::Nodes, files::list(&NodeFolder::PveNodes)),
        ];
        if let Some(own) = node.name.as_deref().and_then(|name| name.parse::<NodeName>().ok()) {
            asks.push((Self::Vms, host::guest_files(&own, GuestKind::Qemu)));
            asks.push((Self::Containers, host::guest_files(&own, GuestKind::Lxc)));
        }
        for name in names {
            let Ok(node) = name.parse::<NodeName>() else { continue };
            asks.push((Self::Certificate(name.clone()), files::exists(&NodeFile::NodeCertificate(node))));
        }
        asks
    }
}

/// One machine with its answers; none where it is silent.
pub struct Side {
    pub node: Node,
    pub answers: BTreeMap<Ask, (Output, Evidence)>,
}

impl Side {
    pub const fn silent(node: Node) -> Self {
        Self { node, answers: BTreeMap::new() }
    }

    pub fn answers(&self) -> bool {
        !self.answers.is_empty()
    }

    pub fn evidence(&self) -> impl Iterator<Item = Evidence> + '_ {
        self.answers.values().map(|(_, seen)| seen.clone())
    }

    fn read<T>(&self, ask: &Ask, parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>) -> Option<T> {
        let (output, _) = self.answers.get(ask)?;
        parse(answer(output)).ok()
    }

    fn told<T>(&self, ask: &Ask, parse: impl for<'b> FnOnce(Answer<'b>) -> Result<Option<T>, ParseError>) -> Told<T> {
        match self.read(ask, parse) {
            None => Told::Unknown,
            Some(None) => Told::Nothing,
            Some(Some(value)) => Told::Is(value),
        }
    }

    pub fn name(&self) -> Option<String> {
        self.read(&Ask::Hostname, host::node_name).map(|name| name.to_string())
    }

    pub fn runs(&self, service: Service) -> Option<bool> {
        let states = self.read(&Ask::Services, |answer| systemd::activity(answer, &SERVICES))?;
        states.get(&service).map(|state| state == "active")
    }

    pub fn quorum(&self) -> Option<QuorumStatus> {
        self.read(&Ask::Quorum, quorumtool::quorum)
    }

    pub fn is_quorate(&self) -> bool {
        self.quorum().is_some_and(|status| status.quorate)
    }

    fn certificate(&self, name: &str) -> Option<bool> {
        self.read(&Ask::Certificate(name.to_owned()), files::yes_or_no)
    }

    /// Listed by itself, and its own certificate was made: its join is complete.
    pub fn is_member_of(&self, cluster: &str) -> bool {
        let Some(name) = self.name() else { return false };
        let conf = self.told(&Ask::ClusterConf, corosync_conf::conf);
        let listed = conf
            .known()
            .is_some_and(|conf| conf.cluster_name == cluster && conf.nodes.iter().any(|node| node.name == name));
        listed && self.certificate(&name) == Some(true)
    }

    pub fn root_key(&self) -> Told<PublicKey> {
        self.told(&Ask::RootKey, host_keys::public_key)
    }

    pub fn as_joiner(&self) -> JoinerSeen {
        let name_of = |told: Told<CorosyncConf>| match told {
            Told::Is(conf) => Told::Is(conf.cluster_name),
            Told::Nothing => Told::Nothing,
            Told::Unknown => Told::Unknown,
        };
        let (corosync, pmxcfs) = (self.runs(Service::Corosync), self.runs(Service::PveCluster));
        let counted = |ask: &Ask, kind| self.read(ask, |answer| host::guests(answer, kind)).map(|found| found.len());
        let guests = counted(&Ask::Vms, GuestKind::Qemu).zip(counted(&Ask::Containers, GuestKind::Lxc));
        // While pmxcfs is down its folders are not there, which is no answer about what they hold.
        let served = pmxcfs == Some(true);
        let backups = self.told(&Ask::Backups, files::names);
        let addresses = self.read(&Ask::Addresses, network::addresses);
        JoinerSeen {
            answers: self.answers(),
            name: self.name(),
            local: name_of(self.told(&Ask::LocalConf, corosync_conf::conf)),
            database: if served { name_of(self.told(&Ask::ClusterConf, corosync_conf::conf)) } else { Told::Unknown },
            authkey: self.told(&Ask::Authkey, digest_in),
            corosync,
            pmxcfs,
            in_ring: self.in_ring(corosync, None),
            writable: self.read(&Ask::Writable, files::writable),
            guests: guests.filter(|_| served).map(|(one, other)| u32::try_from(one + other).unwrap_or(u32::MAX)),
            config_db: self.read(&Ask::Database, files::yes_or_no),
            backup: backups.known().and_then(|names| midway::newest_backup(names)),
            addresses: addresses.map(|all| all.into_iter().map(|one| one.address).collect()),
        }
    }

    /// Whether the node with this number, or this node itself, is in the ring of a quorate side.
    fn in_ring(&self, corosync: Option<bool>, id: Option<u32>) -> Option<bool> {
        match (corosync, self.quorum()) {
            (Some(false), _) => Some(false),
            (_, None) => None,
            (_, Some(status)) => {
                let wanted = id.unwrap_or(status.node_id);
                Some(status.quorate && status.members.iter().any(|member| member.id == wanted))
            }
        }
    }

    /// What this member says of the node with this name.
    pub fn as_member(&self, name: &str, root_key: &Told<PublicKey>) -> MemberSeen {
        let corosync = self.runs(Service::Corosync);
        let conf = self.told(&Ask::ClusterConf, corosync_conf::conf);
        let quorum = self.quorum();
        let conf = conf.known();
        let entry = conf.map(|conf| conf.nodes.iter().find(|node| node.name == name));
        let listed = match entry {
            None => Told::Unknown,
            Some(None) => Told::Nothing,
            Some(Some(node)) => Told::Is(node.addresses.values().cloned().collect()),
        };
        let in_ring = match entry.flatten() {
            None => Some(false),
            Some(node) => self.in_ring(corosync, Some(node.id)),
        };
        let here = |id: u32| quorum.as_ref().is_some_and(|status| status.members.iter().any(|one| one.id == id));
        let others = conf.into_iter().flat_map(|conf| &conf.nodes).filter(|node| node.name != name);
        let absent = others.filter(|node| !here(node.id)).map(|node| node.name.clone()).collect();
        let shared = self.told(&Ask::SharedKeys, files::content);
        let key_shared = match (root_key, shared.known()) {
            (Told::Nothing, _) => Some(false),
            (Told::Is(key), Some(lines)) => Some(KeyLine::authorized(key).is_in(lines)),
            _ => None,
        };
        let folders = self.told(&Ask::Nodes, files::names);
        MemberSeen {
            node: Some(self.node.id),
            label: self.node.label().to_owned(),
            listed,
            in_ring,
            quorate: if corosync == Some(false) { Some(false) } else { quorum.as_ref().map(|status| status.quorate) },
            votes: quorum.as_ref().map(|status| status.total_votes),
            absent,
            authkey: self.told(&Ask::Authkey, digest_in),
            key_shared,
            certificate: self.certificate(name),
            folder: folders.known().map(|names| names.iter().any(|one| one == name)),
        }
    }
}
