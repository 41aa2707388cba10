//! Files and folders of a node, by name: no free path ever becomes an argument.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason, at_most};
use crate::host_keys::HostKeyKind;
use model::facts::GuestKind;
use model::name::NodeName;
use model::plan::QDEVICE_STORE;
use model::remedy::{ContentDigest, kept_path};
use std::collections::BTreeMap;

/// The most entries of a folder that are read.
const ENTRIES_MAX: usize = 1 << 15;
/// The most lines of a printed file.
const LINES_MAX: usize = 1 << 16;
/// The most digests of one answer.
const DIGESTS_MAX: usize = 4096;

/// A file that the product knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFile {
    /// `/etc/hostname`
    Hostname,
    /// `/etc/hosts`
    Hosts,
    /// `/etc/machine-id`
    MachineId,
    /// `/etc/pve/.members`, served from the memory of pmxcfs.
    PmxMembers,
    /// `/etc/pve/.version`
    PmxVersion,
    /// `/etc/pve/.vmlist`
    PmxVmlist,
    /// `/etc/pve/corosync.conf`, the cluster's copy.
    ClusterCorosyncConf,
    /// `/etc/corosync/corosync.conf`, the copy that corosync reads.
    LocalCorosyncConf,
    /// `/etc/corosync/authkey`: asked for its existence and digest, never read.
    CorosyncAuthkey,
    /// `/etc/hosts.quorate-DIGEST`: what a remedy replaced.
    KeptHosts(ContentDigest),
    /// `/etc/corosync/authkey.quorate-DIGEST`: what a remedy set aside.
    KeptAuthkey(ContentDigest),
    /// `/etc/pve/nodes/NAME/host.fw`: one node's own rules of Proxmox VE's firewall.
    HostFirewall(NodeName),
    /// `/run/watchdog-mux.active`
    WatchdogActive,
    /// `/var/lib/pve-cluster/config.db`, the database of pmxcfs: asked for its existence only.
    PmxDatabase,
    /// `/etc/pve/nodes/NAME/pve-ssl.pem`: made when a node has become a member.
    NodeCertificate(NodeName),
    /// `/etc/ssh/ssh_host_rsa_key`: made, never read.
    HostRsaPrivateKey,
    /// `/etc/ssh/ssh_host_*_key.pub`
    HostPublicKey(HostKeyKind),
    /// `/root/.ssh/id_rsa`: asked for its existence, never read.
    RootPrivateKey,
    /// `/root/.ssh/id_rsa.pub`
    RootPublicKey,
    /// `/root/.ssh/authorized_keys`
    RootAuthorizedKeys,
    /// `/root/.ssh/authorized_keys2`: Debian's sshd reads it too, and Proxmox VE never replaces it.
    RootAuthorizedKeys2,
    /// `/root/.ssh/known_hosts`
    RootKnownHosts,
    /// `/etc/pve/priv/authorized_keys`, shared by all nodes of a cluster.
    ClusterAuthorizedKeys,
    /// `/etc/pve/nodes/NAME/ssh_known_hosts`, the pinned host key of one node.
    NodeKnownHosts(NodeName),
}

impl NodeFile {
    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> String {
        let fixed = match self {
            Self::Hostname => "/etc/hostname",
            Self::Hosts => "/etc/hosts",
            Self::MachineId => "/etc/machine-id",
            Self::PmxMembers => "/etc/pve/.members",
            Self::PmxVersion => "/etc/pve/.version",
            Self::PmxVmlist => "/etc/pve/.vmlist",
            Self::ClusterCorosyncConf => "/etc/pve/corosync.conf",
            Self::LocalCorosyncConf => "/etc/corosync/corosync.conf",
            Self::CorosyncAuthkey => "/etc/corosync/authkey",
            Self::KeptHosts(digest) => return kept_path(&Self::Hosts.path(), digest.short()),
            Self::KeptAuthkey(digest) => return kept_path(&Self::CorosyncAuthkey.path(), digest.short()),
            Self::HostFirewall(node) => return format!("/etc/pve/nodes/{node}/host.fw"),
            Self::WatchdogActive => "/run/watchdog-mux.active",
            Self::PmxDatabase => "/var/lib/pve-cluster/config.db",
            Self::NodeCertificate(node) => return format!("/etc/pve/nodes/{node}/pve-ssl.pem"),
            Self::HostRsaPrivateKey => "/etc/ssh/ssh_host_rsa_key",
            Self::HostPublicKey(kind) => {
                return format!("/etc/ssh/ssh_host_{}_key.pub", kind.file_part());
            }
            Self::RootPrivateKey => "/root/.ssh/id_rsa",
            Self::RootPublicKey => "/root/.ssh/id_rsa.pub",
            Self::RootAuthorizedKeys => "/root/.ssh/authorized_keys",
            Self::RootAuthorizedKeys2 => "/root/.ssh/authorized_keys2",
            Self::RootKnownHosts => "/root/.ssh/known_hosts",
            Self::ClusterAuthorizedKeys => "/etc/pve/priv/authorized_keys",
            Self::NodeKnownHosts(node) => return format!("/etc/pve/nodes/{node}/ssh_known_hosts"),
        };
        fixed.to_owned()
    }

    /// True for what no command may print.
    const fn is_secret(&self) -> bool {
        matches!(
            self,
            Self::CorosyncAuthkey
                | Self::KeptAuthkey(_)
                | Self::RootPrivateKey
                | Self::HostRsaPrivateKey
                | Self::PmxDatabase
        )
    }
}

/// A folder that the product lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFolder {
    /// `/etc/pve/nodes`
    PveNodes,
    /// `/etc/pve/nodes/NAME`
    PveNode(NodeName),
    /// `/var/lib/pve-cluster/backup`: what joins have kept of the own database.
    PmxBackups,
    /// `/etc/pve/nodes/NAME/qemu-server` or `…/lxc`
    Guests(NodeName, GuestKind),
    /// `/etc/corosync`
    Corosync,
    /// `/var/lib/corosync`
    CorosyncState,
    /// A node's certificates for the QDevice's host.
    QdeviceStore,
    /// The same, set aside.
    KeptQdeviceStore(ContentDigest),
    /// `/etc/ssh`
    Ssh,
    /// `/run`
    Run,
}

impl NodeFolder {
    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::PveNodes => "/etc/pve/nodes".to_owned(),
            Self::PveNode(node) => format!("/etc/pve/nodes/{node}"),
            Self::PmxBackups => "/var/lib/pve-cluster/backup".to_owned(),
            Self::Guests(node, GuestKind::Qemu) => format!("/etc/pve/nodes/{node}/qemu-server"),
            Self::Guests(node, GuestKind::Lxc) => format!("/etc/pve/nodes/{node}/lxc"),
            Self::Corosync => "/etc/corosync".to_owned(),
            Self::CorosyncState => "/var/lib/corosync".to_owned(),
            Self::QdeviceStore => QDEVICE_STORE.to_owned(),
            Self::KeptQdeviceStore(digest) => kept_path(QDEVICE_STORE, digest.short()),
            Self::Ssh => "/etc/ssh".to_owned(),
            Self::Run => "/run".to_owned(),
        }
    }
}

/// Prints a file; `None` for a secret one.
#[must_use]
pub fn cat(file: &NodeFile) -> Option<CommandLine> {
    (!file.is_secret()).then(|| read(file))
}

/// `/etc/hostname`.
#[must_use]
pub fn hostname() -> CommandLine {
    read(&NodeFile::Hostname)
}

/// `/etc/hosts`.
#[must_use]
pub fn hosts() -> CommandLine {
    read(&NodeFile::Hosts)
}

/// `/etc/machine-id`: two nodes with the same one are copies of one image.
#[must_use]
pub fn machine_id() -> CommandLine {
    read(&NodeFile::MachineId)
}

/// `/etc/pve/corosync.conf`.
#[must_use]
pub fn cluster_corosync_conf() -> CommandLine {
    read(&NodeFile::ClusterCorosyncConf)
}

/// `/etc/corosync/corosync.conf`.
#[must_use]
pub fn local_corosync_conf() -> CommandLine {
    read(&NodeFile::LocalCorosyncConf)
}

fn read(file: &NodeFile) -> CommandLine {
    CommandLine::reads("cat").arg(file.path())
}

/// The lines of a printed file without their line ends; `None` where the file does not exist.
///
/// # Errors
/// Every other failure; an empty file is an answer.
pub fn content(answer: Answer<'_>) -> Result<Option<Vec<String>>, ParseError> {
    const WHAT: &str = "cat";
    let text = answer.text(WHAT)?;
    if answer.exit == 0 {
        at_most(WHAT, text.lines().take(LINES_MAX + 1).count(), LINES_MAX)?;
        return Ok(Some(text.lines().map(str::to_owned).collect()));
    }
    absent(answer, WHAT)
}

/// The first word of a one-line file such as `/etc/hostname`, cleaned.
///
/// # Errors
/// A missing or empty file.
pub fn one_word(answer: Answer<'_>) -> Result<String, ParseError> {
    const WHAT: &str = "cat";
    let text = answer.printed(WHAT, &[0])?;
    let word = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    word.map(clean_text).ok_or_else(|| ParseError::new(WHAT, Reason::Empty))
}

/// Lists a folder, one name a line, hidden ones too.
#[must_use]
pub fn list(folder: &NodeFolder) -> CommandLine {
    CommandLine::reads("ls").arg("-1A").arg(folder.path())
}

/// Lists a folder with its own name `.`, so that an empty one can be told from silence.
#[must_use]
pub fn list_all(folder: &NodeFolder) -> CommandLine {
    CommandLine::reads("ls").arg("-1a").arg(folder.path())
}

/// As [`names`], of [`list_all`]: without `.` the answer is none.
///
/// # Errors
/// Every failure but a missing folder, and silence.
pub fn names_all(answer: Answer<'_>) -> Result<Option<Vec<String>>, ParseError> {
    const SELF: [&str; 2] = [".", ".."];
    let Some(mut found) = names(answer)? else { return Ok(None) };
    if !found.iter().any(|name| name == ".") {
        return Err(ParseError::new("ls", Reason::Empty));
    }
    found.retain(|name| !SELF.contains(&name.as_str()));
    Ok(Some(found))
}

/// The names in a folder, cleaned; `None` where the folder does not exist; empty is an answer.
///
/// # Errors
/// Every other failure.
pub fn names(answer: Answer<'_>) -> Result<Option<Vec<String>>, ParseError> {
    const WHAT: &str = "ls";
    let text = answer.text(WHAT)?;
    if answer.exit == 0 {
        let lines = || text.lines().filter(|line| !line.is_empty());
        at_most(WHAT, lines().take(ENTRIES_MAX + 1).count(), ENTRIES_MAX)?;
        return Ok(Some(lines().map(clean_text).collect()));
    }
    absent(answer, WHAT)
}

/// Asks whether a file exists.
#[must_use]
pub fn exists(file: &NodeFile) -> CommandLine {
    CommandLine::reads("test").arg("-e").arg(file.path())
}

/// Asks whether a folder exists.
#[must_use]
pub fn folder_exists(folder: &NodeFolder) -> CommandLine {
    CommandLine::reads("test").arg("-e").arg(folder.path())
}

/// Asks whether `/etc/pve/nodes` takes writes: without quorum pmxcfs takes the owner's `w` out of its modes, and a mount may be
/// read-only. `test -w` is true for root whatever the mode is (`check_cfs_quorum` of `PVE::Cluster`).
#[must_use]
pub fn pmxcfs_writable() -> CommandLine {
    CommandLine::reads("find").arg(NodeFolder::PveNodes.path()).args(["-maxdepth", "0", "-perm", "-0200", "-writable"])
}

/// The answer to [`pmxcfs_writable`]: the folder's name is yes, silence no.
///
/// # Errors
/// [`Reason::NoSuchFile`] where there is no such folder: `/etc/pve` is not mounted, or nothing has come into it yet. And
/// every other word.
pub fn writable(answer: Answer<'_>) -> Result<bool, ParseError> {
    const WHAT: &str = "find";
    let text = answer.text(WHAT)?;
    if answer.exit != 0 {
        return Err(answer.failure(WHAT));
    }
    match text.trim_end_matches('\n') {
        "" => Ok(false),
        path if path == NodeFolder::PveNodes.path() => Ok(true),
        other => Err(ParseError::malformed(WHAT, "the folder's name", other)),
    }
}

/// The answer of `test`: exit 0 is yes, 1 is no.
///
/// # Errors
/// Every other exit code.
pub fn yes_or_no(answer: Answer<'_>) -> Result<bool, ParseError> {
    const WHAT: &str = "test";
    let text = answer.text(WHAT)?;
    // `test` never prints: what does is another program, whatever its exit code.
    if !text.trim().is_empty() {
        return Err(ParseError::malformed(WHAT, "silence", &text));
    }
    match answer.exit {
        0 => Ok(true),
        1 => Ok(false),
        _ => Err(answer.failure(WHAT)),
    }
}

/// Digests of files, secret ones too.
#[must_use]
pub fn sha256sums(files: &[NodeFile]) -> CommandLine {
    CommandLine::reads("sha256sum").args(files.iter().map(NodeFile::path))
}

/// Path -> digest in hex; a file that does not exist is not in the map.
///
/// # Errors
/// An answer without any digest, or with a line that is none.
pub fn digests(answer: Answer<'_>) -> Result<BTreeMap<String, String>, ParseError> {
    const WHAT: &str = "sha256sum";
    let text = answer.printed(WHAT, &[0, 1])?;
    let mut out = BTreeMap::new();
    for line in text.lines() {
        if line.starts_with("sha256sum: ") {
            continue;
        }
        let pair = line.split_once(char::is_whitespace);
        let Some((digest, path)) = pair.filter(|(digest, _)| is_sha256(digest)) else {
            return Err(ParseError::malformed(WHAT, "a digest", line));
        };
        out.insert(clean_text(path.trim_start_matches([' ', '*'])), digest.to_owned());
        at_most(WHAT, out.len(), DIGESTS_MAX)?;
    }
    if out.is_empty() { Err(answer.failure(WHAT)) } else { Ok(out) }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn absent<T>(answer: Answer<'_>, what: &'static str) -> Result<Option<T>, ParseError> {
    let error = answer.failure(what);
    if error.reason == Reason::NoSuchFile { Ok(None) } else { Err(error) }
}
