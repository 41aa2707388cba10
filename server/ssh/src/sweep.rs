//! Read-only commands, one after the other, in the node's long-lived shell.
//!
//! Starting a shell of root and forking sshd cost a node more than the reading itself; so a node keeps one shell.

use crate::channel::{GivenUp, OpenChannel};
use crate::connection::{Connection, Purpose};
use crate::frame::{Found, Frame, exit_code};
use crate::limits::RUN_GRACE_S;
use crate::shell::{Bounded, STDERR, millis_since};
use engine::ports::{Clock, NodeShell, Output, ShellError};
use pve::{CommandLine, Effect, Marker, shell_line};
use rand::TryRngCore;
use russh::ChannelMsg;
use std::time::Duration;
use tokio::time::Instant;

/// The room for both markers beside a command's output, in bytes.
const FRAME_MAX_BYTES: u32 = 64;

/// Runs the commands in order; a broken shell breaks the whole call, and the next call starts another.
///
/// A command that the shell cannot take (standard input, or a line break in an argument) gets its own channel instead.
pub(crate) async fn sweep(connection: &Connection, commands: &[CommandLine]) -> Result<Vec<Output>, ShellError> {
    let mut turn = connection.sweep_turn().await?;
    // Taken out: a caller who leaves in the middle takes the half-used shell along.
    let mut kept = turn.take();
    let mut outputs = Vec::with_capacity(commands.len());
    for command in commands {
        if command.effect() == Effect::Changes || command.is_stream() {
            return Err(broken("this command does not belong in a sweep"));
        }
        let marker = fresh_marker()?;
        let Some(line) = command.sweep_line(&marker) else {
            outputs.push(connection.run(command).await?);
            continue;
        };
        let question = Question { command, marker: &marker, line: &line };
        let (shell, output) = ask_somewhere(connection, kept.take(), &question).await?;
        kept = Some(shell);
        outputs.push(output);
    }
    *turn = kept;
    Ok(outputs)
}

struct Question<'a> {
    command: &'a CommandLine,
    marker: &'a Marker,
    line: &'a str,
}

/// Asks in the kept shell, or in a new one where there is none or it has gone since.
async fn ask_somewhere(
    connection: &Connection,
    kept: Option<SweepShell>,
    question: &Question<'_>,
) -> Result<(SweepShell, Output), ShellError> {
    if let Some(mut shell) = kept {
        match shell.ask(question, connection.clock().as_ref()).await {
            Ok(output) => return Ok((shell, output)),
            // The shell was ended on the node; a question may be asked twice.
            Err(ShellError::Lost { .. }) if !connection.is_closed() => {}
            Err(error) => return Err(error),
        }
    }
    let mut shell = SweepShell::start(connection).await?;
    let output = shell.ask(question, connection.clock().as_ref()).await?;
    Ok((shell, output))
}

/// The long-lived shell of one connection.
pub(crate) struct SweepShell {
    channel: OpenChannel,
}

impl SweepShell {
    async fn start(connection: &Connection) -> Result<Self, ShellError> {
        let channel = connection.open(Purpose::Sweep, GivenUp::Terminate).await?;
        channel.exec(shell_line(connection.sudo())).await?;
        let mut shell = Self { channel };
        // What root's login files print comes first; it must not be taken for an answer.
        let marker = fresh_marker()?;
        let command = pve::host::user_id();
        let line = command.sweep_line(&marker).ok_or_else(|| broken("the first question cannot be asked"))?;
        let question = Question { command: &command, marker: &marker, line: &line };
        shell.ask(&question, connection.clock().as_ref()).await?;
        Ok(shell)
    }

    async fn ask(&mut self, question: &Question<'_>, clock: &dyn Clock) -> Result<Output, ShellError> {
        let started = Instant::now();
        let seconds = question.command.time_limit_s().saturating_add(RUN_GRACE_S);
        let limit = Duration::from_secs(seconds.into());
        let answer =
            tokio::time::timeout(limit, self.talk(question)).await.map_err(|_| ShellError::Timeout { seconds })??;
        Ok(Output {
            stdout: answer.stdout,
            stderr: answer.stderr,
            exit: Some(answer.exit),
            at: clock.now(),
            millis: millis_since(started),
        })
    }

    async fn talk(&mut self, question: &Question<'_>) -> Result<Framed, ShellError> {
        let writer = self.channel.writer().ok_or_else(|| self.channel.lost())?;
        writer.data_bytes(format!("{}\n", question.line)).await.map_err(|_| self.channel.lost())?;
        let mut reading = Reading::new(question);
        loop {
            let Some(message) = self.channel.next().await else {
                return Err(self.channel.lost());
            };
            if let Some(framed) = reading.take(message)? {
                return Ok(framed);
            }
        }
    }
}

struct Framed {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit: i32,
}

/// Both streams on the way to their markers.
struct Reading {
    output_max_bytes: u32,
    stdout: Side,
    stderr: Side,
}

struct Side {
    text: Bounded,
    frame: Frame,
    found: Option<Found>,
}

impl Reading {
    fn new(question: &Question<'_>) -> Self {
        let side = || Side {
            text: Bounded::new(question.command.output_max_bytes().saturating_add(FRAME_MAX_BYTES)),
            frame: Frame::new(question.marker.as_str()),
            found: None,
        };
        Self { output_max_bytes: question.command.output_max_bytes(), stdout: side(), stderr: side() }
    }

    fn take(&mut self, message: ChannelMsg) -> Result<Option<Framed>, ShellError> {
        let grown = match message {
            ChannelMsg::Data { data } => self.stdout.push(&data),
            ChannelMsg::ExtendedData { data, ext: STDERR } => self.stderr.push(&data),
            ChannelMsg::Failure => Err(broken("the machine does not let this user run a shell")),
            ChannelMsg::ExitStatus { .. } | ChannelMsg::ExitSignal { .. } => {
                Err(broken("the shell on the machine ended"))
            }
            _ => Ok(()),
        };
        grown.map_err(|error| match error {
            // The command's own limit, without the room for the frame.
            ShellError::TooMuchOutput { .. } => ShellError::TooMuchOutput { bytes: self.output_max_bytes },
            error => error,
        })?;
        let (Some(out), Some(err)) = (&self.stdout.found, &self.stderr.found) else {
            return Ok(None);
        };
        let exit = exit_code(&out.rest).ok_or_else(|| broken("a sweep's answer has no exit code"))?;
        let (out_len, err_len) = (out.output_len, err.output_len);
        Ok(Some(Framed { stdout: self.stdout.output(out_len), stderr: self.stderr.output(err_len), exit }))
    }
}

impl Side {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ShellError> {
        self.text.push(bytes)?;
        if self.found.is_none() {
            self.found = self.frame.find(&self.text.bytes);
        }
        match &self.found {
            Some(found) if found.next != self.text.bytes.len() => {
                Err(broken("something was printed after the end of an answer"))
            }
            _ => Ok(()),
        }
    }

    fn output(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.text.bytes);
        bytes.truncate(length);
        bytes
    }
}

fn broken(words: &str) -> ShellError {
    ShellError::Lost { text: words.to_owned() }
}

/// Straight from the system: a node must not be able to guess the next marker.
fn fresh_marker() -> Result<Marker, ShellError> {
    let mut random = [0_u8; 16];
    rand::rngs::OsRng.try_fill_bytes(&mut random).map_err(|_| broken("the system has no randomness"))?;
    Ok(Marker::new(random))
}
