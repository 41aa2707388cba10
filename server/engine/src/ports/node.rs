//! Talking to one machine.

use async_trait::async_trait;
use jiff::Timestamp;
use model::host_key::{HostKey, Pin};
use model::ids::NodeId;
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::mpsc;

/// Where and how a machine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub node: NodeId,
    pub address: SshAddress,
    /// `None` until a person has confirmed a key: such a machine is never logged in to.
    pub pin: Option<Pin>,
    /// The machine whose connection carries this one's; itself reached without another.
    pub via: Option<Box<Endpoint>>,
}

/// How to prove who we are. Never printed.
pub enum Credential {
    /// The console's own key, opened from its seal at use.
    ConsoleKey,
    /// A password typed by a person for this one connection; wiped after it.
    Password(zeroize::Zeroizing<String>),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ConsoleKey => "ConsoleKey",
            Self::Password(_) => "Password(..)",
        })
    }
}

/// What a jump host has found out about a machine that it did not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// The machine itself refused the connection: its kernel runs.
    Refused,
    /// It was knocked at, and nobody answered.
    Silent,
    /// Nobody was knocked at, or the jump host's words are not known: that says nothing of the machine.
    NotAsked,
}

/// Why a machine could not be reached or logged in to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialError {
    #[error("the host name does not resolve or no packet comes back")]
    Unreachable { text: String },
    /// Nothing left the console: it has no network there, its own firewall forbids it, or the name means nothing to it.
    #[error("the console knows no way there")]
    NoWay { text: String },
    #[error("nothing listens on the port")]
    Refused,
    #[error("no answer within {seconds} s")]
    Timeout { seconds: u32 },
    #[error("what answers does not speak SSH")]
    NotSsh { text: String },
    /// Somebody took the connection, and the handshake did not come to its end: the machine lives, whatever its sshd does.
    #[error("the connection was taken, and then: {last}")]
    TookConnection { last: Box<DialError> },
    /// For instance a server that has RSA host keys only.
    #[error("no algorithm in common")]
    NoCommonAlgorithm { text: String },
    #[error("the host key is not confirmed yet")]
    UnknownKey { offered: HostKey },
    #[error("the host key has changed")]
    ChangedKey { pinned: HostKey, offered: HostKey },
    #[error("the jump host {host}: {last}")]
    Jump { host: String, last: Box<DialError> },
    #[error("the jump host {host} does not pass connections on")]
    JumpForbids { host: String },
    #[error("the jump host {host} cannot reach the machine")]
    Behind { host: String, text: String, beyond: Beyond },
    #[error("the console's key is not accepted")]
    KeyRefused,
    #[error("the password is not accepted")]
    PasswordRefused,
    /// An sshd that lets nobody try again (`MaxAuthTries 1`) answers a wrong one in no other way.
    #[error("the connection ended after the password was sent: {text}")]
    EndedAfterPassword { text: String },
    /// The console's own key could not be opened; nothing was sent to the machine.
    #[error("the console's own key cannot be opened: {problem}")]
    ConsoleKey { problem: Problem },
    #[error("too many connections wait for this machine")]
    Busy,
    /// A connection failed a moment ago; the next try is due at this time.
    #[error("waiting after failures until {until}")]
    BackingOff { until: Timestamp, last: Box<DialError> },
}

impl DialError {
    /// Whether a password was tried that did not let anybody in, as far as anybody can tell.
    #[must_use]
    pub const fn spent_password(&self) -> bool {
        matches!(self, Self::PasswordRefused | Self::EndedAfterPassword { .. })
    }

    /// The words for people.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Unreachable { text } | Self::NoWay { text } | Self::EndedAfterPassword { text } => {
                Problem::new(ProblemCode::Unreachable).quoting(text.clone())
            }
            Self::Refused => ProblemCode::ConnectionRefused.into(),
            Self::Timeout { seconds } => Problem::new(ProblemCode::Unreachable).with("seconds", seconds),
            Self::NotSsh { text } => Problem::new(ProblemCode::NotSsh).quoting(text.clone()),
            Self::NoCommonAlgorithm { text } => Problem::new(ProblemCode::NoCommonAlgorithm).quoting(text.clone()),
            Self::UnknownKey { offered } => {
                Problem::new(ProblemCode::HostKeyUnknown).with("offered", &offered.fingerprint)
            }
            Self::ChangedKey { pinned, offered } => Problem::new(ProblemCode::HostKeyChanged)
                .with("pinned", &pinned.fingerprint)
                .with("offered", &offered.fingerprint),
            Self::Jump { host, last } => jump_problem(last).with("jump", host),
            Self::JumpForbids { host } => Problem::new(ProblemCode::JumpForbids).with("jump", host),
            Self::Behind { host, text, .. } => {
                Problem::new(ProblemCode::UnreachableBehind).with("jump", host).quoting(text.clone())
            }
            Self::KeyRefused => ProblemCode::KeyRefused.into(),
            Self::PasswordRefused => ProblemCode::PasswordRefused.into(),
            Self::ConsoleKey { problem } => problem.clone(),
            Self::Busy => ProblemCode::NodeHangs.into(),
            Self::TookConnection { last } | Self::BackingOff { last, .. } => last.problem(),
        }
    }
}

/// The machine behind was not even knocked at: that must not read as if it had answered.
fn jump_problem(last: &DialError) -> Problem {
    let problem = last.problem();
    let code = match problem.code {
        ProblemCode::HostKeyUnknown => ProblemCode::JumpKeyUnknown,
        ProblemCode::HostKeyChanged => ProblemCode::JumpKeyChanged,
        ProblemCode::KeyRefused | ProblemCode::PasswordRefused => ProblemCode::JumpRefused,
        _ => ProblemCode::JumpUnreachable,
    };
    Problem { code, ..problem }
}

/// Why a command did not come to an end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShellError {
    #[error("the connection was lost")]
    Lost { text: String },
    /// The console's own limit, a little above the one on the node.
    #[error("no end within {seconds} s")]
    Timeout { seconds: u32 },
    #[error("more than {bytes} bytes of output")]
    TooMuchOutput { bytes: u32 },
    #[error("too many commands wait for this machine")]
    Busy,
}

impl ShellError {
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Lost { text } => Problem::new(ProblemCode::ConnectionLost).quoting(text.clone()),
            Self::Timeout { seconds } => Problem::new(ProblemCode::NodeHangs).with("seconds", seconds),
            Self::TooMuchOutput { bytes } => Problem::new(ProblemCode::OutputTooLong).with("bytes", bytes),
            Self::Busy => ProblemCode::NodeHangs.into(),
        }
    }
}

/// What a command printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// 124 and 137 mean that the node's own time limit struck. `None`: ended by a signal.
    pub exit: Option<i32>,
    /// When the answer was complete, by the console's clock.
    pub at: Timestamp,
    pub millis: u32,
}

impl Output {
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit == Some(0)
    }

    #[must_use]
    pub fn timed_out(&self) -> bool {
        matches!(self.exit, Some(124 | 137))
    }
}

/// Which of the two streams some bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A piece of a long-lived command's output, at most `STREAM_CHUNK_MAX_BYTES` long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    Data {
        stream: Stream,
        bytes: Vec<u8>,
        at: Timestamp,
    },
    /// The last chunk.
    End {
        exit: Option<i32>,
    },
}

/// A running follower: dropping it closes its channel, and the node ends the command.
pub struct OutputStream {
    pub chunks: mpsc::Receiver<Chunk>,
}

/// One warm, multiplexed connection to one machine. Every call has its own channel, `sweep` excepted.
#[async_trait]
pub trait NodeShell: Send + Sync + 'static {
    /// Runs one command in its own exec channel (plans and single actions).
    ///
    /// # Errors
    /// When the connection breaks, a limit strikes, or the node's place is taken.
    async fn run(&self, command: &CommandLine) -> Result<Output, ShellError>;

    /// Runs read-only commands one after the other in the node's long-lived shell; one result per command, in order.
    ///
    /// # Errors
    /// When the shell breaks as a whole; it is started anew at the next call.
    async fn sweep(&self, commands: &[CommandLine]) -> Result<Vec<Output>, ShellError>;

    /// As [`Self::sweep`]; each answer is told as soon as it is there, in order.
    ///
    /// # Errors
    /// When the shell breaks as a whole; what was told before stands.
    async fn sweep_told(
        &self,
        commands: &[CommandLine],
        told: mpsc::UnboundedSender<Output>,
    ) -> Result<(), ShellError> {
        for output in self.sweep(commands).await? {
            // Whoever asked may have gone.
            let _ = told.send(output);
        }
        Ok(())
    }

    /// Follows a long-lived command.
    ///
    /// # Errors
    /// When the channel cannot be opened.
    async fn follow(&self, command: &CommandLine) -> Result<OutputStream, ShellError>;

    /// True once the connection is known to be gone.
    fn is_closed(&self) -> bool;
}

/// Opens connections; keeps one per machine.
#[async_trait]
pub trait Dialer: Send + Sync + 'static {
    /// The kept connection, or a new one with the console's key.
    ///
    /// # Errors
    /// See [`DialError`].
    async fn shell(&self, endpoint: &Endpoint) -> Result<Arc<dyn NodeShell>, DialError>;

    /// A connection of its own with the given credential, not kept.
    ///
    /// # Errors
    /// See [`DialError`].
    async fn once(&self, endpoint: &Endpoint, credential: Credential) -> Result<Arc<dyn NodeShell>, DialError>;

    /// Reads the host key that the machine offers, without logging in; `via` carries the connection.
    ///
    /// # Errors
    /// See [`DialError`]; never `UnknownKey`.
    async fn offered_key(&self, address: &SshAddress, via: Option<&Endpoint>) -> Result<HostKey, DialError>;

    /// The console's own public key as one `authorized_keys` line.
    ///
    /// # Errors
    /// A problem with the seal.
    fn console_key(&self) -> Result<String, Problem>;

    /// Ends the wait after failed dials of a machine: there is reason to believe that it answers again.
    fn hurry(&self, node: NodeId);

    /// Closes the kept connection of a machine, and forgets its back-off.
    async fn forget(&self, node: NodeId);
}
