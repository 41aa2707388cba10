//! Read-only commands, one after the other, in the node's long-lived shell.
//!
//! Starting a shell of root and forking sshd cost a node more than the reading itself; so a node keeps one shell.

use crate::channel::{GivenUp, OpenChannel};
use crate::connection::{Connection, Purpose};
use crate::frame::{Frame, exit_code};
use crate::limits::RUN_GRACE_S;
use crate::shell::{STDERR, millis_since};
use engine::ports::{Clock, NodeShell, Output, ShellError};
use pve::{CommandLine, Effect, Marker, shell_line};
use rand::TryRngCore;
use russh::ChannelMsg;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The room for both markers beside a command's output, in bytes.
const FRAME_MAX_BYTES: usize = 64;

/// Runs the commands in order; a broken shell breaks the whole call, and the next call starts another.
///
/// All lines are sent at once and the answers read as they come: a sweep is one way there and back.
/// A command that the shell cannot take (standard input, or a line break in an argument) gets its own channel instead.
pub(crate) async fn sweep(
    connection: &Connection,
    commands: &[CommandLine],
    told: &Told<'_>,
) -> Result<Vec<Output>, ShellError> {
    if commands.iter().any(|command| command.effect() == Effect::Changes || command.is_stream()) {
        return Err(broken("this command does not belong in a sweep"));
    }
    let mut turn = connection.sweep_turn().await?;
    // Taken out: a caller who leaves in the middle takes the half-used shell along.
    let mut kept = turn.take();
    let mut outputs = Vec::with_capacity(commands.len());
    let mut batch = Vec::new();
    for command in commands {
        let marker = fresh_marker()?;
        if let Some(line) = command.sweep_line(&marker) {
            batch.push(Question { command, marker, line });
        } else {
            ask_somewhere(connection, &mut kept, &std::mem::take(&mut batch), &mut outputs, told).await?;
            add(&mut outputs, connection.run(command).await?, told);
        }
    }
    ask_somewhere(connection, &mut kept, &batch, &mut outputs, told).await?;
    *turn = kept;
    Ok(outputs)
}

/// Gets every answer as soon as it is complete.
pub(crate) type Told<'a> = dyn Fn(&Output) + Send + Sync + 'a;

fn add(outputs: &mut Vec<Output>, output: Output, told: &Told<'_>) {
    told(&output);
    outputs.push(output);
}

struct Question<'a> {
    command: &'a CommandLine,
    marker: Marker,
    line: String,
}

/// Asks in the kept shell, or in a new one where there is none or it has gone since.
async fn ask_somewhere(
    connection: &Connection,
    kept: &mut Option<SweepShell>,
    questions: &[Question<'_>],
    outputs: &mut Vec<Output>,
    told: &Told<'_>,
) -> Result<(), ShellError> {
    let clock = connection.clock().as_ref();
    let before = outputs.len();
    if questions.is_empty() {
        return Ok(());
    }
    if let Some(mut shell) = kept.take() {
        match shell.ask(questions, clock, outputs, told).await {
            Ok(()) => {
                *kept = Some(shell);
                return Ok(());
            }
            // The shell was ended on the node; a question may be asked twice.
            Err(ShellError::Lost { .. }) if !connection.is_closed() => {}
            Err(error) => return Err(error),
        }
    }
    let rest = questions.get(outputs.len().saturating_sub(before)..).unwrap_or_default();
    let mut shell = SweepShell::start(connection).await?;
    shell.ask(rest, clock, outputs, told).await?;
    *kept = Some(shell);
    Ok(())
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
        let question = Question { command: &command, marker, line };
        shell.ask(&[question], connection.clock().as_ref(), &mut Vec::new(), &|_| ()).await?;
        Ok(shell)
    }

    /// Sends all questions and adds each answer when it is complete; time counts from the sending.
    async fn ask(
        &mut self,
        questions: &[Question<'_>],
        clock: &dyn Clock,
        outputs: &mut Vec<Output>,
        told: &Told<'_>,
    ) -> Result<(), ShellError> {
        let started = Instant::now();
        let writer = self.channel.writer().ok_or_else(|| self.channel.lost())?;
        let lines: String = questions.iter().flat_map(|question| [question.line.as_str(), "\n"]).collect();
        writer.data_bytes(lines).await.map_err(|_| self.channel.lost())?;
        let mut reading = Reading::new(questions);
        for question in questions {
            // From the answer before: the node works on them one after the other.
            let seconds = question.command.time_limit_s().saturating_add(RUN_GRACE_S);
            let limit = Duration::from_secs(seconds.into());
            let answer = tokio::time::timeout(limit, reading.next(&mut self.channel))
                .await
                .map_err(|_| ShellError::Timeout { seconds })??;
            let output = Output {
                stdout: answer.stdout,
                stderr: answer.stderr,
                exit: Some(answer.exit),
                at: clock.now(),
                millis: millis_since(started),
            };
            add(outputs, output, told);
        }
        Ok(())
    }
}

struct Framed {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit: i32,
}

/// Both streams on the way through the markers of all questions; one may be ahead of the other.
struct Reading {
    stdout: Side,
    stderr: Side,
}

/// One stream: the answers that are complete, and the text of the one that comes next.
struct Side {
    text: Vec<u8>,
    waiting: VecDeque<(Frame, u32)>,
    complete: VecDeque<(Vec<u8>, Vec<u8>)>,
}

impl Reading {
    fn new(questions: &[Question<'_>]) -> Self {
        let side = || Side {
            text: Vec::new(),
            waiting: questions
                .iter()
                .map(|question| (Frame::new(question.marker.as_str()), question.command.output_max_bytes()))
                .collect(),
            complete: VecDeque::new(),
        };
        Self { stdout: side(), stderr: side() }
    }

    /// The next answer, once both streams have it.
    async fn next(&mut self, channel: &mut OpenChannel) -> Result<Framed, ShellError> {
        while self.stdout.complete.is_empty() || self.stderr.complete.is_empty() {
            let Some(message) = channel.next().await else {
                return Err(channel.lost());
            };
            self.take(message)?;
        }
        let nothing = || broken("a sweep's answer is not there");
        let (stdout, rest) = self.stdout.complete.pop_front().ok_or_else(nothing)?;
        let (stderr, _) = self.stderr.complete.pop_front().ok_or_else(nothing)?;
        let exit = exit_code(&rest).ok_or_else(|| broken("a sweep's answer has no exit code"))?;
        Ok(Framed { stdout, stderr, exit })
    }

    fn take(&mut self, message: ChannelMsg) -> Result<(), ShellError> {
        match message {
            ChannelMsg::Data { data } => self.stdout.push(&data),
            ChannelMsg::ExtendedData { data, ext: STDERR } => self.stderr.push(&data),
            ChannelMsg::Failure => Err(broken("the machine does not let this user run a shell")),
            ChannelMsg::ExitStatus { .. } | ChannelMsg::ExitSignal { .. } => {
                Err(broken("the shell on the machine ended"))
            }
            _ => Ok(()),
        }
    }
}

impl Side {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ShellError> {
        self.text.extend_from_slice(bytes);
        while let Some((frame, max_bytes)) = self.waiting.front_mut() {
            let max = usize::try_from(*max_bytes).unwrap_or(usize::MAX);
            let Some(found) = frame.find(&self.text) else {
                // The marker itself needs a little room beside the output.
                if self.text.len() > max.saturating_add(FRAME_MAX_BYTES) {
                    return Err(ShellError::TooMuchOutput { bytes: *max_bytes });
                }
                return Ok(());
            };
            if found.output_len > max {
                return Err(ShellError::TooMuchOutput { bytes: *max_bytes });
            }
            let behind = self.text.split_off(found.next);
            let mut output = std::mem::replace(&mut self.text, behind);
            output.truncate(found.output_len);
            self.complete.push_back((output, found.rest));
            self.waiting.pop_front();
        }
        if self.text.is_empty() { Ok(()) } else { Err(broken("something was printed after the end of an answer")) }
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
