//! One listening socket per node, closed while the node is off.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use super::serve;
use crate::error::LabError;
use crate::node::Power;
use crate::shared::Shared;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;
/// Between two tries to get a port back.
const RETRY: Duration = Duration::from_millis(100);

/// Opens the port of one node and keeps it in step with the node's power. The result is the real address.
pub(crate) fn listen(shared: &Arc<Shared>, name: &str, address: Ipv4Addr, port: u16) -> Result<SocketAddr, LabError> {
    let wanted = SocketAddr::from((address, port));
    let listener = bind(wanted).map_err(|source| LabError::Listen { address: wanted, source })?;
    let real = listener.local_addr().map_err(|source| LabError::Listen { address: wanted, source })?;
    tokio::spawn(keep(Arc::clone(shared), name.to_owned(), listener, real));
    Ok(real)
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn keep(shared: Arc<Shared>, name: String, first: TcpListener, address: SocketAddr) {
    let mut listener = Some(first);
    let mut changes = shared.subscribe();
    let mut closed = shared.closed.subscribe();
    while !*closed.borrow_and_update() {
        changes.mark_unchanged();
        let off = shared
            .with(|world| world.nodes.get(&name).is_none_or(|node| node.power == Power::Off || node.faults.no_sshd));
        if off {
            listener = None;
        } else if listener.is_none() {
            match bind(address) {
                Ok(new) => listener = Some(new),
                Err(error) => {
                    tracing::debug!(%error, node = name, "lab.ssh.bind_again");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            }
        }
        tokio::select! {
            accepted = accept(listener.as_ref()) => {
                if let Ok((stream, _)) = accepted {
                    // Small answers must not wait for each other.
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(serve(Arc::clone(&shared), name.clone(), stream));
                }
            }
            _ = changes.changed() => {}
            _ = closed.changed() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
