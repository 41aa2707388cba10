//! One command in its own exec channel.

use crate::channel::{GivenUp, OpenChannel};
use crate::connection::{Connection, Purpose};
use crate::limits::RUN_GRACE_S;
use engine::ports::{Output, ShellError};
use pve::{CommandLine, Effect};
use russh::client::Msg;
use russh::{ChannelMsg, ChannelWriteHalf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The number of standard error among SSH's extended data (RFC 4254, 5.2).
pub(crate) const STDERR: u32 = 1;

/// Runs a command to its end.
pub(crate) async fn run(connection: &Connection, command: &CommandLine) -> Result<Output, ShellError> {
    let given_up = match command.effect() {
        Effect::ReadsOnly => GivenUp::Terminate,
        Effect::Changes => GivenUp::Leave,
    };
    let mut channel = connection.open(Purpose::Run, given_up).await?;
    let started = Instant::now();
    let seconds = command.time_limit_s().saturating_add(RUN_GRACE_S);
    channel.exec(command.exec_line(connection.sudo())).await?;
    let mut answer = Answer::new(command.output_max_bytes());
    let talk = talk(&mut channel, command.stdin(), &mut answer);
    let ended = tokio::time::timeout(Duration::from_secs(seconds.into()), talk).await;
    match (ended, answer.ended) {
        (Ok(Err(error)), _) => return Err(error),
        // Something that the command left behind holds the channel open, but the command is over.
        (Ok(Ok(())) | Err(_), true) => {}
        (Ok(Ok(())), false) => return Err(channel.lost()),
        (Err(_), false) => return Err(ShellError::Timeout { seconds }),
    }
    Ok(Output {
        stdout: answer.stdout.bytes,
        stderr: answer.stderr.bytes,
        exit: answer.exit,
        at: connection.clock().now(),
        millis: millis_since(started),
    })
}

pub(crate) fn millis_since(started: Instant) -> u32 {
    u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX)
}

/// Bytes of one stream up to a limit.
#[derive(Debug)]
pub(crate) struct Bounded {
    pub(crate) bytes: Vec<u8>,
    max_bytes: u32,
}

impl Bounded {
    pub(crate) const fn new(max_bytes: u32) -> Self {
        Self { bytes: Vec::new(), max_bytes }
    }

    /// # Errors
    /// `TooMuchOutput` beyond the limit; nothing is kept then.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ShellError> {
        let max = usize::try_from(self.max_bytes).unwrap_or(usize::MAX);
        if self.bytes.len().saturating_add(bytes.len()) > max {
            return Err(ShellError::TooMuchOutput { bytes: self.max_bytes });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

struct Answer {
    stdout: Bounded,
    stderr: Bounded,
    exit: Option<i32>,
    /// An exit code or a signal has come.
    ended: bool,
}

impl Answer {
    const fn new(max_bytes: u32) -> Self {
        Self { stdout: Bounded::new(max_bytes), stderr: Bounded::new(max_bytes), exit: None, ended: false }
    }

    fn take(&mut self, message: ChannelMsg) -> Result<(), ShellError> {
        match message {
            ChannelMsg::Data { data } => self.stdout.push(&data)?,
            ChannelMsg::ExtendedData { data, ext: STDERR } => self.stderr.push(&data)?,
            ChannelMsg::ExitStatus { exit_status } => {
                self.exit = Some(i32::try_from(exit_status).unwrap_or(i32::MAX));
                self.ended = true;
            }
            ChannelMsg::ExitSignal { .. } => self.ended = true,
            ChannelMsg::Failure => {
                return Err(ShellError::Lost { text: "the machine does not let this user run commands".to_owned() });
            }
            _ => {}
        }
        Ok(())
    }
}

async fn talk(channel: &mut OpenChannel, stdin: Option<&[u8]>, answer: &mut Answer) -> Result<(), ShellError> {
    let feeding = feed(channel.writer(), stdin.map(<[u8]>::to_vec));
    tokio::pin!(feeding);
    let mut fed = false;
    loop {
        // Reads while it writes: a command that answers before it has read everything would block both sides.
        tokio::select! {
            () = &mut feeding, if !fed => fed = true,
            message = channel.next() => match message {
                Some(message) => answer.take(message)?,
                None => return Ok(()),
            },
        }
    }
}

async fn feed(writer: Option<Arc<ChannelWriteHalf<Msg>>>, stdin: Option<Vec<u8>>) {
    let Some(writer) = writer else {
        return;
    };
    // A failure here means a closed channel, which the reading side sees and names.
    if let Some(bytes) = stdin
        && writer.data_bytes(bytes).await.is_err()
    {
        return;
    }
    let _ = writer.eof().await;
}
