//! A host's disk: what differs from the machine it runs on. A tmpfs of its own, so that it can be full alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use anyhow::Context;

use crate::layout::{Host, Kind, Lab, SSH_PORT, file};
use crate::{access, apt, tool};

/// Where the stand-ins are in a node.
const STANDIN: &str = "usr/local/lib/quorate-lab/standin";
/// The account beside root: its password is root's, and it may run everything with `sudo`.
pub const USER: &str = "ops";
const USER_ID: u32 = 4_242;
/// With the set-user-id bit, which is why it is a file of its own.
const SUDO: &str = "usr/local/sbin/sudo";
const SUDO_MODE: u32 = 0o4755;
/// Size of one host's disk, which only counts what is written.
const SIZE: &str = "size=192m,mode=755";
/// Folders that belong to a host alone; they are what its disk keeps.
const OWN: [&str; 8] = [
    "root",
    "home",
    "var/log",
    "var/lib/corosync",
    "var/lib/pve-cluster",
    "etc/corosync/uidgid.d",
    "etc/ssh",
    "etc/quorate-lab",
];
/// Names of the stand-ins by kind of host, and on every host.
const PVE_PROGRAMS: [&str; 13] = [
    "pvecm",
    "pveversion",
    "pmxcfs",
    "qm",
    "pct",
    "ha-manager",
    "dpkg-query",
    "chronyc",
    "pve-firewall",
    "pvesubscription",
    "nft",
    "openssl",
    "sqlite3",
];
const SSH_PROGRAMS: [&str; 4] = ["corosync-quorumtool", "corosync-cfgtool", "corosync-cmapctl", "dpkg-query"];
const PROGRAMS: [&str; 5] = ["systemctl", "systemd-run", "journalctl", "timedatectl", "dmidecode"];

/// Makes the host's files.
pub fn make(lab: &Lab, host: &Host, shadow: &str) -> anyhow::Result<()> {
    let folder = host.folder();
    fs::create_dir_all(&folder).context("host's folder")?;
    tool::run("mount", &["-t", "tmpfs", "-o", SIZE, "quorate-lab-disk", &folder.display().to_string()])?;
    for own in OWN {
        fs::create_dir_all(host.own(own)).context("host's folders")?;
    }
    for part in ["upper/etc/sudoers.d", "upper/usr/local/sbin", "upper/usr/local/lib/quorate-lab", "work", "merged"] {
        fs::create_dir_all(folder.join(part)).context("host's folders")?;
    }
    fs::set_permissions(host.own("root"), fs::Permissions::from_mode(0o700))?;
    let home = host.own("home").join(USER);
    fs::create_dir_all(&home).context("home")?;
    chown(&home, Some(USER_ID), Some(USER_ID)).context("home")?;
    let upper = folder.join("upper");
    programs(host, &upper)?;
    etc(lab, host, &upper.join("etc"), shadow)?;
    ssh_files(host, &host.own("etc/ssh"))?;
    let kind = match host.kind {
        Kind::Pve => "pve\n",
        Kind::Ssh => "ssh\n",
        Kind::Qnetd => "qnetd\n",
    };
    fs::write(host.own("etc/quorate-lab/kind"), kind)?;
    fs::write(host.own("etc/quorate-lab/uuid"), format!("{}\n", host.uuid))?;
    if host.kind == Kind::Qnetd {
        // corosync-qnetd runs as a user of its own on Debian, root in the lab; its folder only has to be there.
        fs::create_dir_all(host.own("etc/corosync/qnetd")).context("folder of corosync-qnetd")?;
    }
    Ok(())
}

/// Types of the host keys that a host of this kind has.
pub fn key_types(host: &Host) -> &'static [&'static str] {
    // Making an RSA key takes a hundred times longer, and the SSH-only nodes are many.
    if host.kind == Kind::Ssh { &["ed25519"] } else { &["ed25519", "rsa"] }
}

/// Makes fresh host keys in this folder.
pub fn host_keys(host: &Host, folder: &Path) -> anyhow::Result<()> {
    let comment = format!("root@{}", host.name);
    for kind in key_types(host) {
        let bits = if *kind == "rsa" { "2048" } else { "256" };
        let path = folder.join(format!("ssh_host_{kind}_key")).display().to_string();
        // A keygen that outlived a killed `up` would write into the next lab.
        let with_us = ["--pdeathsig", "KILL", "ssh-keygen", "-q", "-t", kind, "-b", bits];
        let rest = ["-N", "", "-C", &comment, "-f", &path];
        tool::run("setpriv", &[&with_us[..], &rest[..]].concat())?;
    }
    Ok(())
}

fn programs(host: &Host, upper: &Path) -> anyhow::Result<()> {
    fs::copy(file("standin"), upper.join(STANDIN)).context("stand-ins")?;
    fs::copy(file("standin"), upper.join(SUDO)).context("sudo")?;
    fs::set_permissions(upper.join(SUDO), fs::Permissions::from_mode(SUDO_MODE)).context("sudo")?;
    let of_kind: &[&str] = match host.kind {
        Kind::Pve => &PVE_PROGRAMS,
        Kind::Ssh => &SSH_PROGRAMS,
        Kind::Qnetd => &[],
    };
    for name in PROGRAMS.iter().chain(of_kind) {
        symlink(format!("/{STANDIN}"), upper.join("usr/local/sbin").join(name)).with_context(|| (*name).to_owned())?;
    }
    Ok(())
}

fn etc(lab: &Lab, host: &Host, etc: &Path, shadow: &str) -> anyhow::Result<()> {
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for other in &lab.hosts {
        hosts.push_str(&format!("{} {}.lab.local {}\n", other.address(), other.name, other.name));
    }
    let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    let accounts =
        passwd.lines().map(|line| if line.starts_with("root:") { "root:x:0:0:root:/root:/bin/bash" } else { line });
    let user = format!("{USER}:x:{USER_ID}:{USER_ID}::/home/{USER}:/bin/bash\n");
    let files = [
        ("hostname", format!("{}\n", host.name)),
        ("hosts", hosts),
        ("resolv.conf", String::new()),
        ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n".to_owned()),
        ("machine-id", format!("{}\n", tool::random_hex(16)?)),
        ("timezone", "Etc/UTC\n".to_owned()),
        ("environment", String::new()),
        ("passwd", accounts.map(|line| format!("{line}\n")).chain([user]).collect()),
        ("sudoers.d/lab", format!("{USER} ALL=(ALL) NOPASSWD: ALL\n")),
        ("shadow", shadow.to_owned()),
    ];
    for (name, text) in files {
        fs::write(etc.join(name), text).with_context(|| name.to_owned())?;
    }
    fs::set_permissions(etc.join("shadow"), fs::Permissions::from_mode(0o600))?;
    fs::create_dir_all(etc.join("apt/apt.conf.d")).context("apt's settings")?;
    fs::write(etc.join("apt/apt.conf.d/zz-quorate-lab"), apt::settings()).context("apt's settings")?;
    fs::create_dir_all(etc.join("pve")).context("/etc/pve")
}

fn ssh_files(host: &Host, folder: &Path) -> anyhow::Result<()> {
    host_keys(host, folder)?;
    let keys: String =
        key_types(host).iter().rev().map(|kind| format!("HostKey /etc/ssh/ssh_host_{kind}_key\n")).collect();
    let config = format!(
        "Port {SSH_PORT}\n{keys}PermitRootLogin yes\n\
         PasswordAuthentication yes\nKbdInteractiveAuthentication no\nUsePAM no\nUseDNS no\nPrintMotd no\n\
         AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/lab_keys\nMaxStartups 100:30:200\nMaxSessions 100\n\
         AcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n\
         SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    );
    fs::write(folder.join("sshd_config"), config).context("sshd_config")?;
    fs::write(folder.join("ssh_config"), "Host *\n    SendEnv LANG LC_*\n").context("ssh_config")?;
    fs::copy(file(&format!("{}.pub", access::KEY)), folder.join("lab_keys")).context("lab's key")?;
    Ok(())
}
