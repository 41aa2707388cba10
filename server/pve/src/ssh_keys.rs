//! Root's SSH files, which `pvecm add --use_ssh` and `pvecm qdevice setup` need.
//!
//! The console carries keys over its own pinned connections, so no password is typed on a node.

use crate::answer::Answer;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::files::NodeFile;
use crate::host_keys::{HostKeyKind, PublicKey};
pub use model::facts::NodeSsh;
use model::name::NodeName;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// The time limit of making a key of 4096 bits, in seconds.
const KEYGEN_LIMIT_S: u32 = 60;
/// The time limit of one node's SSH to another, in seconds; OpenSSH itself gives up connecting after 4.
const SSH_LIMIT_S: u32 = 10;
/// SSH's own port, which known_hosts lines leave out.
const SSH_PORT: u16 = 22;
/// What the new text of a file is called by until it takes the file's name.
const BESIDE: &str = ".quorate-new";
/// OpenSSH's exit code for its own failures.
const EXIT_SSH: i32 = 255;

/// Puts standard input in a file's place in one move, unless the file is not what it was when it was read.
///
/// `mv` within one folder is a rename, also in pmxcfs: who reads the file meanwhile sees the old or the new one whole.
const SWAP_SCRIPT: &str = "f=$1 t=$1.quorate; umask 077; cat >\"$t\" && [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ] && \
    mv -f \"$t\" \"$f\" || { rm -f \"$t\"; exit 75; }";
/// What that script is called by.
const SWAP_NAME: &str = "swap";
/// Removes a file, unless it is not what it was when it was read.
const DROP_SCRIPT: &str = "[ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] && rm -f \"$1\" || exit 75";
const DROP_NAME: &str = "drop";
/// The exit code of both scripts where the file is another one by now.
pub const EXIT_CHANGED: i32 = 75;
/// How long one machine may take to show its host key to another, in seconds.
const KEYSCAN_LIMIT_S: u32 = 5;

/// A file of lines that the product may append to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// `/root/.ssh/authorized_keys`
    AuthorizedKeys,
    /// `/root/.ssh/authorized_keys2`
    AuthorizedKeys2,
    /// `/etc/pve/priv/authorized_keys`
    ClusterAuthorizedKeys,
    /// `/root/.ssh/known_hosts`
    KnownHosts,
    /// `.ssh/authorized_keys` in the home of the account that logged in.
    LoginAuthorizedKeys,
    /// `.ssh/authorized_keys2` in the home of the account that logged in.
    LoginAuthorizedKeys2,
}

impl KeyFile {
    /// The path; of a login account's own file it begins in its home, where sshd starts every command.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::AuthorizedKeys => NodeFile::RootAuthorizedKeys.path(),
            Self::AuthorizedKeys2 => NodeFile::RootAuthorizedKeys2.path(),
            Self::ClusterAuthorizedKeys => NodeFile::ClusterAuthorizedKeys.path(),
            Self::KnownHosts => NodeFile::RootKnownHosts.path(),
            Self::LoginAuthorizedKeys => ".ssh/authorized_keys".to_owned(),
            Self::LoginAuthorizedKeys2 => ".ssh/authorized_keys2".to_owned(),
        }
    }

    /// The file that Proxmox VE never touches, of root or of another account.
    #[must_use]
    pub const fn kept(account: Option<&str>) -> Self {
        if account.is_some() { Self::LoginAuthorizedKeys2 } else { Self::AuthorizedKeys2 }
    }

    /// The file that people append to, of root or of another account. Root's is a link into `/etc/pve` in a cluster.
    #[must_use]
    pub const fn usual(account: Option<&str>) -> Self {
        if account.is_some() { Self::LoginAuthorizedKeys } else { Self::AuthorizedKeys }
    }

    /// Whose file it is decides who reads and writes it.
    fn owned(self, command: CommandLine) -> CommandLine {
        match self {
            Self::LoginAuthorizedKeys | Self::LoginAuthorizedKeys2 => command.by_login(),
            _ => command,
        }
    }
}

/// One line of `authorized_keys` or `known_hosts`, made from a checked key: it has no line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine(String);

impl KeyLine {
    /// The line that lets `key` in.
    #[must_use]
    pub fn authorized(key: &PublicKey) -> Self {
        Self(key.to_string())
    }

    /// The line that says that the host at `address` has `key`; other ports than 22 are written `[ADDRESS]:PORT` (`sshd(8)`).
    #[must_use]
    pub fn known_host(address: IpAddr, port: u16, key: &PublicKey) -> Self {
        let name = if port == SSH_PORT { address.to_string() } else { format!("[{address}]:{port}") };
        Self(format!("{name} {} {}", key.algorithm(), key.blob()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where `lines` say the same already: comments and marks do not count, hashed names are not looked into.
    #[must_use]
    pub fn is_in(&self, lines: &[String]) -> bool {
        lines.iter().any(|line| self.is_said_by(line))
    }

    fn is_said_by(&self, line: &str) -> bool {
        if line.trim_start().starts_with('#') {
            return false;
        }
        let wanted: Vec<&str> = self.0.split_whitespace().take(self.words()).collect();
        let words: Vec<&str> = line.split_whitespace().collect();
        words.windows(wanted.len()).any(|window| window == wanted) || self.is_listed_host(&words, &wanted)
    }

    /// A known_hosts line may name several hosts with commas between.
    fn is_listed_host(&self, words: &[&str], wanted: &[&str]) -> bool {
        match (words, wanted) {
            ([hosts, algorithm, blob, ..], [host, wanted_algorithm, wanted_blob]) => {
                algorithm == wanted_algorithm && blob == wanted_blob && hosts.split(',').any(|name| name == *host)
            }
            _ => false,
        }
    }

    /// Two words for a key that is let in, three for a known host.
    fn words(&self) -> usize {
        let first = self.0.split_whitespace().next().unwrap_or_default();
        if first.starts_with("ssh-") || first.starts_with("ecdsa-") || first.starts_with("sk-") { 2 } else { 3 }
    }
}

/// Prints a file of key lines.
#[must_use]
pub fn cat(file: KeyFile) -> CommandLine {
    file.owned(CommandLine::reads("cat").arg(file.path()))
}

/// Asks whether the file is a symbolic link, as root's authorised keys of a cluster's nodes are.
#[must_use]
pub fn is_link(file: KeyFile) -> CommandLine {
    file.owned(CommandLine::reads("test").arg("-L").arg(file.path()))
}

/// Appends lines with `tee -a`; a line break is set in front, because the file's last line may lack its own.
#[must_use]
pub fn append(file: KeyFile, lines: &[KeyLine]) -> CommandLine {
    let text: String = lines.iter().map(|line| format!("\n{}", line.0)).collect();
    file.owned(CommandLine::changes("tee").arg("-a").arg(file.path()).stdin_bytes(format!("{text}\n")))
}

/// Whether a command, as [`CommandLine::display`] wrote it, is one of [`append`].
#[must_use]
pub fn is_append(command: &str) -> bool {
    command.starts_with("tee -a ")
}

/// Writes the file again without every line that says the same as `line`; `lines` is what stands in it now.
///
/// The new text goes into a file beside it, which then takes its name: whoever logs in meanwhile reads the old or the new
/// one, and a connection that breaks leaves the old one whole.
///
/// `None` for the cluster's own file, which is the other nodes' too and which would be replaced while they read it,
/// and for a file with bytes that are no text, because they would be lost.
#[must_use]
pub fn remove(file: KeyFile, lines: &[String], line: &KeyLine) -> Option<[CommandLine; 2]> {
    let lossy = lines.iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER));
    if file == KeyFile::ClusterAuthorizedKeys || lossy {
        return None;
    }
    let kept = lines.iter().filter(|text| !line.is_said_by(text));
    let text: String = kept.map(|text| format!("{text}\n")).collect();
    let beside = format!("{}{BESIDE}", file.path());
    Some([
        CommandLine::changes("install").args(["-m", "600", "/dev/stdin"]).arg(&beside).stdin_bytes(text),
        CommandLine::changes("mv").args(["-f", "-T"]).arg(beside).arg(file.path()),
    ])
}

/// What [`append`] will be, for lines that are read from `source` on another machine when it runs: `HOST:PATH`.
#[must_use]
pub fn append_shown(file: KeyFile, source: &str) -> String {
    append(file, &[]).display_from(source)
}

/// What [`remove`] will be: the file as it is then, without the lines of `source`.
///
/// `None` where there is no such command.
#[must_use]
pub fn remove_shown(file: KeyFile, source: &str) -> Option<[String; 2]> {
    let none = KeyLine(String::from("-"));
    let [write, rename] = remove(file, &[], &none)?;
    Some([write.display_from(&format!("{} - {source}", file.path())), rename.display()])
}

/// What [`append`] of one line will be, with the line.
#[must_use]
pub fn append_line_shown(file: KeyFile, line: &KeyLine) -> String {
    let words = append(file, &[]).argv().join(" ");
    format!("{words} <<< '{}'", line.0)
}

/// Makes `/root/.ssh` with the mode that sshd wants.
#[must_use]
pub fn make_ssh_folder() -> CommandLine {
    CommandLine::changes("install").args(["-d", "-m", "700", "/root/.ssh"])
}

/// Makes `.ssh` in the home of the account that logged in.
#[must_use]
pub fn make_login_ssh_folder() -> CommandLine {
    CommandLine::changes("install").args(["-d", "-m", "700", ".ssh"]).by_login()
}

/// How a file is written again without a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    /// The line is not in it.
    NotThere,
    /// It has bytes that are no text, which would be lost.
    NotText,
    Change(CommandLine),
}

/// Takes every line that says the same as `line` out of a file whose bytes are `content`; the node compares their digest right before.
///
/// Where nothing but blank lines would be left, `drop_empty` removes the file.
#[must_use]
pub fn without(file: KeyFile, content: &[u8], line: &KeyLine, drop_empty: bool) -> Without {
    let Ok(text) = std::str::from_utf8(content) else { return Without::NotText };
    let kept: String = text.split_inclusive('\n').filter(|one| !line.is_said_by(one)).collect();
    if kept == text {
        return Without::NotThere;
    }
    let digest = hex::encode(Sha256::digest(content));
    let script = |script: &str, name: &str| {
        file.owned(CommandLine::changes("sh").args(["-c", script, name]).arg(file.path()).arg(&digest))
    };
    Without::Change(if drop_empty && kept.trim().is_empty() {
        script(DROP_SCRIPT, DROP_NAME)
    } else {
        script(SWAP_SCRIPT, SWAP_NAME).stdin_bytes(kept)
    })
}

/// The command of [`without`] before the file's digest, its last argument, is known.
pub(crate) fn swap(file: KeyFile) -> CommandLine {
    file.owned(CommandLine::changes("sh").args(["-c", SWAP_SCRIPT, SWAP_NAME]).arg(file.path()))
}

/// Removes a file by that script.
pub(crate) fn drop_unchanged(path: String, digest: &str) -> CommandLine {
    CommandLine::changes("sh").args(["-c", DROP_SCRIPT, DROP_NAME]).arg(path).arg(digest)
}

/// What [`without`] will be, before the file has been read: `what` is left out.
#[must_use]
pub fn without_shown(file: KeyFile, what: &str) -> String {
    swap(file).display_from(&format!("{} - {what}", file.path()))
}

/// `ssh-keyscan`: the host key that another machine shows to this one, of one kind.
#[must_use]
pub fn keyscan(address: IpAddr, kind: HostKeyKind) -> CommandLine {
    CommandLine::reads("ssh-keyscan")
        .args(["-T", "4", "-t", kind.file_part()])
        .arg(address.to_string())
        .limit_s(KEYSCAN_LIMIT_S)
}

/// The key that [`keyscan`] saw; `None` where nothing answered.
///
/// # Errors
/// A missing program, an ended time limit, a line that is no key.
pub fn scanned(answer: Answer<'_>) -> Result<Option<PublicKey>, ParseError> {
    const WHAT: &str = "ssh-keyscan";
    let text = answer.text(WHAT)?;
    // 1 where the machine did not answer (OpenSSH 9); older ones print nothing.
    if !matches!(answer.exit, 0 | 1) {
        return Err(answer.failure(WHAT));
    }
    let line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let key = line.map(|line| line.split_once(' ').map_or("", |(_, key)| key));
    key.map(PublicKey::parse).transpose()
}

/// Makes root's key pair as `pvecm` would; refuses to replace one, because standard input is closed.
#[must_use]
pub fn make_root_key() -> CommandLine {
    CommandLine::changes("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "4096", "-N", "", "-f"])
        .arg(NodeFile::RootPrivateKey.path())
        .limit_s(KEYGEN_LIMIT_S)
}

/// Makes the host keys that are missing.
#[must_use]
pub fn make_host_keys() -> CommandLine {
    CommandLine::changes("ssh-keygen").arg("-A").limit_s(KEYGEN_LIMIT_S)
}

/// Tries SSH from this node to another as Proxmox VE does since pve-cluster 8.0.6: with the other node's pinned host key.
#[must_use]
pub fn try_node_to_node(node: &NodeName, address: IpAddr) -> CommandLine {
    CommandLine::reads("ssh")
        .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=4", "-o"])
        .arg(format!("HostKeyAlias={node}"))
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", NodeFile::NodeKnownHosts(node.clone()).path()))
        .args(["-o", "GlobalKnownHostsFile=none"])
        .arg(format!("root@{address}"))
        .arg("/bin/true")
        .limit_s(SSH_LIMIT_S)
}

/// Reads the answer of [`try_node_to_node`].
///
/// # Errors
/// An ended time limit, a missing program.
pub fn node_to_node(answer: Answer<'_>) -> Result<NodeSsh, ParseError> {
    const WHAT: &str = "ssh";
    answer.text(WHAT)?;
    if answer.exit == 0 {
        return Ok(NodeSsh::Works);
    }
    let error = answer.failure(WHAT);
    let stderr = answer.stderr_text();
    if stderr.contains("Host key verification failed") {
        Ok(NodeSsh::HostKey)
    } else if stderr.contains("Permission denied") {
        Ok(NodeSsh::Denied)
    } else if answer.exit == EXIT_SSH {
        Ok(NodeSsh::Failed { text: error.line.unwrap_or_default() })
    } else {
        Err(error)
    }
}
