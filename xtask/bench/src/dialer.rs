//! The console's own way to nodes, outside of the console.

use engine::ports::{Clock, Dialer, Endpoint};
use jiff::Timestamp;
use model::host_key::Pin;
use model::ids::NodeId;
use model::name::SshAddress;
use model::problem::Problem;
use ssh::{ConsoleKeySource, SshDialer, TcpConnector};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

pub struct Key {
    pub private: Zeroizing<String>,
    pub public: String,
}

impl Key {
    pub fn make() -> anyhow::Result<Self> {
        let (private, public) = ssh::generate()?;
        Ok(Self { private, public })
    }

    /// A key that is there, with its public half beside it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let private = Zeroizing::new(std::fs::read_to_string(path)?);
        Ok(Self { private, public: std::fs::read_to_string(path.with_extension("pub"))?.trim().to_owned() })
    }
}

impl ConsoleKeySource for Key {
    fn open(&self) -> Result<Zeroizing<String>, Problem> {
        Ok(self.private.clone())
    }

    fn public_line(&self) -> Result<String, Problem> {
        Ok(self.public.clone())
    }
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

pub fn dialer(key: Arc<Key>) -> SshDialer {
    SshDialer::new(key, Arc::new(Now), Arc::new(TcpConnector))
}

/// The machine at an address, with the key that it shows now pinned.
pub async fn endpoint(dialer: &SshDialer, number: u128, host: &str, port: u16) -> anyhow::Result<Endpoint> {
    let address = SshAddress { host: host.to_owned(), port, user: "root".to_owned() };
    let key = dialer.offered_key(&address, None).await?;
    let pin = Pin { key, pinned_at: Timestamp::now(), pinned_by: "bench".to_owned() };
    Ok(Endpoint { node: NodeId::from_uuid(Uuid::from_u128(number)), address, pin: Some(pin), via: None })
}
