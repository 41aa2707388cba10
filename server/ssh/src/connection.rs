//! One logged-in connection with its channels.

use crate::channel::{GivenUp, OpenChannel};
use crate::handshake::{Client, Seen, Session};
use crate::jump::NoWay;
use crate::limits::{CHANNEL_OPEN_LIMIT, CHANNEL_WAIT, FOLLOW_CHANNELS_MAX, RUN_CHANNELS_MAX, SWEEP_WAIT};
use crate::refusals::unanswered;
use crate::sweep::SweepShell;
use crate::tap::Cut;
use crate::{follow, shell, sweep};
use async_trait::async_trait;
use engine::ports::{Beyond, Clock, NodeShell, Output, OutputStream, ShellError};
use pve::CommandLine;
use russh::client::{Handle, Msg};
use russh::{ChannelOpenFailure, ChannelStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{MutexGuard, OwnedSemaphorePermit, Semaphore, mpsc};

/// Where forwarded connections are said to come from: the console has no port for them (RFC 4254, 7.2).
const ORIGINATOR: &str = "127.0.0.1";

/// A warm connection; its last user's drop ends it.
pub(crate) struct Connection {
    handle: Arc<Handle<Client>>,
    seen: Arc<Seen>,
    cut: Mutex<Option<Cut>>,
    closed: AtomicBool,
    sudo: bool,
    clock: Arc<dyn Clock>,
    runs: Arc<Semaphore>,
    follows: Arc<Semaphore>,
    sweeps: Arc<Semaphore>,
    sweep: tokio::sync::Mutex<Option<SweepShell>>,
    _place: OwnedSemaphorePermit,
}

/// What a channel is for; each kind has its own cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Run,
    Follow,
    Sweep,
}

impl Connection {
    pub(crate) fn new(session: Session, sudo: bool, clock: Arc<dyn Clock>, place: OwnedSemaphorePermit) -> Self {
        Self {
            handle: Arc::new(session.handle),
            seen: session.seen,
            cut: Mutex::new(Some(session.cut)),
            closed: AtomicBool::new(false),
            sudo,
            clock,
            runs: Arc::new(Semaphore::new(RUN_CHANNELS_MAX)),
            follows: Arc::new(Semaphore::new(FOLLOW_CHANNELS_MAX)),
            sweeps: Arc::new(Semaphore::new(1)),
            sweep: tokio::sync::Mutex::new(None),
            _place: place,
        }
    }

    /// Ends the connection for all its users.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(cut);
    }

    pub(crate) fn sudo(&self) -> bool {
        self.sudo
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The kept shell of the sweeps, held for one sweep.
    pub(crate) async fn sweep_turn(&self) -> Result<MutexGuard<'_, Option<SweepShell>>, ShellError> {
        tokio::time::timeout(SWEEP_WAIT, self.sweep.lock()).await.map_err(|_| ShellError::Busy)
    }

    /// Waits for a place and opens a channel.
    pub(crate) async fn open(&self, purpose: Purpose, given_up: GivenUp) -> Result<OpenChannel, ShellError> {
        let places = match purpose {
            Purpose::Run => &self.runs,
            Purpose::Follow => &self.follows,
            Purpose::Sweep => &self.sweeps,
        };
        let place = tokio::time::timeout(CHANNEL_WAIT, Arc::clone(places).acquire_owned())
            .await
            .map_err(|_| ShellError::Busy)?
            .map_err(|_| self.lost())?;
        if self.is_closed() {
            return Err(self.lost());
        }
        let handle = Arc::clone(&self.handle);
        let seen = Arc::clone(&self.seen);
        // In a task of its own: a caller who leaves meanwhile must not leave an open channel behind.
        let opening = tokio::spawn(async move {
            let channel = handle.channel_open_session().await?;
            Ok::<_, russh::Error>(OpenChannel::new(channel, given_up, place, seen))
        });
        match tokio::time::timeout(CHANNEL_OPEN_LIMIT, opening).await {
            Ok(Ok(Ok(channel))) => Ok(channel),
            // OpenSSH answers so beyond `MaxSessions`.
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(_)))) => Err(ShellError::Busy),
            Ok(Ok(Err(_)) | Err(_)) => Err(self.lost()),
            Err(_) => {
                Err(ShellError::Timeout { seconds: u32::try_from(CHANNEL_OPEN_LIMIT.as_secs()).unwrap_or(u32::MAX) })
            }
        }
    }

    /// A stream to a machine that this one reaches. It is no session, so `MaxSessions` does not count it.
    pub(crate) async fn forward(&self, host: &str, port: u16) -> Result<ChannelStream<Msg>, NoWay> {
        let lost = || NoWay::Lost { text: self.seen.end() };
        if self.is_closed() {
            return Err(lost());
        }
        let before = self.seen.refusals.count();
        let handle = Arc::clone(&self.handle);
        let beyond = unanswered(host);
        let host = host.to_owned();
        // In a task of its own: a channel that opens too late is closed by the drop of its stream.
        let opening = tokio::spawn(async move {
            let channel = handle.channel_open_direct_tcpip(host, u32::from(port), ORIGINATOR, 0).await?;
            Ok::<_, russh::Error>(channel.into_stream())
        });
        match tokio::time::timeout(CHANNEL_OPEN_LIMIT, opening).await {
            Ok(Ok(Ok(stream))) => Ok(stream),
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(reason)))) => Err(self.refusal(&reason, before).await),
            Ok(Ok(Err(_)) | Err(_)) => Err(lost()),
            Err(_) => {
                Err(NoWay::Behind { text: format!("no answer within {} s", CHANNEL_OPEN_LIMIT.as_secs()), beyond })
            }
        }
    }

    /// Why there is no channel; `before` is how many refusals there were when it was asked for.
    async fn refusal(&self, reason: &ChannelOpenFailure, before: usize) -> NoWay {
        let unasked = |text: String| NoWay::Behind { text, beyond: Beyond::NotAsked };
        match reason {
            ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::UnknownChannelType => NoWay::Forbidden,
            ChannelOpenFailure::ResourceShortage => unasked("resource shortage".to_owned()),
            ChannelOpenFailure::Other { code, .. } => unasked(format!("reason {code}")),
            ChannelOpenFailure::ConnectFailed => {
                // The words come right behind the number, by another way: the connection's task has them once it answers.
                let _ = tokio::time::timeout(CHANNEL_OPEN_LIMIT, self.handle.send_ping()).await;
                match self.seen.refusals.since(before) {
                    Some((text, beyond)) if !text.is_empty() => NoWay::Behind { text, beyond },
                    _ => unasked("connect failed".to_owned()),
                }
            }
        }
    }

    pub(crate) fn lost(&self) -> ShellError {
        ShellError::Lost { text: self.seen.end() }
    }
}

#[async_trait]
impl NodeShell for Connection {
    async fn run(&self, command: &CommandLine) -> Result<Output, ShellError> {
        shell::run(self, command).await
    }

    async fn sweep(&self, commands: &[CommandLine]) -> Result<Vec<Output>, ShellError> {
        sweep::sweep(self, commands, &|_| ()).await
    }

    async fn sweep_told(
        &self,
        commands: &[CommandLine],
        told: mpsc::UnboundedSender<Output>,
    ) -> Result<(), ShellError> {
        let tell = |output: &Output| {
            // Whoever asked may have gone.
            let _ = told.send(output.clone());
        };
        sweep::sweep(self, commands, &tell).await.map(drop)
    }

    async fn follow(&self, command: &CommandLine) -> Result<OutputStream, ShellError> {
        follow::follow(self, command).await
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.handle.is_closed()
    }
}
