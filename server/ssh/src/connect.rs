//! The way to a machine: TCP, or any other stream of bytes.
//!
//! The simulator's and the tests' pipes are others, and so is a channel of the connection to a jump host (see `jump`).

use crate::limits::{ADDRESSES_MAX, CONNECT_LIMIT, NEXT_ADDRESS_AFTER};
use async_trait::async_trait;
use model::name::SshAddress;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;

/// A stream of bytes to a machine.
pub trait AsyncReadWrite: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> AsyncReadWrite for T {}

/// Opens streams to machines.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// A fresh stream to the machine's SSH server.
    ///
    /// # Errors
    /// `ConnectionRefused` where nothing listens, `TimedOut` after [`CONNECT_LIMIT`], else what the system says.
    async fn connect(&self, address: &SshAddress) -> io::Result<Box<dyn AsyncReadWrite>>;
}

/// TCP with both families of addresses.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, address: &SshAddress) -> io::Result<Box<dyn AsyncReadWrite>> {
        let stream = tokio::time::timeout(CONNECT_LIMIT, resolve_and_race(address))
            .await
            .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        Ok(Box::new(stream))
    }
}

async fn resolve_and_race(address: &SshAddress) -> io::Result<TcpStream> {
    let found: Vec<SocketAddr> =
        lookup_host((address.host.as_str(), address.port)).await?.take(ADDRESSES_MAX).collect();
    let mut tries = JoinSet::new();
    let mut head_start = std::time::Duration::ZERO;
    for socket_address in found {
        let wait = head_start;
        tries.spawn(async move {
            tokio::time::sleep(wait).await;
            connect_one(socket_address).await
        });
        head_start = head_start.saturating_add(NEXT_ADDRESS_AFTER);
    }
    let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
    // The first to succeed wins; dropping the set ends the others.
    while let Some(ended) = tries.join_next().await {
        match ended {
            Ok(Ok(stream)) => return Ok(stream),
            // *Refused* says more than *unreachable*: there is a machine.
            Ok(Err(error)) if failure.kind() != ErrorKind::ConnectionRefused => failure = error,
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(failure)
}

async fn connect_one(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}
