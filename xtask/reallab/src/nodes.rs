//! One host: its files, power on, power off.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::layout::{Host, Kind, Lab, SSH_PORT, file};
use crate::{access, tool};

/// Where the stand-ins are in a node.
const STANDIN: &str = "usr/local/lib/quorate-lab/standin";
/// Folders that belong to a host alone; they are what its disk keeps.
const OWN: [&str; 8] = [
    "root",
    "home",
    "var/log",
    "var/lib/corosync",
    "var/lib/pve-cluster",
    "etc/corosync",
    "etc/ssh",
    "etc/quorate-lab",
];
/// Names of the stand-ins on a node of Proxmox VE, and on every host.
const PVE_PROGRAMS: [&str; 3] = ["pvecm", "pveversion", "pmxcfs"];
const PROGRAMS: [&str; 4] = ["systemctl", "systemd-run", "journalctl", "timedatectl"];

/// Makes the host's files: what differs from the machine it runs on.
pub fn make(lab: &Lab, host: &Host, shadow: &str) -> anyhow::Result<()> {
    let folder = host.folder();
    for own in OWN {
        fs::create_dir_all(folder.join("own").join(own)).context("host's folders")?;
    }
    for part in ["upper/etc", "upper/usr/local/sbin", "upper/usr/local/lib/quorate-lab", "work", "merged"] {
        fs::create_dir_all(folder.join(part)).context("host's folders")?;
    }
    fs::set_permissions(folder.join("own/root"), fs::Permissions::from_mode(0o700))?;
    let upper = folder.join("upper");
    programs(host, &upper)?;
    etc(lab, host, &upper.join("etc"), shadow)?;
    ssh_files(host, &folder.join("own/etc/ssh"))?;
    let kind = if host.kind == Kind::Pve { "pve\n" } else { "qnetd\n" };
    fs::write(folder.join("own/etc/quorate-lab/kind"), kind)?;
    if host.kind == Kind::Qnetd {
        own_by_qnetd(&folder.join("own/etc/corosync"))?;
    }
    Ok(())
}

/// Powers a host on; returns before it answers.
pub fn start(host: &Host) -> anyhow::Result<()> {
    ensure!(!is_running(host)?, "{} is running", host.name);
    let folder = host.folder();
    let log = File::options().append(true).create(true).open(folder.join("boot.log")).context("boot log")?;
    let mut command = Command::new("ip");
    command.args([
        "netns",
        "exec",
        &host.namespace(),
        "unshare",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "--propagation",
        "private",
    ]);
    command.arg(file("standin")).args(["node-boot", &host.name]).arg(&folder);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8");
    command.current_dir("/").process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().context("unshare")?;
    Ok(())
}

/// Powers a host off, hard: every process of its namespaces gets SIGKILL.
pub fn kill(host: &Host) -> anyhow::Result<()> {
    kill_namespace(&host.namespace())
}

pub fn is_running(host: &Host) -> anyhow::Result<bool> {
    Ok(!processes(&host.namespace())?.is_empty())
}

/// Processes of a network namespace, found by the namespace itself.
pub fn processes(namespace: &str) -> anyhow::Result<Vec<String>> {
    let output = tool::output("ip", &["netns", "pids", namespace])?;
    Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
}

/// Kills until no process is left in the namespace; the caller and its parents are spared.
pub fn kill_namespace(namespace: &str) -> anyhow::Result<()> {
    /// A killed process needs a moment to be gone; more rounds than this mean that something is wrong.
    const ROUNDS: usize = 100;
    let spared = ancestors();
    for _ in 0..ROUNDS {
        let found: Vec<String> = processes(namespace)?.into_iter().filter(|pid| !spared.contains(pid)).collect();
        if found.is_empty() {
            return Ok(());
        }
        let mut line = vec!["-KILL"];
        line.extend(found.iter().map(String::as_str));
        // One that ended by itself meanwhile makes kill fail, and that is well.
        tool::output("kill", &line)?;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    anyhow::bail!("processes of {namespace} do not end: {}", processes(namespace)?.join(" "))
}

fn ancestors() -> Vec<String> {
    let mut list = Vec::new();
    let mut pid = std::process::id().to_string();
    while pid != "0" && !pid.is_empty() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap_or_default().trim().to_owned();
        list.push(std::mem::replace(&mut pid, parent));
    }
    list
}

fn programs(host: &Host, upper: &Path) -> anyhow::Result<()> {
    fs::hard_link(file("standin"), upper.join(STANDIN)).context("stand-ins")?;
    let pve: &[&str] = if host.kind == Kind::Pve { &PVE_PROGRAMS } else { &[] };
    for name in PROGRAMS.iter().chain(pve) {
        symlink(format!("/{STANDIN}"), upper.join("usr/local/sbin").join(name)).with_context(|| (*name).to_owned())?;
    }
    Ok(())
}

fn etc(lab: &Lab, host: &Host, etc: &Path, shadow: &str) -> anyhow::Result<()> {
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for other in &lab.hosts {
        hosts.push_str(&format!("{} {}.lab.local {}\n", other.address, other.name, other.name));
    }
    let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    let accounts =
        passwd.lines().map(|line| if line.starts_with("root:") { "root:x:0:0:root:/root:/bin/bash" } else { line });
    let files = [
        ("hostname", format!("{}\n", host.name)),
        ("hosts", hosts),
        ("resolv.conf", String::new()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n".to_owned()),
        ("machine-id", format!("{}\n", tool::random_hex(16)?)),
        ("timezone", "Etc/UTC\n".to_owned()),
        ("environment", String::new()),
        ("passwd", accounts.map(|line| format!("{line}\n")).collect()),
        ("shadow", shadow.to_owned()),
    ];
    for (name, text) in files {
        fs::write(etc.join(name), text).with_context(|| name.to_owned())?;
    }
    fs::set_permissions(etc.join("shadow"), fs::Permissions::from_mode(0o600))?;
    fs::create_dir_all(etc.join("pve")).context("/etc/pve")
}

fn ssh_files(host: &Host, folder: &Path) -> anyhow::Result<()> {
    let comment = format!("root@{}", host.name);
    for (kind, options) in [("ed25519", ["-b", "256"]), ("rsa", ["-b", "2048"])] {
        let path = folder.join(format!("ssh_host_{kind}_key")).display().to_string();
        // A keygen that outlived a killed `up` would write into the next lab.
        let with_us = ["--pdeathsig", "KILL", "ssh-keygen", "-q", "-t", kind, options[0], options[1]];
        let rest = ["-N", "", "-C", &comment, "-f", &path];
        tool::run("setpriv", &[&with_us[..], &rest[..]].concat())?;
    }
    let config = format!(
        "Port {SSH_PORT}\nHostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin yes\n\
         PasswordAuthentication yes\nKbdInteractiveAuthentication no\nUsePAM no\nUseDNS no\nPrintMotd no\n\
         AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/lab_keys\nMaxStartups 100:30:200\nMaxSessions 100\n\
         AcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\nSetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    );
    fs::write(folder.join("sshd_config"), config).context("sshd_config")?;
    fs::write(folder.join("ssh_config"), "Host *\n    SendEnv LANG LC_*\n").context("ssh_config")?;
    fs::copy(file(&format!("{}.pub", access::KEY)), folder.join("lab_keys")).context("lab's key")?;
    Ok(())
}

/// corosync-qnetd runs as a user of its own on Debian, root in the lab; its folder only has to be there.
fn own_by_qnetd(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("qnetd")).context("folder of corosync-qnetd")
}
