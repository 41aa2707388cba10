//! Opens connections and keeps one per machine.

use crate::backoff::BackOff;
use crate::connect::{AsyncReadWrite, Connector};
use crate::connection::Connection;
use crate::handshake::handshake;
use crate::jump::Tunnel;
use crate::keys::ConsoleKeySource;
use crate::limits::{CONNECT_LIMIT, CONNECTIONS_MAX, DIAL_WAIT, HANDSHAKES_MAX};
use crate::login::log_in;
use async_trait::async_trait;
use engine::ports::{Clock, Credential, DialError, Dialer, Endpoint, NodeShell};
use model::host_key::HostKey;
use model::ids::NodeId;
use model::name::SshAddress;
use model::problem::Problem;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The engine's dialer over russh.
pub struct SshDialer {
    keys: Arc<dyn ConsoleKeySource>,
    clock: Arc<dyn Clock>,
    connector: Arc<dyn Connector>,
    machines: Mutex<BTreeMap<NodeId, Arc<Machine>>>,
    connections: Arc<Semaphore>,
    handshakes: Semaphore,
}

/// One machine: its kept connection, and the turn to dial it.
#[derive(Default)]
struct Machine {
    /// Held while one caller dials for all.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Where the connection leads and what the failures were about.
    endpoint: Option<Endpoint>,
    kept: Option<Arc<Connection>>,
    back_off: BackOff,
    forgotten: bool,
}

/// What the dialer holds at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Machines that it remembers, connected or not.
    pub machines: usize,
    pub connections: usize,
    pub handshakes: usize,
}

impl SshDialer {
    #[must_use]
    pub fn new(keys: Arc<dyn ConsoleKeySource>, clock: Arc<dyn Clock>, connector: Arc<dyn Connector>) -> Self {
        Self {
            keys,
            clock,
            connector,
            machines: Mutex::new(BTreeMap::new()),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            handshakes: Semaphore::new(HANDSHAKES_MAX),
        }
    }

    /// What is held now; for the health page and for tests that look for leaks.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            machines: lock(&self.machines).len(),
            connections: CONNECTIONS_MAX.saturating_sub(self.connections.available_permits()),
            handshakes: HANDSHAKES_MAX.saturating_sub(self.handshakes.available_permits()),
        }
    }

    fn machine(&self, node: NodeId) -> Arc<Machine> {
        Arc::clone(lock(&self.machines).entry(node).or_default())
    }

    /// The connection that carries those to the machines behind a jump host; its failures name the jump host.
    async fn way(&self, via: Option<&Endpoint>) -> Result<Option<Arc<Connection>>, DialError> {
        let Some(via) = via else { return Ok(None) };
        // One machine in between: `direct` keeps it from becoming a chain.
        let direct = Endpoint { via: None, ..via.clone() };
        let kept = Box::pin(self.kept(&direct)).await;
        kept.map(Some).map_err(|last| DialError::Jump { host: via.address.host.clone(), last: Box::new(last) })
    }

    async fn stream(
        &self,
        address: &SshAddress,
        via: Option<&Endpoint>,
        way: Option<Arc<Connection>>,
    ) -> Result<Box<dyn AsyncReadWrite>, DialError> {
        match (via, way) {
            (Some(via), Some(way)) => Ok(Box::new(Tunnel::open(way, &via.address.host, address).await?)),
            _ => self.connector.connect(address).await.map_err(|error| no_stream(&error)),
        }
    }

    /// A new connection, from the first packet to the log-in.
    async fn connect(&self, endpoint: &Endpoint, credential: &Credential) -> Result<Arc<Connection>, DialError> {
        let via = endpoint.via.as_deref();
        // Before this one takes its place among the handshakes: the jump host needs one too.
        let way = self.way(via).await?;
        let place = Arc::clone(&self.connections).try_acquire_owned().map_err(|_| DialError::Busy)?;
        let _turn = self.turn().await?;
        let stream = self.stream(&endpoint.address, via, way).await?;
        let mut session = handshake(stream, endpoint.pin.as_ref()).await?;
        log_in(&mut session, &endpoint.address.user, credential, self.keys.as_ref()).await?;
        let sudo = endpoint.address.needs_sudo();
        let connection = Connection::new(session, sudo, Arc::clone(&self.clock), place);
        Ok(Arc::new(connection))
    }

    /// A place among the handshakes.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, DialError> {
        tokio::time::timeout(DIAL_WAIT, self.handshakes.acquire())
            .await
            .map_err(|_| DialError::Busy)?
            .map_err(|_| DialError::Busy)
    }

    /// The kept connection, or a new one with the console's key.
    async fn kept(&self, endpoint: &Endpoint) -> Result<Arc<Connection>, DialError> {
        let machine = self.machine(endpoint.node);
        if let Some(connection) = machine.kept(endpoint) {
            return Ok(connection);
        }
        let _turn = tokio::time::timeout(DIAL_WAIT, machine.turn.lock()).await.map_err(|_| DialError::Busy)?;
        // Another caller may have dialled, or failed, while this one waited.
        if let Some(connection) = machine.kept(endpoint) {
            return Ok(connection);
        }
        if let Some(refusal) = machine.prepare(endpoint, &*self.clock) {
            return Err(refusal);
        }
        match self.connect(endpoint, &Credential::ConsoleKey).await {
            Ok(connection) if machine.keep(&connection) => Ok(connection),
            Ok(_) => Err(DialError::Unreachable { text: "the machine was forgotten meanwhile".to_owned() }),
            Err(error) => {
                machine.note(&error, &*self.clock);
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Dialer for SshDialer {
    async fn shell(&self, endpoint: &Endpoint) -> Result<Arc<dyn NodeShell>, DialError> {
        let connection = self.kept(endpoint).await?;
        Ok(connection)
    }

    async fn once(&self, endpoint: &Endpoint, credential: Credential) -> Result<Arc<dyn NodeShell>, DialError> {
        let connection = self.connect(endpoint, &credential).await?;
        Ok(connection)
    }

    async fn offered_key(&self, address: &SshAddress, via: Option<&Endpoint>) -> Result<HostKey, DialError> {
        let way = self.way(via).await?;
        let _turn = self.turn().await?;
        let stream = self.stream(address, via, way).await?;
        match handshake(stream, None).await {
            Err(DialError::UnknownKey { offered }) => Ok(offered),
            Err(error) => Err(error),
            Ok(_) => Err(DialError::NotSsh { text: "the machine showed no host key".to_owned() }),
        }
    }

    fn console_key(&self) -> Result<String, Problem> {
        self.keys.public_line()
    }

    fn hurry(&self, node: NodeId) {
        if let Some(machine) = lock(&self.machines).get(&node) {
            lock(&machine.state).back_off.reset();
        }
    }

    async fn forget(&self, node: NodeId) {
        if let Some(machine) = lock(&self.machines).remove(&node) {
            machine.forget();
        }
    }
}

impl Machine {
    /// The kept connection, if it is alive and leads to the same place under the same key.
    fn kept(&self, endpoint: &Endpoint) -> Option<Arc<Connection>> {
        let state = lock(&self.state);
        if !state.is_about(endpoint) {
            return None;
        }
        state.kept.as_ref().filter(|connection| !connection.is_closed()).map(Arc::clone)
    }

    /// Makes ready for a dial; `BackingOff` while it is too early for another try at the same place.
    fn prepare(&self, endpoint: &Endpoint, clock: &dyn Clock) -> Option<DialError> {
        let mut state = lock(&self.state);
        if state.is_about(endpoint) {
            state.kept = None;
        } else {
            // A person moved the machine or confirmed another key: the old connection and the old failures say nothing.
            state.end_kept();
            state.back_off.reset();
            state.endpoint = Some(endpoint.clone());
        }
        state.back_off.refusal(clock.now())
    }

    /// False where the machine was forgotten during the dial; the connection is closed then.
    fn keep(&self, connection: &Arc<Connection>) -> bool {
        let mut state = lock(&self.state);
        if state.forgotten {
            connection.close();
            return false;
        }
        state.back_off.reset();
        state.kept = Some(Arc::clone(connection));
        true
    }

    fn note(&self, error: &DialError, clock: &dyn Clock) {
        // The console's own troubles are no reason to spare the machine, and a jump host has a back-off of its own.
        if !matches!(error, DialError::Busy | DialError::ConsoleKey { .. } | DialError::Jump { .. }) {
            lock(&self.state).back_off.failed(clock.now(), error);
        }
    }

    fn forget(&self) {
        let mut state = lock(&self.state);
        state.forgotten = true;
        state.end_kept();
    }
}

impl State {
    fn is_about(&self, endpoint: &Endpoint) -> bool {
        self.endpoint.as_ref().is_some_and(|known| {
            let key = |endpoint: &Endpoint| endpoint.pin.as_ref().map(|pin| pin.key.clone());
            let way = |endpoint: &Endpoint| endpoint.via.as_ref().map(|via| (via.node, via.address.clone(), key(via)));
            known.address == endpoint.address && key(known) == key(endpoint) && way(known) == way(endpoint)
        })
    }

    fn end_kept(&mut self) {
        if let Some(connection) = self.kept.take() {
            connection.close();
        }
    }
}

impl fmt::Debug for SshDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshDialer").finish_non_exhaustive()
    }
}

fn no_stream(error: &io::Error) -> DialError {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialError::Refused,
        ErrorKind::TimedOut => {
            DialError::Timeout { seconds: u32::try_from(CONNECT_LIMIT.as_secs()).unwrap_or(u32::MAX) }
        }
        // What this machine says of itself, its own firewall included (`EPERM`, `EACCES`), or its resolver of the name: no
        // packet has left.
        ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::PermissionDenied
        | ErrorKind::AddrNotAvailable
        | ErrorKind::NotFound => DialError::NoWay { text: error.to_string() },
        _ => DialError::Unreachable { text: error.to_string() },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_left_the_console_is_told_from_silence() {
        let told = |kind: ErrorKind| no_stream(&io::Error::from(kind));
        let numbered = |number: i32| no_stream(&io::Error::from_raw_os_error(number));
        // EPERM and EACCES: a firewall of the console's own machine.
        for here in [told(ErrorKind::NotFound), told(ErrorKind::NetworkUnreachable), numbered(1), numbered(13)] {
            assert!(matches!(here, DialError::NoWay { .. }), "{here:?}");
        }
        assert!(matches!(told(ErrorKind::TimedOut), DialError::Timeout { seconds: 5 }));
        assert!(matches!(told(ErrorKind::HostUnreachable), DialError::Unreachable { .. }));
        assert_eq!(told(ErrorKind::ConnectionRefused), DialError::Refused);
    }
}
