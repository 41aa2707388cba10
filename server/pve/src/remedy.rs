//! What mends a machine before it joins: one file replaced in one move, a key set aside, a service that keeps the clock.
//!
//! A file is only touched while its bytes are those that a plan was made for; the node compares their digest right before.

use crate::answer::Answer;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::files::NodeFile;
use crate::systemd::Service;
use model::facts::host::ClockTracking;
use model::name::NodeName;
use model::remedy::{ContentDigest, ZoneName};

/// Puts standard input in a file's place in one move, and keeps the old one beside it: `replace FILE DIGEST KEPT`.
///
/// The new file gets the old one's mode and owner; `mv` within one folder is a rename, so who reads meanwhile sees one whole file.
const REPLACE_SCRIPT: &str = "f=$1 t=$1.quorate; cp -p \"$f\" \"$t\" && cat >\"$t\" || { rm -f \"$t\"; exit 1; }; \
    [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ] || { rm -f \"$t\"; exit 75; }; \
    cp -p \"$f\" \"$3\" && mv -f -T \"$t\" \"$f\" || { rm -f \"$t\"; exit 1; }";
const REPLACE_NAME: &str = "replace";
/// Brings a kept file back: `restore FILE DIGEST KEPT DIGEST_OF_KEPT`.
const RESTORE_SCRIPT: &str = "[ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] && [ \"$(sha256sum <\"$3\")\" = \"$4  -\" ] || exit 75; \
    mv -f -T \"$3\" \"$1\"";
const RESTORE_NAME: &str = "restore";
/// Gives a file another name where no cluster uses it: `aside FILE DIGEST KEPT CONFIGURATION CONFIGURATION`.
const ASIDE_SCRIPT: &str = "[ ! -e \"$4\" ] && [ ! -e \"$5\" ] && [ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] || exit 75; \
    mv -f -T \"$1\" \"$3\"";
const ASIDE_NAME: &str = "aside";
/// Gives it its own name again, unless another one has it by now: `back FILE DIGEST KEPT CONFIGURATION CONFIGURATION`.
const BACK_SCRIPT: &str = "[ ! -e \"$1\" ] && [ ! -e \"$4\" ] && [ ! -e \"$5\" ] && [ \"$(sha256sum <\"$3\")\" = \"$2  -\" ] || exit 75; \
    mv -f -T \"$3\" \"$1\"";
const BACK_NAME: &str = "back";
/// Puts standard input in a file's place in one move: `put FILE DIGEST`, where `-` stands for no file.
///
/// For files in `/etc/pve`, where pmxcfs gives modes and owners by itself and nothing else may lie beside them.
const PUT_SCRIPT: &str = "f=$1 t=$1.quorate; cat >\"$t\" || { rm -f \"$t\"; exit 1; }; \
    if [ \"$2\" = - ]; then [ ! -e \"$f\" ]; else [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ]; fi || { rm -f \"$t\"; exit 75; }; \
    mv -f \"$t\" \"$f\" || { rm -f \"$t\"; exit 1; }";
const PUT_NAME: &str = "put";
/// What stands for the digest of a file that is not there.
const NO_FILE: &str = "-";
/// The exit code of all of them where the files are others than they were.
pub const EXIT_CHANGED: i32 = crate::ssh_keys::EXIT_CHANGED;

/// The time limit of fetching and installing one package, in seconds.
const INSTALL_LIMIT_S: u32 = 300;
/// The time limit of making a key of 4096 bits, in seconds.
const KEYGEN_LIMIT_S: u32 = 60;
/// The time limit of starting a service, in seconds.
const SERVICE_LIMIT_S: u32 = 30;

fn script(text: &str, name: &str) -> CommandLine {
    CommandLine::changes("sh").args(["-c", text, name])
}

/// `/etc/hosts` from `old` to `new`, with the old one kept beside it.
#[must_use]
pub fn replace_hosts(old: &str, new: &str) -> CommandLine {
    let digest = ContentDigest::of(old.as_bytes());
    script(REPLACE_SCRIPT, REPLACE_NAME)
        .arg(NodeFile::Hosts.path())
        .arg(digest.as_str())
        .arg(NodeFile::KeptHosts(digest.clone()).path())
        .stdin_bytes(new)
}

/// The kept `new` back in the place of `old`.
#[must_use]
pub fn restore_hosts(old: &str, new: &str) -> CommandLine {
    let (now, kept) = (ContentDigest::of(old.as_bytes()), ContentDigest::of(new.as_bytes()));
    script(RESTORE_SCRIPT, RESTORE_NAME)
        .arg(NodeFile::Hosts.path())
        .arg(now.as_str())
        .arg(NodeFile::KeptHosts(kept.clone()).path())
        .arg(kept.as_str())
}

/// `/etc/corosync/authkey` under its kept name, on a machine without any configuration of a cluster.
#[must_use]
pub fn set_aside_authkey(digest: &ContentDigest) -> CommandLine {
    of_authkey(script(ASIDE_SCRIPT, ASIDE_NAME), digest)
}

/// The kept key under its own name again.
#[must_use]
pub fn put_back_authkey(digest: &ContentDigest) -> CommandLine {
    of_authkey(script(BACK_SCRIPT, BACK_NAME), digest)
}

fn of_authkey(command: CommandLine, digest: &ContentDigest) -> CommandLine {
    command
        .arg(NodeFile::CorosyncAuthkey.path())
        .arg(digest.as_str())
        .arg(NodeFile::KeptAuthkey(digest.clone()).path())
        .arg(NodeFile::LocalCorosyncConf.path())
        .arg(NodeFile::ClusterCorosyncConf.path())
}

/// Asks whether a file of the machine's own is a symbolic link: what others share is not replaced.
#[must_use]
pub fn is_link(file: &NodeFile) -> CommandLine {
    CommandLine::reads("test").arg("-L").arg(file.path())
}

#[must_use]
pub fn set_time_zone(zone: &ZoneName) -> CommandLine {
    CommandLine::changes("timedatectl").arg("set-timezone").arg(zone.as_str())
}

/// Makes the RSA host key as Debian's sshd would; refuses to replace one, because standard input is closed.
#[must_use]
pub fn make_rsa_host_key() -> CommandLine {
    CommandLine::changes("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "4096", "-N", "", "-f"])
        .arg(NodeFile::HostRsaPrivateKey.path())
        .limit_s(KEYGEN_LIMIT_S)
}

/// sshd reads its settings and keys again; connections stay.
#[must_use]
pub fn reload_sshd() -> CommandLine {
    CommandLine::changes("systemctl").arg("reload").arg(Service::Ssh.name()).limit_s(SERVICE_LIMIT_S)
}

/// From the machine's own package sources, asking nobody; waits a minute for another `apt` to end.
#[must_use]
pub fn install_chrony() -> CommandLine {
    CommandLine::changes("env")
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-o", "DPkg::Lock::Timeout=60", "install", "chrony"])
        .limit_s(INSTALL_LIMIT_S)
}

#[must_use]
pub fn enable_chrony() -> CommandLine {
    CommandLine::changes("systemctl").args(["enable", "--now"]).arg(Service::Chrony.name()).limit_s(SERVICE_LIMIT_S)
}

/// Corrects the clock at once instead of slowly (`chronyc(1)`).
#[must_use]
pub fn step_clock() -> CommandLine {
    CommandLine::changes("chronyc").arg("makestep")
}

/// How far the clock is off, as chrony sees it.
#[must_use]
pub fn chrony_tracking() -> CommandLine {
    crate::prerequisites::chronyc("tracking")
}

/// # Errors
/// Anything but the one line of `chronyc -c tracking`.
pub fn tracking(answer: Answer<'_>) -> Result<ClockTracking, ParseError> {
    crate::prerequisites::tracking(answer)
}

/// Prints one node's own rules.
#[must_use]
pub fn host_firewall(node: &NodeName) -> CommandLine {
    CommandLine::reads("cat").arg(NodeFile::HostFirewall(node.clone()).path())
}

/// One node's own rules from `old` to `new`; `None` where there is no such file. `None` where nothing is to be done.
#[must_use]
pub fn write_host_firewall(node: &NodeName, old: Option<&str>, new: Option<&str>) -> Option<CommandLine> {
    let path = NodeFile::HostFirewall(node.clone()).path();
    let digest = old.map(|old| ContentDigest::of(old.as_bytes()));
    let digest = digest.as_ref().map_or(NO_FILE, ContentDigest::as_str);
    match (old, new) {
        (_, Some(new)) => Some(script(PUT_SCRIPT, PUT_NAME).arg(path).arg(digest).stdin_bytes(new)),
        (Some(_), None) => Some(crate::ssh_keys::drop_unchanged(path, digest)),
        (None, None) => None,
    }
}

/// `pve-firewall status`
#[must_use]
pub fn firewall_status() -> CommandLine {
    CommandLine::reads("pve-firewall").arg("status").limit_s(SERVICE_LIMIT_S)
}

/// What Proxmox VE's firewall does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirewallState {
    pub enabled: bool,
    pub running: bool,
    /// The rules in the kernel are not yet those of the files.
    pub pending: bool,
}

/// Reads `Status: enabled/running (pending changes)` as `pve-firewall` prints it (`PVE::Service::pve_firewall`).
///
/// # Errors
/// An answer without such a line.
pub fn firewall_state(answer: Answer<'_>) -> Result<FirewallState, ParseError> {
    const WHAT: &str = "pve-firewall status";
    let text = answer.printed(WHAT, &[0])?;
    let bad = || ParseError::malformed(WHAT, "the status", &text);
    let status = text.lines().find_map(|line| line.trim().strip_prefix("Status: ")).ok_or_else(bad)?;
    let (enabled, rest) = status.split_once('/').ok_or_else(bad)?;
    Ok(FirewallState {
        enabled: enabled == "enabled",
        running: rest.starts_with("running"),
        pending: rest.ends_with("(pending changes)"),
    })
}

/// Asks whether a client of `watchdog-mux` holds the watchdog: the multiplexer makes this folder when the first one comes
/// (`watchdog-mux.c` of pve-ha-manager).
#[must_use]
pub fn watchdog_held() -> CommandLine {
    CommandLine::reads("test").arg("-e").arg(NodeFile::WatchdogActive.path())
}
