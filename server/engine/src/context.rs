//! The engine with everything that it was given.

use crate::audit::{Person, Reader, Recorder};
use crate::evidence::EvidenceWriter;
use crate::executors::Executors;
use crate::hub::Hub;
use crate::ports::{BmcAgent, Clock, DialError, Dialer, Endpoint, Ids, NoAgent, NodeShell, Store, StoreError};
use crate::turns::Turns;
use crate::watch::Watchers;
use crate::work::Work;
use ed25519_dalek::VerifyingKey;
use model::host_key::HostKey;
use model::ids::NodeId;
use model::inventory::Node;
use model::problem::{Problem, ProblemCode};
use std::sync::Arc;

/// Everything that runs behind the pages. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub store: Arc<dyn Store>,
    pub dialer: Arc<dyn Dialer>,
    /// Talks to BMCs; none until [`Engine::with_agent`].
    pub agent: Arc<dyn BmcAgent>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub hub: Hub,
    pub audit: Recorder,
    pub chain: Reader,
    pub evidence: EvidenceWriter,
    pub watchers: Watchers,
    pub work: Work,
    pub(crate) executors: Executors,
    /// Held while a changed host key is written down, so that two who see it write it once.
    pub(crate) noting: Arc<tokio::sync::Mutex<()>>,
    /// Whose probe runs on which cluster's machines.
    pub(crate) probing: Turns,
}

impl Engine {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, dialer: Arc<dyn Dialer>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let audit = Recorder::new(Arc::clone(&store), Arc::clone(&clock));
        let chain = Reader::new(Arc::clone(&store));
        let hub = Hub::new(Arc::clone(&clock));
        let watchers = Watchers::default();
        let evidence = EvidenceWriter::new(Arc::clone(&store), Arc::clone(&watchers.counts));
        Self {
            store,
            dialer,
            agent: Arc::new(NoAgent),
            clock,
            ids,
            hub,
            audit,
            chain,
            evidence,
            watchers,
            work: Work::default(),
            executors: Executors::default(),
            noting: Arc::default(),
            probing: Turns::default(),
        }
    }

    /// The same engine with programs that talk to BMCs.
    #[must_use]
    pub fn with_agent(self, agent: Arc<dyn BmcAgent>) -> Self {
        Self { agent, ..self }
    }

    /// The same engine, which knows who must have signed the audit's checkpoints.
    #[must_use]
    pub fn trusting(self, signer: Option<VerifyingKey>) -> Self {
        Self { chain: self.chain.trusting(signer), ..self }
    }

    /// Where a machine is reached, and through which other.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn endpoint(&self, node: &Node) -> Result<Endpoint, Problem> {
        let via = self.way_to(node).await?;
        Ok(Endpoint { via: via.map(Box::new), ..direct(node) })
    }

    /// The machine that carries the connections to this one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn way_to(&self, node: &Node) -> Result<Option<Endpoint>, Problem> {
        let Some(id) = node.via else { return Ok(None) };
        Ok(Some(direct(&self.node(id).await?)))
    }

    /// The host key that a machine offers now.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn offered_by(&self, node: &Node) -> Result<HostKey, Problem> {
        let via = self.way_to(node).await?;
        let offered = self.dialer.offered_key(&node.address, via.as_ref()).await;
        offered.map_err(|error| error.problem().with("node", node.label()).with("host", &node.address.host))
    }

    /// The kept connection to a machine.
    ///
    /// # Errors
    /// Why it cannot be reached, in words for people, with the node's label.
    pub async fn shell_to(&self, node: &Node) -> Result<Arc<dyn NodeShell>, Problem> {
        let error = match self.dialer.shell(&self.endpoint(node).await?).await {
            Ok(shell) => return Ok(shell),
            Err(error) => error,
        };
        if let (DialError::Jump { last, .. }, Some(via)) = (&error, node.via) {
            let way = self.node(via).await?;
            self.note_changed_key(&Person::system(), &way, &last.problem()).await;
        }
        let problem = error.problem().with("node", node.label()).with("host", &node.address.host);
        self.note_changed_key(&Person::system(), node, &problem).await;
        Err(problem)
    }

    /// # Errors
    /// `NotFound`, or a failing store.
    pub async fn node(&self, id: NodeId) -> Result<Node, Problem> {
        self.store.node(id).await.map_err(|error| store_problem(&error))
    }
}

/// A machine without the one in between.
fn direct(node: &Node) -> Endpoint {
    Endpoint { node: node.id, address: node.address.clone(), pin: node.pin.clone(), via: None }
}

/// The words for people when the store cannot do something.
#[must_use]
pub fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::NotFound { what } => Problem::new(ProblemCode::NotFound).with("what", what),
        StoreError::Conflict { what: "running operation" } => ProblemCode::AlreadyRunning.into(),
        StoreError::Conflict { what } => Problem::new(ProblemCode::WorldChanged).with("what", what),
        StoreError::Refused { why } => why.into(),
        StoreError::Unread(unread) => {
            tracing::error!(
                audit.file = unread.file,
                audit.fault = unread.fault.as_str(),
                "an archived part cannot be read"
            );
            let range = format!("{}-{}", unread.first, unread.last);
            Problem::new(ProblemCode::ArchiveUnread).with("entries", range).with("file", &unread.file)
        }
        StoreError::Database { .. } | StoreError::Corrupt { .. } => {
            // The text may hold paths; it belongs into the log, not onto a page.
            tracing::error!(store.error = %error, "the store failed");
            ProblemCode::StoreFailed.into()
        }
    }
}
