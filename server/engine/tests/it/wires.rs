//! The way from the console to the simulated nodes: pipes in this process, cut when the console dies.

use crate::fence::Fence;
use async_trait::async_trait;
use lab::{Lab, LabError};
use model::name::SshAddress;
use ssh::limits::CONNECT_LIMIT;
use ssh::{AsyncReadWrite, Connector};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex};
use tokio::io::copy_bidirectional;
use tokio::task::AbortHandle;

/// Bytes that wait between the two ends.
const PIPE_BYTES: usize = 64 * 1024;

/// Takes a node's name in the lab as its address.
pub struct Wires {
    lab: Lab,
    fence: Arc<Fence>,
    open: Mutex<Vec<AbortHandle>>,
    dialled: Mutex<BTreeMap<String, u64>>,
}

impl Wires {
    pub fn new(lab: Lab, fence: Arc<Fence>) -> Arc<Self> {
        Arc::new(Self { lab, fence, open: Mutex::default(), dialled: Mutex::default() })
    }

    pub fn dialled(&self, name: &str) -> u64 {
        self.dialled.lock().expect("no panic").get(name).copied().unwrap_or_default()
    }

    /// Ends every connection at both ends, as the end of the process would.
    pub fn cut(&self) {
        for wire in self.open.lock().expect("no panic").drain(..) {
            wire.abort();
        }
    }
}

#[async_trait]
impl Connector for Wires {
    async fn connect(&self, address: &SshAddress) -> std::io::Result<Box<dyn AsyncReadWrite>> {
        self.fence.alive().await;
        *self.dialled.lock().expect("no panic").entry(address.host.clone()).or_default() += 1;
        let mut far = self.lab.connect(&address.host).map_err(|error| match error {
            // Nobody refuses for a machine without power.
            LabError::Refused(_) => Error::from(ErrorKind::HostUnreachable),
            other => Error::new(ErrorKind::NotFound, other.to_string()),
        })?;
        // The kernel of a machine that stands still takes no connection.
        if self.lab.inspect().nodes.get(&address.host).is_some_and(|node| !node.alive) {
            tokio::time::sleep(CONNECT_LIMIT).await;
            return Err(Error::from(ErrorKind::TimedOut));
        }
        let (near, mut middle) = tokio::io::duplex(PIPE_BYTES);
        let wire = tokio::spawn(async move { copy_bidirectional(&mut middle, &mut far).await.map(|_| ()) });
        self.open.lock().expect("no panic").push(wire.abort_handle());
        Ok(Box::new(near))
    }
}
