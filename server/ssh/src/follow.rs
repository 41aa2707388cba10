//! Long-lived commands: their output in bounded chunks, ended by dropping the stream.

use crate::channel::{GivenUp, OpenChannel};
use crate::connection::{Connection, Purpose};
use crate::limits::{CLOSE_WAIT, STREAM_CHUNK_MAX_BYTES, STREAM_CHUNKS_MAX};
use crate::shell::STDERR;
use engine::ports::{Chunk, Clock, OutputStream, ShellError, Stream};
use pve::CommandLine;
use russh::ChannelMsg;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Starts a command and hands its output on until it ends, the reader leaves, or a limit strikes.
///
/// The stream ends with `Chunk::End` only where the node told how the command ended.
/// It ends without one after a lost connection, too much output in all, or a reader that is too slow:
/// more than [`STREAM_CHUNKS_MAX`] unread chunks would be memory without a bound.
pub(crate) async fn follow(connection: &Connection, command: &CommandLine) -> Result<OutputStream, ShellError> {
    let channel = connection.open(Purpose::Follow, GivenUp::Terminate).await?;
    channel.exec(command.exec_line(connection.sudo())).await?;
    let (sender, chunks) = mpsc::channel(STREAM_CHUNKS_MAX);
    let pump = Pump {
        sender,
        clock: Arc::clone(connection.clock()),
        left_bytes: usize::try_from(command.output_max_bytes()).unwrap_or(usize::MAX),
        exit: None,
        ended: false,
    };
    tokio::spawn(pump.run(channel));
    Ok(OutputStream { chunks })
}

struct Pump {
    sender: mpsc::Sender<Chunk>,
    clock: Arc<dyn Clock>,
    left_bytes: usize,
    exit: Option<i32>,
    ended: bool,
}

/// Nothing more is to be handed on.
struct Stopped;

impl Pump {
    async fn run(mut self, mut channel: OpenChannel) {
        loop {
            let message = tokio::select! {
                message = channel.next() => message,
                // Nobody listens: dropping the channel ends the command.
                () = self.sender.closed() => return,
            };
            let Some(message) = message else { break };
            if self.take(message).is_err() {
                return;
            }
        }
        if self.ended {
            let end = self.sender.send(Chunk::End { exit: self.exit });
            // A reader that never takes the end does not keep this task.
            let _ = tokio::time::timeout(CLOSE_WAIT, end).await;
        }
    }

    fn take(&mut self, message: ChannelMsg) -> Result<(), Stopped> {
        match message {
            ChannelMsg::Data { data } => self.hand_on(Stream::Stdout, &data),
            ChannelMsg::ExtendedData { data, ext: STDERR } => self.hand_on(Stream::Stderr, &data),
            ChannelMsg::ExitStatus { exit_status } => {
                self.exit = Some(i32::try_from(exit_status).unwrap_or(i32::MAX));
                self.ended = true;
                Ok(())
            }
            ChannelMsg::ExitSignal { .. } => {
                self.ended = true;
                Ok(())
            }
            ChannelMsg::Failure => Err(Stopped),
            _ => Ok(()),
        }
    }

    fn hand_on(&mut self, stream: Stream, data: &[u8]) -> Result<(), Stopped> {
        self.left_bytes = self.left_bytes.checked_sub(data.len()).ok_or(Stopped)?;
        let at = self.clock.now();
        for piece in data.chunks(STREAM_CHUNK_MAX_BYTES) {
            let chunk = Chunk::Data { stream, bytes: piece.to_vec(), at };
            match self.sender.try_send(chunk) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => {
                    tracing::warn!(chunks = STREAM_CHUNKS_MAX, "ssh.follow.reader_too_slow");
                    return Err(Stopped);
                }
                Err(TrySendError::Closed(_)) => return Err(Stopped),
            }
        }
        Ok(())
    }
}
