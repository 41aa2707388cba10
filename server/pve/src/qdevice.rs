//! `corosync-qdevice-tool` on a node and `corosync-qnetd-tool` on the qnetd host.

use crate::answer::Answer;
use crate::clean::{clean_text, clean_text_within};
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::files::NodeFolder;
use crate::systemd::Service;
use model::remedy::ContentDigest;
use std::collections::BTreeMap;

/// What is in a store: `sha256sum` of every file, sorted, and nothing of their content; at the end the folder, so that an
/// empty one is told from no answer: `store FOLDER`.
const STORE_SCRIPT: &str =
    "cd \"$1\" && find . -type f -exec sha256sum {} + | LC_ALL=C sort && printf \"%s\\n\" \"$1\"";
const STORE_NAME: &str = "store";
/// Gives a store another name, while no daemon uses it and it is the one that was read: `aside-store FOLDER DIGEST KEPT`.
const ASIDE_SCRIPT: &str = "systemctl is-active -q corosync-qdevice && exit 75; \
    [ \"$(cd \"$1\" && find . -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum)\" = \"$2  -\" ] || exit 75; mv -T \"$1\" \"$3\"";
const ASIDE_NAME: &str = "aside-store";
/// The time limit of starting the daemon, in seconds.
const SERVICE_LIMIT_S: u32 = 30;

/// The most clients of one qnetd host that are read.
const CLIENTS_MAX: usize = 4_096;
/// The longest address of a client, in characters.
const ADDRESS_MAX_CHARS: usize = 64;

const WHAT_QDEVICE: &str = "corosync-qdevice-tool";
const WHAT_QNETD: &str = "corosync-qnetd-tool";

/// `corosync-qdevice-tool -sv`
#[must_use]
pub fn qdevice_status() -> CommandLine {
    CommandLine::reads("corosync-qdevice-tool").arg("-sv")
}

/// Asks the qnetd host who of a cluster is connected to it (`corosync-qnetd-tool(8)`: `-l`, `-v`, `-c`).
#[must_use]
pub fn qnetd_clients(cluster: &str) -> CommandLine {
    CommandLine::reads("corosync-qnetd-tool").args(["-lv", "-c"]).arg(cluster)
}

/// Asks what is in a node's store of certificates.
#[must_use]
pub fn store() -> CommandLine {
    CommandLine::reads("sh").args(["-c", STORE_SCRIPT, STORE_NAME]).arg(NodeFolder::QdeviceStore.path())
}

/// The digest of what [`store`] prints of the files; an empty store has one too.
///
/// # Errors
/// A failure, an answer without its end, and lines that `sha256sum` does not print.
pub fn store_digest(answer: Answer<'_>) -> Result<ContentDigest, ParseError> {
    const WHAT: &str = "sha256sum";
    let text = answer.printed(WHAT, &[0])?;
    let folder = NodeFolder::QdeviceStore.path();
    let is_line = |line: &str| {
        line.split_once("  ")
            .is_some_and(|(digest, path)| ContentDigest::try_from(digest.to_owned()).is_ok() && path.starts_with("./"))
    };
    let files = text.strip_suffix(&format!("{folder}\n")).filter(|files| files.lines().all(is_line));
    files
        .filter(|files| answer.stderr.is_empty() && (files.is_empty() || files.ends_with('\n')))
        .map(|files| ContentDigest::of(files.as_bytes()))
        .ok_or_else(|| ParseError::malformed(WHAT, "the list of digests", &text))
}

/// The store under the name of its kept copy.
#[must_use]
pub fn set_aside_store(digest: &ContentDigest) -> CommandLine {
    CommandLine::changes("sh")
        .args(["-c", ASIDE_SCRIPT, ASIDE_NAME])
        .arg(NodeFolder::QdeviceStore.path())
        .arg(digest.as_str())
        .arg(NodeFolder::KeptQdeviceStore(digest.clone()).path())
}

/// The node's daemon, now and after the next start.
#[must_use]
pub fn start_daemon() -> CommandLine {
    CommandLine::changes("systemctl")
        .args(["enable", "--now"])
        .arg(Service::CorosyncQdevice.name())
        .limit_s(SERVICE_LIMIT_S)
}

/// The node's own QDevice daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QdeviceStatus {
    /// `Net`
    pub model: String,
    pub node_id: u32,
    pub cluster_name: Option<String>,
    /// `10.0.1.50:5403`
    pub qnetd_host: Option<String>,
    /// `Fifty-Fifty split` or `LMS`
    pub algorithm: Option<String>,
    /// `Connected`, `Connect failed` ...
    pub state: Option<String>,
    /// With its vote: `2026-11-22T07:45:19 (cast vote)`; only with `-v`.
    pub last_poll: Option<String>,
    pub tls_active: Option<bool>,
}

impl QdeviceStatus {
    #[must_use]
    pub fn connected(&self) -> bool {
        self.state.as_deref() == Some("Connected")
    }
}

/// A node that is connected to qnetd at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QnetdClient {
    pub cluster: String,
    pub node_id: u32,
    /// With its port, `10.0.1.15:52190`.
    pub address: String,
}

/// Reads `corosync-qdevice-tool -s` and `-sv`.
///
/// # Errors
/// A daemon that does not run, or another shape.
pub fn qdevice(answer: Answer<'_>) -> Result<QdeviceStatus, ParseError> {
    let text = answer.printed(WHAT_QDEVICE, &[0])?;
    let fields = fields(&text);
    let get = |key: &str| fields.get(key).map(|value| clean_text(value));
    let node_id =
        fields.get("Node ID").ok_or_else(|| ParseError::at(WHAT_QDEVICE, &text, Reason::Missing("Node ID")))?;
    Ok(QdeviceStatus {
        model: get("Model").ok_or_else(|| ParseError::missing(WHAT_QDEVICE, "Model"))?,
        node_id: node_id.parse().map_err(|_| ParseError::malformed(WHAT_QDEVICE, "Node ID", node_id))?,
        cluster_name: get("Cluster name"),
        qnetd_host: get("QNetd host"),
        algorithm: get("Algorithm"),
        state: get("State"),
        last_poll: get("Last poll call"),
        tls_active: fields.get("TLS active").map(|value| value.starts_with("Yes")),
    })
}

/// Reads `corosync-qnetd-tool -lv`; where nobody is connected, or no cluster has the name, it prints nothing (3.0.3).
///
/// # Errors
/// A daemon that does not run, or another shape.
pub fn clients(answer: Answer<'_>) -> Result<Vec<QnetdClient>, ParseError> {
    let text = answer.text(WHAT_QNETD)?;
    if answer.exit != 0 {
        return Err(answer.failure(WHAT_QNETD));
    }
    let (mut cluster, mut node) = (None, None);
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("Cluster \"").and_then(|rest| rest.strip_suffix("\":")) {
            (cluster, node) = (Some(clean_text(name)), None);
        } else if let Some(id) = line.trim_start().strip_prefix("Node ID ") {
            let id = id.trim_end_matches(':').parse::<u32>();
            node = Some(id.map_err(|_| ParseError::malformed(WHAT_QNETD, "Node ID", line))?);
        } else if let Some(address) = line.trim_start().strip_prefix("Client address:") {
            let (Some(cluster), Some(node_id)) = (cluster.clone(), node.take()) else {
                return Err(ParseError::malformed(WHAT_QNETD, "a client of a node of a cluster", line));
            };
            found.push(QnetdClient { cluster, node_id, address: unmapped(address.trim()) });
            at_most(WHAT_QNETD, found.len(), CLIENTS_MAX)?;
        }
    }
    if found.is_empty() && !text.trim().is_empty() {
        return Err(ParseError::malformed(WHAT_QNETD, "a list of clients", &text));
    }
    Ok(found)
}

/// qnetd listens for both families by one socket: addresses of IPv4 come as `::ffff:10.0.1.15:52190`, without brackets.
fn unmapped(address: &str) -> String {
    clean_text_within(address.strip_prefix("::ffff:").unwrap_or(address), ADDRESS_MAX_CHARS)
}

/// `Key:<tab>value` lines that begin in the first column; lists below a key are indented.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    let mut out = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with(char::is_whitespace)) {
        if let Some((key, value)) = line.split_once(':') {
            out.entry(key.trim()).or_insert_with(|| value.trim());
        }
    }
    out
}

/// The port of corosync-qnetd (`corosync-qnetd(8)`).
pub const QNETD_PORT: u16 = 5403;
/// The most guests that are named.
const GUESTS_MAX: usize = 64;
/// The most cards of a host that are looked for.
const CARDS_MAX: usize = 64;

/// Asks whether something listens on qnetd's port.
#[must_use]
pub fn listening() -> CommandLine {
    CommandLine::reads("ss").args(["-H", "-l", "-t", "-n", "sport", "="]).arg(format!(":{QNETD_PORT}"))
}

/// Reads the answer of [`listening`]; no line is no.
///
/// # Errors
/// A line that is no listening socket.
pub fn listens(answer: Answer<'_>) -> Result<bool, ParseError> {
    const WHAT: &str = "ss";
    let text = answer.text(WHAT)?;
    if answer.exit != 0 {
        return Err(answer.failure(WHAT));
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let any = lines.peek().is_some();
    match lines.find(|line| !line.starts_with("LISTEN")) {
        Some(line) => Err(ParseError::malformed(WHAT, "a listening socket", line)),
        None => Ok(any),
    }
}

/// Looks for the configurations of guests that have one of these network cards; `None` where no text is a MAC address.
#[must_use]
pub fn guests_with(macs: &[String]) -> Option<CommandLine> {
    let is_mac = |text: &&String| text.len() == 17 && text.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
    let mut found = macs.iter().filter(is_mac).take(CARDS_MAX).peekable();
    found.peek()?;
    let words = found.flat_map(|mac| ["-e".to_owned(), mac.clone()]);
    Some(CommandLine::reads("grep").args(["-r", "-l", "-i", "-F"]).args(words).arg("/etc/pve/nodes"))
}

/// Reads the answer of [`guests_with`]: paths below `/etc/pve/nodes`, or exit 1 where there is none.
///
/// # Errors
/// Every other exit code, and lines that are no such paths.
pub fn guest_paths(answer: Answer<'_>) -> Result<Vec<String>, ParseError> {
    const WHAT: &str = "grep";
    let text = answer.text(WHAT)?;
    if !matches!(answer.exit, 0 | 1) {
        return Err(answer.failure(WHAT));
    }
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()).take(GUESTS_MAX) {
        let Some(path) = line.strip_prefix("/etc/pve/nodes/") else {
            return Err(ParseError::malformed(WHAT, "a path", line));
        };
        found.push(clean_text(path));
    }
    if answer.exit == 0 && found.is_empty() {
        return Err(ParseError::missing(WHAT, "a path"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_listens_or_does_not_and_anything_else_is_no_answer() {
        let line = "LISTEN 0      10                 *:5403             *:*   \n";
        assert_eq!(listens(Answer::new(line.as_bytes(), b"", 0)), Ok(true));
        assert_eq!(listens(Answer::new(b"", b"", 0)), Ok(false));
        assert!(listens(Answer::new(b"nonsense\n", b"", 0)).is_err());
        assert!(listens(Answer::new(b"", b"ss: command not found\n", 127)).is_err());
    }

    #[test]
    fn a_guest_is_found_by_its_card() {
        let macs = ["bc:24:11:00:00:01".to_owned(), "; rm -rf /".to_owned()];
        let command = guests_with(&macs).expect("one is a MAC");
        assert_eq!(command.argv(), ["grep", "-r", "-l", "-i", "-F", "-e", "bc:24:11:00:00:01", "/etc/pve/nodes"]);
        assert!(guests_with(&macs[1..]).is_none());
        let path = b"/etc/pve/nodes/pve1/qemu-server/100.conf\n";
        assert_eq!(guest_paths(Answer::new(path, b"", 0)), Ok(vec!["pve1/qemu-server/100.conf".to_owned()]));
        assert_eq!(guest_paths(Answer::new(b"", b"", 1)), Ok(Vec::new()));
        assert!(guest_paths(Answer::new(b"", b"", 0)).is_err(), "found, and silent");
        assert!(guest_paths(Answer::new(b"", b"grep: x\n", 2)).is_err());
    }
}
