//! Programs on the console's own machine that talk to BMCs.

use super::Output;
use async_trait::async_trait;
use model::problem::{Problem, ProblemCode};
use pve::CommandLine;
use thiserror::Error;
use zeroize::Zeroizing;

/// A password as it is kept. It opens under its name only, which says where it may be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedSecret({})", self.name)
    }
}

/// Why a program did not come to an end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentError {
    #[error("{program} is not installed on the console's machine")]
    Missing { program: String },
    #[error("the password cannot be opened")]
    Sealed,
    #[error("no end within {seconds} s; it was ended with everything that it had started")]
    Timeout { seconds: u32 },
    #[error("more than {bytes} bytes of output")]
    TooMuchOutput { bytes: u32 },
    #[error("it could not be run: {text}")]
    Failed { text: String },
}

impl AgentError {
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Missing { program } => Problem::new(ProblemCode::BmcAgentMissing).with("what", program),
            Self::Sealed => ProblemCode::SealMissing.into(),
            Self::Timeout { seconds } => Problem::new(ProblemCode::BmcUnreachable).with("seconds", seconds),
            Self::TooMuchOutput { bytes } => Problem::new(ProblemCode::OutputTooLong).with("bytes", bytes),
            Self::Failed { text } => Problem::new(ProblemCode::BmcUnclear).quoting(text.clone()),
        }
    }
}

/// Runs `fence_ipmilan` and `ipmitool`, and seals what they need.
#[async_trait]
pub trait BmcAgent: Send + Sync + 'static {
    /// Runs one command on the console's own machine, within its limits. The password is opened for it, handed over in the
    /// environment alone, and wiped.
    ///
    /// # Errors
    /// See [`AgentError`].
    async fn run(&self, command: &CommandLine, secret: &SealedSecret) -> Result<Output, AgentError>;

    /// Seals a password under a name.
    ///
    /// # Errors
    /// `Sealed` without the key that seals.
    fn seal(&self, name: &str, password: Zeroizing<String>) -> Result<SealedSecret, AgentError>;
}

/// A console without any such program.
#[derive(Debug, Clone, Copy)]
pub struct NoAgent;

#[async_trait]
impl BmcAgent for NoAgent {
    async fn run(&self, command: &CommandLine, _: &SealedSecret) -> Result<Output, AgentError> {
        Err(AgentError::Missing { program: command.program().to_owned() })
    }

    fn seal(&self, _: &str, _: Zeroizing<String>) -> Result<SealedSecret, AgentError> {
        Err(AgentError::Sealed)
    }
}
