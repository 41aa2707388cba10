//! The SSH server of every node: real protocol, simulated programs.

mod handler;
mod listen;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use russh::server::{Config, Msg, run_stream};
use russh::{ChannelStream, MethodKind, MethodSet};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};

use crate::node::Power;
use crate::shared::Shared;
use handler::Handler;
pub(crate) use listen::listen;

/// Bytes between the network and the server.
const PIPE_BYTES: usize = 64 * 1024;
const CHUNK_BYTES: usize = 16 * 1024;
/// What a refused password costs the caller.
const REJECTION: Duration = Duration::from_millis(200);
const AUTH_ATTEMPTS_MAX: usize = 6;

/// Serves one connection to a node until either side ends it or the node dies.
pub(crate) async fn serve<S>(shared: Arc<Shared>, name: String, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some((config, boots)) = config(&shared, &name) else { return };
    let (inner, outer) = duplex(PIPE_BYTES);
    let handler = Handler::new(Arc::clone(&shared), name.clone());
    tokio::spawn(async move {
        match run_stream(config, inner, handler).await {
            Ok(session) => {
                if let Err(error) = session.await {
                    tracing::debug!(%error, "lab.ssh.session_ended");
                }
            }
            Err(error) => tracing::debug!(%error, "lab.ssh.handshake_failed"),
        }
    });
    let (from_client, to_client) = split(stream);
    let (from_server, to_server) = split(outer);
    // When this returns both halves are dropped, and with them the server's session and its programs.
    tokio::select! {
        () = pump(&shared, &name, from_client, to_server) => {}
        () = pump(&shared, &name, from_server, to_client) => {}
        () = gone(&shared, &name, boots) => {}
    }
}

/// The same behind a type that a session may hold: a node that passes connections on serves the next one from within.
fn serve_next(
    shared: Arc<Shared>,
    name: String,
    stream: ChannelStream<Msg>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(shared, name, stream))
}

fn config(shared: &Shared, name: &str) -> Option<(Arc<Config>, u64)> {
    let (keys, boots) = shared.with(|world| {
        let node = world.nodes.get(name).filter(|node| node.power != Power::Off)?;
        Some((node.keys.private(), node.boots))
    })?;
    let mut methods = MethodSet::empty();
    methods.push(MethodKind::PublicKey);
    methods.push(MethodKind::Password);
    let config = Config {
        methods,
        keys,
        auth_rejection_time: REJECTION,
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: AUTH_ATTEMPTS_MAX,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    };
    Some((Arc::new(config), boots))
}

/// Copies bytes one way; a frozen node neither reads nor writes.
async fn pump<R, W>(shared: &Shared, name: &str, mut from: R, mut to: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(count) if count > 0 => count,
            _ => return,
        };
        thawed(shared, name).await;
        let written = to.write_all(buffer.get(..count).unwrap_or_default()).await;
        if written.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

async fn thawed(shared: &Shared, name: &str) {
    let mut changes = shared.subscribe();
    loop {
        changes.mark_unchanged();
        let frozen = shared.with(|world| world.nodes.get(name).is_some_and(|node| node.power == Power::Frozen));
        if !frozen || changes.changed().await.is_err() {
            return;
        }
    }
}

/// Waits until the node has died, its connections were dropped, or the lab ends.
async fn gone(shared: &Shared, name: &str, boots: u64) {
    let mut changes = shared.subscribe();
    let mut dropped = shared.dropped.subscribe();
    let mut closed = shared.closed.subscribe();
    let generation = dropped.borrow_and_update().get(name).copied();
    loop {
        changes.mark_unchanged();
        let dead = shared
            .with(|world| world.nodes.get(name).is_none_or(|node| node.power == Power::Off || node.boots != boots));
        if dead || *closed.borrow_and_update() || dropped.borrow_and_update().get(name).copied() != generation {
            return;
        }
        tokio::select! {
            _ = changes.changed() => {}
            _ = dropped.changed() => {}
            _ = closed.changed() => {}
        }
    }
}
