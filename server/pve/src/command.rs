//! The only type that can become a line for a node.

use crate::quote::{quote, quote_all};
use crate::unit::UnitName;
use std::fmt;

#[cfg(test)]
mod tests;

/// How long `timeout` waits after its first signal before it kills, in seconds.
const KILL_AFTER_S: u32 = 2;
/// The time limit of quick questions, in seconds.
pub(crate) const QUICK_LIMIT_S: u32 = 5;
/// The time limit of a stream that follows a node, in seconds; it is opened again afterwards.
pub(crate) const STREAM_LIMIT_S: u32 = 3600;
/// How much output of a quick question is read, in bytes.
pub(crate) const QUICK_OUTPUT_MAX_BYTES: u32 = 1 << 18;
/// How much output of a large question is read, in bytes.
pub(crate) const LARGE_OUTPUT_MAX_BYTES: u32 = 1 << 20;
/// How much a stream may send in its life, in bytes.
const STREAM_OUTPUT_MAX_BYTES: u32 = 1 << 26;
/// The longest argument that people are shown whole, in characters.
const SHOWN_ARG_MAX_CHARS: usize = 160;
/// The time limit of starting a transient unit, in seconds.
const UNIT_START_LIMIT_S: u32 = 15;
/// What a stream's program is called by in the shell that binds it to standard input.
const FOLLOW_NAME: &str = "follow";
/// Runs the words behind it until they end by themselves, standard input ends, or a line arrives there.
///
/// sshd only closes the pipes of a program whose channel or client is gone, which a silent program never notices.
/// A reader beside the program notices, and ends the process group that `timeout` has made for all of them:
/// `timeout` gets the signal too, so what ignores it is killed after [`KILL_AFTER_S`].
/// A program that ends by itself keeps its exit code, and its reader is ended and awaited.
/// The trap comes behind the reader, which must not inherit it, and lets the shell outlive its program.
const FOLLOW_SCRIPT: &str = "exec 3<&0; { read -r q <&3; kill 0; } >/dev/null 2>&1 & trap \"exit 143\" TERM; \
    \"$@\" 3<&- </dev/null; q=$?; kill $! 2>/dev/null; wait $! 2>/dev/null; exit $q";

/// What a command does to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    ReadsOnly,
    Changes,
}

/// One command for a node: a program, its arguments, what it gets on standard input, and its limits.
///
/// Made by this crate's builders alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    program: &'static str,
    args: Vec<String>,
    stdin: Option<Vec<u8>>,
    time_limit_s: u32,
    output_max_bytes: u32,
    effect: Effect,
    stream: bool,
    unless_hung: bool,
    as_login: bool,
}

impl CommandLine {
    pub(crate) fn reads(program: &'static str) -> Self {
        Self {
            program,
            args: Vec::new(),
            stdin: None,
            time_limit_s: QUICK_LIMIT_S,
            output_max_bytes: QUICK_OUTPUT_MAX_BYTES,
            effect: Effect::ReadsOnly,
            stream: false,
            unless_hung: false,
            as_login: false,
        }
    }

    pub(crate) fn changes(program: &'static str) -> Self {
        Self { effect: Effect::Changes, ..Self::reads(program) }
    }

    /// A command that never ends by itself; its line is followed until the channel is closed.
    pub(crate) fn follow(program: &'static str) -> Self {
        Self {
            time_limit_s: STREAM_LIMIT_S,
            output_max_bytes: STREAM_OUTPUT_MAX_BYTES,
            stream: true,
            ..Self::reads(program)
        }
    }

    pub(crate) fn arg(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        // Builders take typed names, addresses and paths: a NUL byte here is a mistake of this crate.
        assert!(!text.contains('\0'), "an argument with a NUL byte");
        self.args.push(text);
        self
    }

    pub(crate) fn args<T: Into<String>>(self, texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn stdin_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub(crate) fn limit_s(mut self, seconds: u32) -> Self {
        self.time_limit_s = seconds;
        self
    }

    pub(crate) fn output_max(mut self, bytes: u32) -> Self {
        self.output_max_bytes = bytes;
        self
    }

    /// In a sweep: not run where the command before it ran into its time limit, because it would too.
    ///
    /// Its answer is then empty with exit 1.
    #[must_use]
    pub const fn unless_hung(mut self) -> Self {
        self.unless_hung = true;
        self
    }

    /// Runs as the account that logged in, in its home, whatever that account is: never by `sudo`.
    pub(crate) fn by_login(mut self) -> Self {
        self.as_login = true;
        self
    }

    #[must_use]
    pub fn program(&self) -> &str {
        self.program
    }

    /// The program and its arguments, unquoted.
    #[must_use]
    pub fn argv(&self) -> Vec<&str> {
        self.words().collect()
    }

    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// The limit that `timeout` enforces on the node, in seconds.
    #[must_use]
    pub const fn time_limit_s(&self) -> u32 {
        self.time_limit_s
    }

    /// How much standard output (and, apart, standard error) may be read, in bytes.
    #[must_use]
    pub const fn output_max_bytes(&self) -> u32 {
        self.output_max_bytes
    }

    #[must_use]
    pub fn stdin(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    /// True for commands that send until their channel is closed.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        self.stream
    }

    /// What people read in a plan and in the audit: quoted words, scripts by their first line,
    /// and `< (N bytes)` where the command gets something on standard input.
    #[must_use]
    pub fn display(&self) -> String {
        let mut out = self.words().map(shown_word).collect::<Vec<_>>().join(" ");
        if let Some(bytes) = &self.stdin {
            out.push_str(&format!(" < ({} bytes)", bytes.len()));
        }
        out
    }

    /// The same before it runs, for standard input that only exists then: `SOURCE` stands in angle brackets.
    pub(crate) fn display_from(&self, source: &str) -> String {
        let words = self.words().map(shown_word).collect::<Vec<_>>().join(" ");
        format!("{words} < <{source}>")
    }

    /// The line of one exec channel: `LC_ALL=C timeout -k 2 SECONDS PROGRAM ARG...`, by `sudo -n` where needed.
    ///
    /// A stream is bound to its standard input: `LC_ALL=C timeout -k 2 SECONDS sh -c SCRIPT follow PROGRAM ARG...`
    /// ends on the node when the channel is closed or the console is gone.
    #[must_use]
    pub fn exec_line(&self, sudo: bool) -> String {
        format!("{}LC_ALL=C {}", sudo_prefix(sudo && !self.as_login), self.timed_words())
    }

    /// The line for a shell that was started with [`shell_line`]; `marker` ends both outputs.
    ///
    /// `None` for what must have its own channel: commands that change something, streams, those with standard input,
    /// and those with a line break in an argument, because the shell is fed line by line.
    #[must_use]
    pub fn sweep_line(&self, marker: &Marker) -> Option<String> {
        let one_line = !self.args.iter().any(|arg| arg.contains('\n'));
        // The shell is root's, and it is not in the account's home.
        if self.effect == Effect::Changes || self.stream || self.stdin.is_some() || self.as_login || !one_line {
            return None;
        }
        let condition = if self.unless_hung { "test \"$q\" -ne 124 && " } else { "" };
        Some(format!(
            "{condition}{} </dev/null; q=$?; printf '\\n%s %d\\n' {marker} \"$q\"; printf '\\n%s\\n' {marker} >&2",
            self.timed_words()
        ))
    }

    /// The same command as a transient unit, which outlives the connection; `unit` is its key for starting it once.
    ///
    /// The unit gets what a shell of root would have: `HOME`, which `ssh-copy-id` needs, and the C locale, which readers need.
    #[must_use]
    pub fn as_unit(&self, unit: &UnitName) -> Self {
        debug_assert!(self.stdin.is_none(), "a unit has no standard input");
        Self::changes("systemd-run")
            .arg(format!("--unit={unit}"))
            .arg("--remain-after-exit")
            .arg("--setenv=HOME=/root")
            .arg("--setenv=LC_ALL=C")
            .arg("--property=Type=exec")
            .arg("--property=WorkingDirectory=/root")
            .arg(format!("--property=StandardOutput=append:{}", unit.stdout_path()))
            .arg(format!("--property=StandardError=append:{}", unit.stderr_path()))
            .arg(format!("--property=RuntimeMaxSec={}", self.time_limit_s))
            .arg("--")
            // systemd replaces variables in a unit's words; a doubled dollar stays a dollar.
            .args(self.words().map(|word| word.replace('$', "$$")))
            .limit_s(UNIT_START_LIMIT_S)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.program).chain(self.args.iter().map(String::as_str))
    }

    fn timed_words(&self) -> String {
        let binding: &[&str] = if self.stream { &["sh", "-c", FOLLOW_SCRIPT, FOLLOW_NAME] } else { &[] };
        let words = binding.iter().copied().chain(self.words());
        format!("timeout -k {KILL_AFTER_S} {} {}", self.time_limit_s, quote_all(words))
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

/// The line that starts the long-lived shell for [`CommandLine::sweep_line`].
#[must_use]
pub fn shell_line(sudo: bool) -> String {
    format!("{}LC_ALL=C sh", sudo_prefix(sudo))
}

/// Ends one command's output in the sweep shell; random, so that no output can forge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// `q-` and 32 hex digits of the caller's randomness.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(format!("q-{}", hex::encode(random)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn sudo_prefix(sudo: bool) -> &'static str {
    // `sudo` resets the environment, so the variable is set behind it.
    if sudo { "sudo -n -- env " } else { "" }
}

fn shown_word(word: &str) -> String {
    let script = word.contains('\n');
    if !script && word.chars().count() <= SHOWN_ARG_MAX_CHARS {
        return quote(word).unwrap_or_default();
    }
    let first: String = word.lines().next().unwrap_or_default().chars().take(SHOWN_ARG_MAX_CHARS).collect();
    quote(&format!("{first} …")).unwrap_or_default()
}
