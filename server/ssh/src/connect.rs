//! The way to a machine: TCP, or any other stream of bytes.
//!
//! The simulator's and the tests' pipes are others, and so is a channel of the connection to a jump host (see `jump`).

use crate::limits::{ADDRESSES_MAX, CONNECT_LIMIT, LOOKUP_LIMIT, NEXT_ADDRESS_AFTER};
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
    /// `ConnectionRefused` where nothing listens, `TimedOut` after [`CONNECT_LIMIT`], `NotFound` where the name leads to no
    /// address or was not looked up within [`LOOKUP_LIMIT`], else what the system says.
    async fn connect(&self, address: &SshAddress) -> io::Result<Box<dyn AsyncReadWrite>>;
}

/// TCP with both families of addresses.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, address: &SshAddress) -> io::Result<Box<dyn AsyncReadWrite>> {
        let found = found(resolve(address)).await?;
        let stream = tokio::time::timeout(CONNECT_LIMIT, race(found))
            .await
            .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        Ok(Box::new(stream))
    }
}

async fn resolve(address: &SshAddress) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host((address.host.as_str(), address.port)).await?.take(ADDRESSES_MAX).collect())
}

/// Where a name leads. Nothing has left for the machine yet, so whatever fails here is `NotFound`, also a resolver that is
/// silent or that says *timed out* or *refused* of its own servers (`EAI_SYSTEM`): the machine's silence is something else.
async fn found(lookup: impl Future<Output = io::Result<Vec<SocketAddr>>>) -> io::Result<Vec<SocketAddr>> {
    match tokio::time::timeout(LOOKUP_LIMIT, lookup).await {
        Ok(answer) => answer.map_err(|error| io::Error::new(ErrorKind::NotFound, error)),
        Err(_) => {
            let text = format!("the name was not resolved within {} s", LOOKUP_LIMIT.as_secs());
            Err(io::Error::new(ErrorKind::NotFound, text))
        }
    }
}

async fn race(found: Vec<SocketAddr>) -> io::Result<TcpStream> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_not_resolved_is_never_silence() {
        let late = found(std::future::pending()).await.expect_err("nobody answers");
        assert_eq!(late.kind(), ErrorKind::NotFound);
        assert_eq!(late.to_string(), "the name was not resolved within 7 s");
        for kind in [ErrorKind::TimedOut, ErrorKind::ConnectionRefused, ErrorKind::Other] {
            let failed = found(async { Err(kind.into()) }).await.expect_err("the resolver fails");
            assert_eq!(failed.kind(), ErrorKind::NotFound, "{kind}");
            assert_eq!(failed.to_string(), io::Error::from(kind).to_string(), "its words are kept");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_name_leads_is_passed_on() {
        let at: Vec<SocketAddr> = vec!["192.0.2.7:22".parse().expect("an address")];
        assert_eq!(found(async { Ok(at.clone()) }).await.expect("resolved"), at);
    }
}
