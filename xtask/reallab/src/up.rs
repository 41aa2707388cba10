//! Starting a lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::layout::{FOLDER, Host, Kind, Lab, file};
use crate::{access, down, network, nodes, tool};

/// Programs of the machine that the lab runs for real, with the package that has each.
const NEEDED: [(&str, &str); 8] = [
    ("/usr/sbin/corosync", "corosync"),
    ("/usr/sbin/corosync-qdevice", "corosync-qdevice"),
    ("/usr/bin/corosync-qnetd", "corosync-qnetd"),
    ("/usr/bin/certutil", "libnss3-tools"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/bin/ssh", "openssh-client"),
    ("/usr/bin/perl", "perl"),
    ("/usr/bin/gzip", "gzip"),
];
/// Size of the lab's tmpfs, which only counts what is written.
const TMPFS: &str = "size=2g,mode=755";
/// How long all nodes may take until their `/etc/pve` answers.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Removes what is left of an earlier lab, then starts this one and waits until every host answers.
pub fn up(lab: &Lab) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    ensure!(
        missing.is_empty(),
        "the lab needs the packages {} (apt-get install --no-install-recommends ...)",
        missing.join(" ")
    );
    ensure!(Path::new("/dev/fuse").exists(), "the kernel has no /dev/fuse (modprobe fuse)");
    let standin = standin()?;
    down::down()?;
    let started = make(lab, &standin);
    if started.is_err() {
        // A half lab helps nobody; its logs have been quoted in the error.
        let _ = down::down();
    }
    started
}

fn make(lab: &Lab, standin: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER).context(FOLDER)?;
    tool::run("mount", &["-t", "tmpfs", "-o", TMPFS, "quorate-lab", FOLDER])?;
    lab.save()?;
    fs::copy(standin, file("standin")).context("stand-ins")?;
    let key = file(access::KEY).display().to_string();
    tool::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", &key])?;
    network::make(lab)?;
    let shadow = shadow(&lab.root_password)?;
    let made: anyhow::Result<Vec<()>> = std::thread::scope(|scope| {
        let work = |host| {
            let shadow = &shadow;
            scope.spawn(move || nodes::make(lab, host, shadow).and_then(|()| nodes::start(host)))
        };
        let threads: Vec<_> = lab.hosts.iter().map(work).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a host's thread broke"))).collect()
    });
    made?;
    fs::write(file("known_hosts"), known_hosts(lab)?).context("known hosts")?;
    let end = Instant::now() + READY_LIMIT;
    for host in &lab.hosts {
        wait(host, end)?;
    }
    Ok(())
}

/// A node is ready when SSH answers and its `/etc/pve` is there; the qnetd host when its daemon listens.
fn wait(host: &Host, end: Instant) -> anyhow::Result<()> {
    let probe = match host.kind {
        Kind::Pve => "test -e /etc/pve/.version && test -L /root/.ssh/authorized_keys && systemctl is-active ssh",
        Kind::Qnetd => "systemctl is-active corosync-qnetd",
    };
    loop {
        let output = access::remote(host, probe)?;
        if output.status.success() {
            return Ok(());
        }
        if Instant::now() > end {
            let log = fs::read_to_string(host.folder().join("boot.log")).unwrap_or_default();
            bail!("{} is not ready: {} {log}", host.name, String::from_utf8_lossy(&output.stderr).trim());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The machine's accounts, with the lab's password for root.
fn shadow(password: &str) -> anyhow::Result<String> {
    let salt = tool::random_hex(8)?;
    let script = format!("my $p = <STDIN>; chomp $p; print crypt($p, '$6${salt}$')");
    let hash = tool::feed("perl", &["-e", &script], &format!("{password}\n"))?;
    ensure!(hash.starts_with("$6$"), "crypt gave no SHA-512 hash");
    let text = fs::read_to_string("/etc/shadow").context("/etc/shadow")?;
    let others = text.lines().filter(|line| !line.starts_with("root:"));
    // No account of the machine can sign in to a node.
    let others = others.filter_map(|line| line.split(':').next()).map(|name| format!("{name}:*:19000:0:99999:7:::\n"));
    Ok(format!("root:{hash}:19000:0:99999:7:::\n{}", others.collect::<String>()))
}

fn known_hosts(lab: &Lab) -> anyhow::Result<String> {
    let mut text = String::new();
    for host in &lab.hosts {
        for kind in ["ed25519", "rsa"] {
            let key = fs::read_to_string(host.folder().join(format!("own/etc/ssh/ssh_host_{kind}_key.pub")))
                .context("host key")?;
            text.push_str(&format!("{} {key}", host.address));
        }
    }
    Ok(text)
}

/// The stand-ins' binary: built when cargo runs us, otherwise the one beside this program.
fn standin() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("own path")?;
    let beside = here.with_file_name("standin");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let status = std::process::Command::new(cargo)
            .args(["build", "--quiet", "--package", "standin"])
            .status()
            .context("cargo build")?;
        ensure!(status.success(), "the stand-ins do not build");
    }
    ensure!(beside.exists(), "{} is missing: build the package standin", beside.display());
    Ok(beside)
}
