//! The stream under a connection: remembers how the server began, and can be cut from outside.

use crate::connect::AsyncReadWrite;
use crate::limits::GREETING_MAX_BYTES;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// Dropping it ends the stream, and with it the task that serves the connection.
///
/// Without it a server that falls silent in the handshake would hold a task and a socket for ever.
pub(crate) struct Cut {
    _sender: oneshot::Sender<()>,
}

/// The first bytes of a server, to be quoted if it does not speak SSH.
#[derive(Clone, Default)]
pub(crate) struct Greeting(Arc<Mutex<Vec<u8>>>);

impl Greeting {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = GREETING_MAX_BYTES.saturating_sub(heard.len());
        heard.extend(bytes.iter().take(room));
    }
}

pub(crate) struct Tap {
    inner: Box<dyn AsyncReadWrite>,
    greeting: Greeting,
    cut: oneshot::Receiver<()>,
    is_cut: bool,
}

impl Tap {
    pub(crate) fn new(inner: Box<dyn AsyncReadWrite>) -> (Self, Cut, Greeting) {
        let (sender, cut) = oneshot::channel();
        let greeting = Greeting::default();
        let tap = Self { inner, greeting: greeting.clone(), cut, is_cut: false };
        (tap, Cut { _sender: sender }, greeting)
    }

    fn check_cut(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.is_cut && Pin::new(&mut self.cut).poll(cx).is_ready() {
            self.is_cut = true;
        }
        if self.is_cut {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_cut(cx)?;
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        if let Some(fresh) = buf.filled().get(before..) {
            this.greeting.note(fresh);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_cut(cx)?;
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_cut(cx)?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_cut(cx)?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
