//! One channel that cleans up after itself, however its user ends.

use crate::handshake::Seen;
use crate::limits::CLOSE_WAIT;
use engine::ports::ShellError;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// What happens to the program on the node when its channel is given up early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Told to end: a follower or a question whose answer nobody wants.
    Terminate,
    /// Only its outputs are closed: half a change is worse than one that nobody watched to its end.
    Leave,
}

/// An open channel; dropping it closes it, and its place is given on when the node has closed it too.
pub(crate) struct OpenChannel {
    parts: Option<Parts>,
    given_up: GivenUp,
    seen: Arc<Seen>,
}

struct Parts {
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    _place: OwnedSemaphorePermit,
}

impl OpenChannel {
    pub(crate) fn new(channel: Channel<Msg>, given_up: GivenUp, place: OwnedSemaphorePermit, seen: Arc<Seen>) -> Self {
        let (read, write) = channel.split();
        let parts = Parts { read, write: Arc::new(write), _place: place };
        Self { parts: Some(parts), given_up, seen }
    }

    /// Starts a program; the answer *no* comes as `ChannelMsg::Failure`.
    pub(crate) async fn exec(&self, line: String) -> Result<(), ShellError> {
        let Some(parts) = &self.parts else {
            return Err(self.lost());
        };
        parts.write.exec(true, line).await.map_err(|_| self.lost())
    }

    /// The writing half, for feeding standard input while reading.
    pub(crate) fn writer(&self) -> Option<Arc<ChannelWriteHalf<Msg>>> {
        self.parts.as_ref().map(|parts| Arc::clone(&parts.write))
    }

    /// The next message; `None` once the channel or the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<ChannelMsg> {
        let message = self.parts.as_mut()?.read.wait().await;
        match message {
            Some(ChannelMsg::Close) | None => {
                self.parts = None;
                None
            }
            message => message,
        }
    }

    pub(crate) fn lost(&self) -> ShellError {
        ShellError::Lost { text: self.seen.end() }
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        let Some(parts) = self.parts.take() else {
            return;
        };
        // Without a runtime the connection's task is gone too, and the node sees its end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(say_goodbye(parts, self.given_up));
        }
    }
}

async fn say_goodbye(mut parts: Parts, given_up: GivenUp) {
    let goodbye = async {
        if given_up == GivenUp::Terminate {
            // sshd only closes the pipes of a program without a terminal: a follower's line notices, a silent question would not.
            // OpenSSH obeys this for other users than root, whose sessions have no separate monitor.
            parts.write.signal(Sig::TERM).await?;
        }
        parts.write.close().await?;
        while let Some(message) = parts.read.wait().await {
            if matches!(message, ChannelMsg::Close) {
                break;
            }
        }
        Ok::<(), russh::Error>(())
    };
    // Both ends are the same here: the place is free when the node has closed, or does not answer.
    let _ = tokio::time::timeout(CLOSE_WAIT, goodbye).await;
}
