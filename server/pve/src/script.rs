//! A plan as a shell script for people: every command as the console would send it, run from anywhere by `ssh`.
//!
//! Everything that is not written here passes through [`quote`](crate::quote()) once for the node's shell and once for the
//! script's own; what stands in a comment is stripped of line breaks. The script carries public keys at most.

use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::host_keys::PublicKey;
use crate::quote::quote;
use crate::ssh_keys::{self, KeyFile};
use std::fmt::Write as _;

/// Helpers that every script begins with. Their names are the script's own, never a node's.
const HELPERS: &str = r#"set -eu

# Runs a line on a node; `feed` gives it standard input too.
on() { reach "$1"; shift; eval "ssh -n $options" '"$@"'; }
feed() { reach "$1"; shift; eval "ssh $options" '"$@"'; }
stop() { printf '%s\n' "$1" >&2; exit 1; }

# add NODE READ APPEND TEXT: appends a text to a file unless it is there.
add() {
    on "$1" "$2" 2>/dev/null | grep -qF -- "$4" || printf '\n%s\n' "$4" | feed "$1" "$3" >/dev/null
}

# take_out NODE READ SWAP TEXT: writes a file again without the lines that hold a text, unless it changes meanwhile.
take_out() {
    old=$(mktemp)
    on "$1" "$2" >"$old"
    digest=$(sha256sum <"$old" | cut -c 1-64)
    { grep -vF -- "$4" "$old" || true; } | feed "$1" "$3 $digest"
    rm -f "$old"
}

# key_of NODE READ: the public key that a file of a node holds.
key_of() {
    found=$(on "$1" "$2" 2>/dev/null | head -n 1 | cut -d ' ' -f 1,2)
    case $found in ssh-*' '* | ecdsa-*' '*) printf '%s' "$found" ;; *) return 1 ;; esac
}

# unused NODE READ WORD: stops where a file of a node holds a word.
unused() {
    text=$(on "$1" "$2") || stop "$1 does not answer"
    if printf '%s\n' "$text" | grep -qwF -- "$3"; then stop "$1: $3 is in use"; fi
}

# wait_for NODE LINE PATTERN: asks every 2 seconds, 60 times at most.
wait_for() {
    tries=60
    until on "$1" "$2" 2>/dev/null | grep -q -- "$3"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || stop "$1: no line that matches $3"
        sleep 2
    done
}
"#;

/// Where a machine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    pub user: String,
    pub host: String,
    pub port: u16,
}

/// A machine of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptHost {
    /// What the plan calls it.
    pub name: String,
    pub door: Door,
    /// The machine in between, where there is one.
    pub via: Option<Door>,
}

/// A script while it is being written.
#[derive(Debug)]
pub struct Script {
    text: String,
    hosts: Vec<ScriptHost>,
}

impl Script {
    /// Begins with what people read first, then the doors of the machines, which they may change.
    #[must_use]
    pub fn new(head: &[String], hosts: Vec<ScriptHost>) -> Self {
        let mut script = Self { text: "#!/bin/sh\n".to_owned(), hosts };
        script.comments(head);
        script.text.push('\n');
        script.reach();
        script.text.push_str(HELPERS);
        script
    }

    fn reach(&mut self) {
        self.text.push_str("# Where each machine is reached.\nreach() {\n    case $1 in\n");
        for host in &self.hosts {
            let jump = host.via.as_ref().map(|via| format!("-J {} ", word(&jump(via))));
            let options = format!(
                "-o BatchMode=yes {}-p {} -- {}",
                jump.unwrap_or_default(),
                host.door.port,
                word(&at(&host.door))
            );
            let _ = writeln!(self.text, "    {}) options={} ;;", pattern(&host.name), word(&options));
        }
        self.text.push_str("    *) printf '%s\\n' \"no such machine: $1\" >&2; exit 2 ;;\n    esac\n}\n");
    }

    fn comments(&mut self, lines: &[String]) {
        for line in lines {
            let _ = writeln!(self.text, "# {}", clean_text(line));
        }
    }

    /// Begins a step.
    pub fn step(&mut self, lines: &[String]) {
        self.text.push('\n');
        self.comments(lines);
    }

    /// One command on a machine, with its standard input where it has one.
    pub fn run(&mut self, host: &str, command: &CommandLine) {
        let (line, host) = (self.line(host, command), word(host));
        let _ = match command.stdin() {
            None => writeln!(self.text, "on {host} {line}"),
            Some(bytes) => {
                let text = word(&String::from_utf8_lossy(bytes));
                writeln!(self.text, "printf '%s' {text} | feed {host} {line}")
            }
        };
    }

    /// One command on the machine that the script runs on, with a secret in its environment that the script does not have.
    pub fn here(&mut self, variable: &'static str, command: &CommandLine) {
        let _ = writeln!(self.text, ": \"${{{variable}:?}}\"\nexport {variable}\n{}", command.exec_line(false));
    }

    /// The same, unless reading something there works already.
    pub fn run_unless(&mut self, host: &str, reads: &CommandLine, command: &CommandLine) {
        let (reads, line, host) = (self.line(host, reads), self.line(host, command), word(host));
        let _ = writeln!(self.text, "on {host} {reads} >/dev/null 2>&1 || on {host} {line}");
    }

    /// A line of a file of keys, unless it is there.
    pub fn add_key(&mut self, host: &str, file: KeyFile, key: &PublicKey) {
        let text = word(&format!("{} {}", key.algorithm(), key.blob()));
        self.add(host, file, &text);
    }

    /// A key that another machine's file holds when the script runs.
    pub fn add_key_of(&mut self, host: &str, file: KeyFile, source: &str, reads: &CommandLine) {
        self.read_key(source, reads);
        self.add(host, file, "\"$key\"");
    }

    /// Another machine's host keys under an address; kinds that it does not have are left out.
    pub fn trust<'a>(
        &mut self,
        host: &str,
        address: std::net::IpAddr,
        source: &str,
        reads: impl IntoIterator<Item = &'a CommandLine>,
    ) {
        for reads in reads {
            let line = self.line(source, reads);
            let _ = write!(self.text, "if key=$(key_of {} {line}); then ", word(source));
            self.add(host, KeyFile::KnownHosts, &format!("{}\" $key\"", word(&address.to_string())));
            self.text.pop();
            self.text.push_str("; fi\n");
        }
    }

    /// Takes a key out of a file again.
    pub fn remove_key(&mut self, host: &str, file: KeyFile, key: &PublicKey) {
        let text = word(key.blob());
        self.take_out(host, file, &text);
    }

    /// The same with a key that another machine's file holds when the script runs.
    pub fn remove_key_of(&mut self, host: &str, file: KeyFile, source: &str, reads: &CommandLine) {
        self.read_key(source, reads);
        self.take_out(host, file, "\"$key\"");
    }

    /// Stops where the machine's answer holds one of the words.
    pub fn unused(&mut self, host: &str, reads: &CommandLine, words: &[String]) {
        let line = self.line(host, reads);
        for one in words {
            let _ = writeln!(self.text, "unused {} {line} {}", word(host), word(one));
        }
    }

    /// Waits until the machine's answer has a line that matches a basic regular expression of this crate's own.
    pub fn wait_for(&mut self, host: &str, reads: &CommandLine, pattern: &'static str) {
        let line = self.line(host, reads);
        let _ = writeln!(self.text, "wait_for {} {line} {}", word(host), word(pattern));
    }

    /// The whole script.
    #[must_use]
    pub fn text(self) -> String {
        self.text
    }

    fn read_key(&mut self, source: &str, reads: &CommandLine) {
        let line = self.line(source, reads);
        let (source, missing) = (word(source), word(&format!("{source}: no key")));
        let _ = writeln!(self.text, "key=$(key_of {source} {line}) || stop {missing}");
    }

    /// `text` is quoted already, or the script's own variable.
    fn add(&mut self, host: &str, file: KeyFile, text: &str) {
        let reads = self.line(host, &ssh_keys::cat(file));
        let appends = self.line(host, &ssh_keys::append(file, &[]));
        let _ = writeln!(self.text, "add {} {reads} {appends} {text}", word(host));
    }

    fn take_out(&mut self, host: &str, file: KeyFile, text: &str) {
        let reads = self.line(host, &ssh_keys::cat(file));
        let swaps = self.line(host, &ssh_keys::swap(file));
        let _ = writeln!(self.text, "take_out {} {reads} {swaps} {text}", word(host));
    }

    /// A command as one word of the script: quoted for the node's shell, then for the script's.
    fn line(&self, host: &str, command: &CommandLine) -> String {
        let sudo = self.hosts.iter().any(|one| one.name == host && one.door.user != "root");
        word(&command.exec_line(sudo))
    }
}

fn at(door: &Door) -> String {
    format!("{}@{}", door.user, door.host)
}

/// As `-J` takes it: `ssh://` would need the same brackets around an IPv6 address (ssh(1)).
fn jump(door: &Door) -> String {
    let six = door.host.contains(':');
    let host = if six { format!("[{}]", door.host) } else { door.host.clone() };
    format!("{}@{host}:{}", door.user, door.port)
}

/// One word of the script. A NUL byte, which no word can have, is left out.
fn word(text: &str) -> String {
    quote(&text.replace('\0', "")).unwrap_or_default()
}

/// A word that stands for itself in a `case`: quoted even where it is plain.
fn pattern(text: &str) -> String {
    let quoted = word(text);
    if quoted.starts_with('\'') { quoted } else { format!("'{quoted}'") }
}
