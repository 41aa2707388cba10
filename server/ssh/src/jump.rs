//! A stream to a machine behind a jump host: one channel of the connection to the jump host.

use crate::connection::Connection;
use engine::ports::{Beyond, DialError};
use model::name::SshAddress;
use russh::ChannelStream;
use russh::client::Msg;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Keeps the jump host's connection for as long as it is used.
pub(crate) struct Tunnel {
    stream: ChannelStream<Msg>,
    _way: Arc<Connection>,
}

/// Why a jump host opened no channel to a machine.
#[derive(Debug)]
pub(crate) enum NoWay {
    /// It may not pass connections on (`AllowTcpForwarding`, `PermitOpen`).
    Forbidden,
    /// It could not connect, or did not in time.
    Behind { text: String, beyond: Beyond },
    /// Its own connection broke.
    Lost { text: String },
}

impl Tunnel {
    /// Asks the jump host called `jump` to connect to the machine.
    ///
    /// # Errors
    /// `Jump` where the jump host itself fails, `JumpForbids` and `Behind` where it says no.
    pub(crate) async fn open(way: Arc<Connection>, jump: &str, to: &SshAddress) -> Result<Self, DialError> {
        let host = jump.to_owned();
        match way.forward(&to.host, to.port).await {
            Ok(stream) => Ok(Self { stream, _way: way }),
            Err(NoWay::Forbidden) => Err(DialError::JumpForbids { host }),
            Err(NoWay::Behind { text, beyond }) => Err(DialError::Behind { host, text, beyond }),
            Err(NoWay::Lost { text }) => Err(DialError::Jump { host, last: Box::new(DialError::Unreachable { text }) }),
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
