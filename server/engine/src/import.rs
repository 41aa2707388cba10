//! Taking over a cluster that exists already: asked through one of its nodes, its members dialled, then adopted in one go.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::evidence::{answer, evidence, fact, unreadable};
use crate::execute;
use crate::hub::Observed;
use crate::limits::{PLACE_WAIT, POLL_PAUSE};
use crate::ports::{Adoption, NodeShell, Output, StoreError};
use futures::future::join_all;
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::facts::CorosyncConf;
use model::host_key::HostKey;
use model::ids::{ClusterId, NodeId};
use model::import::{self, Chosen, Discovery, Source, Told};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::observation::Fact;
use model::operation::OperationState;
use model::plan::Intent;
use model::policy::{Consent, Shown};
use model::problem::{Problem, ProblemCode};
use pve::host_keys::PublicKey;
use pve::ssh_keys::{self, KeyFile, KeyLine};
use pve::{Answer, CommandLine, ParseError, Reason, corosync_conf, files, network, pmxcfs, quorumtool};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tokio::time::{Instant, sleep};

/// The answer of a node about its cluster, and the node that gave it.
#[derive(Debug, Clone)]
pub struct Answered {
    pub discovery: Discovery,
    pub through: Node,
    conf: Fact<CorosyncConf>,
}

/// A member that a person chose, knocked at.
#[derive(Debug, Clone)]
pub struct Dialled {
    pub name: String,
    pub address: SshAddress,
    pub offered: Result<HostKey, Problem>,
}

/// What became of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    pub cluster: Cluster,
    /// Machines that were added now.
    pub added: Vec<Node>,
    /// Another cluster here has the name already.
    pub name_taken: bool,
}

impl Engine {
    /// Asks the first node that lets the console in about its cluster.
    ///
    /// # Errors
    /// `NoWayIn`, `NotInCluster`, or why the node could not be asked.
    pub async fn discover(&self, cluster: ClusterId) -> Result<Answered, Problem> {
        let nodes = self.store.nodes(cluster).await.map_err(|error| store_problem(&error))?;
        let open = |node: &&Node| node.purpose == Purpose::Member && matches!(node.log_in, LogIn::Works { .. });
        let mut last = Problem::from(ProblemCode::NoWayIn);
        for node in nodes.iter().filter(open) {
            match self.discover_through(node, &nodes).await {
                Ok(answered) => return Ok(answered),
                Err(problem) => last = problem,
            }
        }
        Err(last)
    }

    async fn discover_through(&self, node: &Node, nodes: &[Node]) -> Result<Answered, Problem> {
        let shell = self.shell_to(node).await?;
        let commands = [
            files::cluster_corosync_conf(),
            files::local_corosync_conf(),
            pmxcfs::cat_members(),
            pmxcfs::cat_vmlist(),
            quorumtool::status(),
        ];
        let outputs = self.sweep_kept(node, shell.as_ref(), &commands).await?;
        let [shared, local, members, guests, quorum] = outputs.as_slice() else {
            return Err(Problem::new(ProblemCode::Garbage).with("node", node.label()));
        };
        let shared_conf = there(node, shared, corosync_conf::conf)?.flatten();
        let local_conf = there(node, local, corosync_conf::conf)?.flatten();
        let mut told = Told {
            by: node.label().to_owned(),
            at: shared.at,
            members: there(node, members, pmxcfs::members)?,
            guests: there(node, guests, pmxcfs::guests)?.map(|all| u32::try_from(all.len()).unwrap_or(u32::MAX)),
            quorum: quorumtool::quorum(answer(quorum)).ok(),
            shared: shared_conf,
            local: local_conf,
            resolved: BTreeMap::new(),
        };
        let not_in_cluster = || Problem::new(ProblemCode::NotAMember).with("node", node.label());
        let first = import::discover(&told, nodes).ok_or_else(not_in_cluster)?;
        let (conf, command, output) = match first.source {
            Source::Shared => (told.shared.clone(), commands.first(), shared),
            Source::Local => (told.local.clone(), commands.get(1), local),
        };
        let (Some(conf), Some(command)) = (conf, command) else { return Err(ProblemCode::Internal.into()) };
        told.resolved = self.resolve(node, shell.as_ref(), &conf).await?;
        Ok(Answered {
            discovery: import::discover(&told, nodes).ok_or_else(not_in_cluster)?,
            through: node.clone(),
            conf: fact(conf, node.label(), command, output),
        })
    }

    /// Names among the links' addresses, as that node resolves them.
    async fn resolve(
        &self,
        node: &Node,
        shell: &dyn NodeShell,
        conf: &CorosyncConf,
    ) -> Result<BTreeMap<String, IpAddr>, Problem> {
        let names: Vec<_> =
            import::names_to_resolve(conf).into_iter().filter_map(|name| Some((name.parse().ok()?, name))).collect();
        let commands: Vec<CommandLine> = names.iter().map(|(name, _)| network::ahosts(name)).collect();
        if commands.is_empty() {
            return Ok(BTreeMap::new());
        }
        let outputs = self.sweep_kept(node, shell, &commands).await?;
        let found = names.into_iter().zip(&outputs).filter_map(|((_, text), output)| {
            let addresses = network::resolved(answer(output)).ok()?;
            Some((text, addresses.into_iter().find(|address| !address.is_loopback())?))
        });
        Ok(found.collect())
    }

    async fn sweep_kept(
        &self,
        node: &Node,
        shell: &dyn NodeShell,
        commands: &[CommandLine],
    ) -> Result<Vec<Output>, Problem> {
        let outputs = shell.sweep(commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        for (command, output) in commands.iter().zip(&outputs) {
            let seen = evidence(node.label(), command, output);
            self.store.keep(node.cluster, None, &seen).await.map_err(|error| store_problem(&error))?;
        }
        Ok(outputs)
    }

    /// Knocks at all chosen members at once. The account and the usual port are those of the node that told of them.
    ///
    /// # Errors
    /// A member that the cluster does not have, or an address that is none.
    pub async fn dial_members(&self, answered: &Answered, chosen: &[Chosen]) -> Result<Vec<Dialled>, Problem> {
        let at = &answered.through.address;
        let mut wanted = Vec::new();
        for one in chosen {
            let member = answered.discovery.member(&one.name);
            let member = member.ok_or_else(|| Problem::new(ProblemCode::NotFound).with("what", &one.name))?;
            if member.known.is_none() {
                let address = SshAddress::parse(&one.host, at.port, &at.user)
                    .map_err(|error| Problem::from(error).with("host", &one.host))?;
                wanted.push((member.name.clone(), address));
            }
        }
        let via = self.way_to(&answered.through).await?;
        let via = via.as_ref();
        let knocks = wanted.into_iter().map(|(name, address)| async move {
            let offered = self.dialer.offered_key(&address, via).await;
            let offered = offered.map_err(|error| error.problem().with("node", &name).with("host", &address.host));
            Dialled { name, address, offered }
        });
        Ok(join_all(knocks).await)
    }

    /// Takes the cluster over: machines, links, name and state in one transaction; then it is watched.
    ///
    /// # Errors
    /// `NodeAlreadyAdded`, or a failing store.
    pub async fn adopt(
        &self,
        who: &Person,
        cluster: &Cluster,
        answered: &Answered,
        members: Vec<Dialled>,
    ) -> Result<Imported, Problem> {
        let known = self.store.nodes(cluster.id).await.map_err(|error| store_problem(&error))?;
        let now = self.clock.now();
        let added: Vec<Node> = members
            .into_iter()
            .map(|one| Node {
                id: NodeId::from_uuid(self.ids.next()),
                cluster: cluster.id,
                purpose: Purpose::Member,
                address: one.address,
                // What tells of a member's address is where that address means something.
                via: answered.through.via,
                name: Some(one.name),
                pin: None,
                offered: one.offered.as_ref().ok().cloned(),
                log_in: match one.offered {
                    Ok(_) => LogIn::KeyUnconfirmed,
                    Err(problem) => LogIn::Fails { problem, at: now },
                },
                position: 0,
            })
            .collect();
        let draft = self.adopted_draft(who, cluster, answered, &known, &added).await?;
        let discovery = &answered.discovery;
        let protection = if discovery.protects() {
            let entry = self.protection(cluster).await?;
            Some(AuditEntry { cluster_name: Some(discovery.cluster_name.clone()), ..entry })
        } else {
            None
        };
        let adoption = Adoption {
            cluster: cluster.id,
            // A name that the console could not keep is none that pvecm would have taken.
            name: discovery.cluster_name.parse().ok(),
            protection,
            nodes: added,
            draft,
        };
        let entries = self.import_entries(who, cluster, answered, &adoption.nodes);
        let adopted = self.store.adopt(&adoption, entries).await.map_err(|error| match error {
            StoreError::Conflict { what: "node with that address" } => ProblemCode::NodeAlreadyAdded.into(),
            other => store_problem(&other),
        })?;
        self.watch(cluster.id).await;
        // The look that the import rests on is an observation like any other.
        self.hub.observe(cluster.id, answered.through.id, Observed::Conf(answered.conf.clone()));
        let cluster = self.store.cluster(cluster.id).await.map_err(|error| store_problem(&error))?;
        let name_taken = cluster.name.as_str() != discovery.cluster_name;
        Ok(Imported { cluster, added: adopted, name_taken })
    }

    /// The links of all members, and what people chose for machines that are not in the cluster yet.
    async fn adopted_draft(
        &self,
        who: &Person,
        cluster: &Cluster,
        answered: &Answered,
        known: &[Node],
        added: &[Node],
    ) -> Result<model::wizard::Draft, Problem> {
        let mut draft = self.store.draft(cluster.id).await.map_err(|error| store_problem(&error))?;
        let ids: BTreeMap<String, NodeId> = known
            .iter()
            .chain(added)
            .filter(|node| node.purpose == Purpose::Member)
            .filter_map(|node| Some((node.name.clone()?, node.id)))
            .collect();
        let mut links = answered.discovery.links(&ids);
        for link in &mut links {
            let before = draft.links.iter().find(|one| one.number == link.number);
            for (id, address) in before.into_iter().flat_map(|one| &one.addresses) {
                link.addresses.entry(*id).or_insert(*address);
            }
        }
        draft.links = links;
        draft.touched_by = Some(who.name.clone());
        draft.touched_at = Some(self.clock.now());
        Ok(draft)
    }

    fn import_entries(&self, who: &Person, cluster: &Cluster, answered: &Answered, added: &[Node]) -> Vec<AuditEntry> {
        let mut entries = Vec::new();
        if cluster.phase != ClusterPhase::Live {
            let mut entry = self.audit.about(AuditCode::ClusterImported, who, Outcome::Success, cluster);
            entry.cluster_name = Some(answered.discovery.cluster_name.clone());
            entry.node = Some(answered.through.label().to_owned());
            let members: Vec<&str> = answered.discovery.found.iter().map(|one| one.name.as_str()).collect();
            entry.details.insert("members".to_owned(), members.join(", "));
            entry.details.insert("config_version".to_owned(), answered.discovery.config_version.to_string());
            entries.push(entry);
        }
        for node in added {
            let mut entry = self.audit.about(AuditCode::NodeAdded, who, Outcome::Success, cluster);
            entry.cluster_name = Some(answered.discovery.cluster_name.clone());
            entry.node = Some(node.label().to_owned());
            entry.details.insert("address".to_owned(), node.address.to_string());
            if let Some(offered) = &node.offered {
                entry.details.insert("offered".to_owned(), offered.fingerprint.clone());
            }
            entries.push(entry);
        }
        entries
    }

    /// Whether the console's key lies where only people take it away: not in a file of pmxcfs.
    ///
    /// # Errors
    /// Why the machine could not be asked.
    pub async fn keeps_console_key(&self, node: &Node) -> Result<bool, Problem> {
        let account = node.address.needs_sudo().then_some(node.address.user.as_str());
        let command = ssh_keys::cat(KeyFile::kept(account));
        let shell = self.shell_to(node).await?;
        let output = shell.run(&command).await.map_err(|error| error.problem().with("node", node.label()))?;
        let lines = files::content(answer(&output)).map_err(|error| unreadable(&error, node.label()))?;
        let key = PublicKey::parse(&self.dialer.console_key()?).map_err(|error| unreadable(&error, "console"))?;
        Ok(KeyLine::authorized(&key).is_in(&lines.unwrap_or_default()))
    }

    /// Keeps the console's key on a machine that lets it in, and shares it with the whole cluster. A plan like any other.
    ///
    /// It follows from an import or a confirmed key, so the person is asked for no words; what the policy wants of their sign-in
    /// counts.
    ///
    /// # Errors
    /// `ConsentMissing`, or why it did not come to its end.
    pub async fn admit_console(
        &self,
        who: &Person,
        node: &Node,
        share: bool,
        shown: impl Into<Shown>,
    ) -> Result<(), Problem> {
        let shown = shown.into();
        let intent = Intent::AdmitConsole { node: node.id, share };
        let consent = Consent { reason: String::new(), typed: String::new() };
        let until = Instant::now() + PLACE_WAIT;
        let id = loop {
            let proposal = self.plan(node.cluster, &intent).await?;
            self.demands_met(who, &proposal, &consent, shown).await?;
            match self.begin(who, proposal, &consent).await {
                Ok(id) => break id,
                Err(problem) if problem.code == ProblemCode::AlreadyRunning && Instant::now() < until => {
                    sleep(POLL_PAUSE).await;
                }
                Err(problem) => return Err(problem),
            }
        };
        // Who closes the page meanwhile does not stop it.
        execute::spawn(self.clone(), id, who.clone(), None).await.map_err(|_| Problem::from(ProblemCode::Internal))?;
        let ended = self.store.operation(id).await.map_err(|error| store_problem(&error))?;
        match ended.state {
            OperationState::Failed { problem, .. } | OperationState::Parked { problem, .. } => Err(problem),
            OperationState::Overtaken { .. } => Err(ProblemCode::OperationOver.into()),
            _ => Ok(()),
        }
    }
}

/// `None` where the file is not there or does not answer: pmxcfs is down or hangs.
fn there<T>(
    node: &Node,
    output: &Output,
    parse: impl for<'b> FnOnce(Answer<'b>) -> Result<T, ParseError>,
) -> Result<Option<T>, Problem> {
    match parse(answer(output)) {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.reason, Reason::NoSuchFile | Reason::TimedOut) => Ok(None),
        Err(error) => Err(unreadable(&error, node.label())),
    }
}
