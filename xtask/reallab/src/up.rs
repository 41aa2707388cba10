//! Starting a lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::json;

use crate::layout::{FOLDER, Host, Kind, Lab, file};
use crate::{access, apt, bmc, disk, down, network, nodes, tool};

/// Programs of the machine that the lab runs for real, with the package that has each.
const NEEDED: [(&str, &str); 15] = [
    ("/usr/sbin/corosync", "corosync"),
    ("/usr/sbin/corosync-qdevice", "corosync-qdevice"),
    ("/usr/bin/corosync-qnetd", "corosync-qnetd"),
    ("/usr/bin/certutil", "libnss3-tools"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("/usr/bin/ssh", "openssh-client"),
    ("/usr/bin/perl", "perl"),
    ("/usr/bin/gzip", "gzip"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/bin/ping", "iputils-ping"),
    ("/usr/bin/ipmi_sim", "openipmi"),
    ("/usr/bin/ipmitool", "ipmitool"),
    ("/usr/sbin/fence_ipmilan", "fence-agents"),
    ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "libfaketime"),
];
/// Size of the lab's own tmpfs, which only counts what is written; every host has another one.
const TMPFS: &str = "size=1g,mode=755";
/// How long all nodes may take until their `/etc/pve` answers.
const READY_LIMIT: Duration = Duration::from_secs(60);
const READY_PAUSE: Duration = Duration::from_millis(100);
/// Real-time scheduling of more corosyncs than this on few cores starves them, and everything else.
const REAL_TIME_LIMIT: usize = 8;

/// Removes what is left of an earlier lab, then starts this one and waits until every host answers.
pub fn up(lab: &Lab) -> anyhow::Result<()> {
    let is_missing = |(path, _): &&(&str, &str)| !Path::new(&for_this_machine(path)).exists();
    let missing: Vec<&str> = NEEDED.iter().filter(is_missing).map(|(_, package)| *package).collect();
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

/// Debian's folder of libraries has the processor's name.
pub fn for_this_machine(path: &str) -> String {
    path.replace("x86_64", std::env::consts::ARCH)
}

fn make(lab: &Lab, standin: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER).context(FOLDER)?;
    tool::run("mount", &["-t", "tmpfs", "-o", TMPFS, "quorate-lab", FOLDER])?;
    lab.save()?;
    fs::copy(standin, file("standin")).context("stand-ins")?;
    // A BMC calls this program, which may be built anew while the lab runs.
    fs::copy(std::env::current_exe().context("own path")?, file("lab")).context("own program")?;
    let key = file(access::KEY).display().to_string();
    tool::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", &key])?;
    std::thread::scope(|scope| {
        let cache = scope.spawn(apt::make);
        network::make(lab)?;
        cache.join().unwrap_or_else(|_| bail!("the thread of apt's cache broke"))
    })?;
    let shadow = shadow(&lab.root_password)?;
    at_once(&lab.hosts, |host| {
        disk::make(lab, host, &shadow)?;
        if lab.cluster.is_some() && host.kind == Kind::Pve { root_key(host) } else { Ok(()) }
    })?;
    write_known_hosts(lab)?;
    seed(lab)?;
    at_once(&lab.hosts, |host| nodes::start(host).and_then(|()| bmc::start(lab, host)))?;
    let end = Instant::now() + READY_LIMIT;
    for host in &lab.hosts {
        wait(lab, host, end)?;
    }
    Ok(())
}

/// Does the same for all hosts, each on a thread of its own.
fn at_once(hosts: &[Host], work: impl Fn(&Host) -> anyhow::Result<()> + Sync) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = hosts.iter().map(|host| scope.spawn(move || work(host))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a host's thread broke")))
    })
}

/// Root's own key, which `pvecm create` and `pvecm add` would have made.
fn root_key(host: &Host) -> anyhow::Result<()> {
    let folder = host.own("root/.ssh");
    fs::create_dir_all(&folder).context("root's folder")?;
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).context("root's folder")?;
    let path = folder.join("id_rsa").display().to_string();
    let comment = format!("root@{}", host.name);
    let line = ["--pdeathsig", "KILL", "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", ""];
    tool::run("setpriv", &[&line[..], &["-C", &comment, "-f", &path]].concat()).map(|_| ())
}

/// Leaves on the disks what the creation of the cluster and the joins would have left, or what SSH-only nodes tell.
fn seed(lab: &Lab) -> anyhow::Result<()> {
    let nodes = lab.nodes();
    let is_ssh_only = nodes.iter().all(|node| node.kind == Kind::Ssh);
    let Some(cluster) = lab.cluster.clone().or_else(|| is_ssh_only.then(|| "lab".to_owned())) else { return Ok(()) };
    let members: Vec<_> =
        nodes.iter().map(|node| json!({ "name": node.name, "links": node.links, "disk": node.folder() })).collect();
    let wish = json!({
        "cluster": cluster,
        "answers_only": is_ssh_only,
        "priorities": lab.priorities,
        "real_time": nodes.len() <= REAL_TIME_LIMIT,
        "nodes": members,
    });
    let path = file("seed.json");
    fs::write(&path, serde_json::to_vec(&wish)?).context("seed")?;
    tool::run(&file("standin").display().to_string(), &["seed", &path.display().to_string()]).map(|_| ())
}

/// A node is ready when SSH answers and its `/etc/pve` is there; as a member when it sees all the others and may write.
fn wait(lab: &Lab, host: &Host, end: Instant) -> anyhow::Result<()> {
    let probe = match (host.kind, &lab.cluster) {
        (Kind::Pve, None) => {
            "test -e /etc/pve/.version && test -L /root/.ssh/authorized_keys && systemctl is-active ssh".to_owned()
        }
        (Kind::Pve, Some(_)) => format!(
            "timeout 5 corosync-quorumtool -s | grep -q '^Nodes: *{}$' && grep -q '\"quorate\": 1' /etc/pve/.members && find /etc/pve -maxdepth 0 -perm -0200 -writable | grep -q .",
            lab.nodes().len()
        ),
        (Kind::Ssh, _) => "test -e /etc/pve/.version".to_owned(),
        (Kind::Qnetd, _) => "systemctl is-active corosync-qnetd".to_owned(),
    };
    loop {
        let output = access::remote(host, &probe)?;
        if output.status.success() {
            return Ok(());
        }
        if Instant::now() > end {
            let log = fs::read_to_string(host.folder().join("boot.log")).unwrap_or_default();
            bail!("{} is not ready: {} {log}", host.name, String::from_utf8_lossy(&output.stderr).trim());
        }
        std::thread::sleep(READY_PAUSE);
    }
}

/// The machine's accounts, with the lab's password for root and for the account that has `sudo`.
fn shadow(password: &str) -> anyhow::Result<String> {
    let salt = tool::random_hex(8)?;
    let script = format!("my $p = <STDIN>; chomp $p; print crypt($p, '$6${salt}$')");
    let hash = tool::feed("perl", &["-e", &script], &format!("{password}\n"))?;
    ensure!(hash.starts_with("$6$"), "crypt gave no SHA-512 hash");
    let text = fs::read_to_string("/etc/shadow").context("/etc/shadow")?;
    let others = text.lines().filter(|line| !line.starts_with("root:"));
    // No account of the machine can sign in to a node.
    let others = others.filter_map(|line| line.split(':').next()).map(|name| format!("{name}:*:19000:0:99999:7:::\n"));
    let ours = ["root", disk::USER].map(|name| format!("{name}:{hash}:19000:0:99999:7:::\n"));
    Ok(ours.into_iter().chain(others).collect())
}

/// Writes down the host keys as they are on the disks now.
pub fn write_known_hosts(lab: &Lab) -> anyhow::Result<()> {
    let mut text = String::new();
    for host in &lab.hosts {
        for kind in disk::key_types(host) {
            let path = host.own(&format!("etc/ssh/ssh_host_{kind}_key.pub"));
            let key = fs::read_to_string(path).context("host key")?;
            text.push_str(&format!("{} {key}", host.address()));
        }
    }
    fs::write(file("known_hosts"), text).context("known hosts")
}

/// The stand-ins' binary: the one beside this program.
fn standin() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe().context("own path")?;
    let beside = here.with_file_name("standin");
    ensure!(beside.exists(), "{} is missing: build the package standin", beside.display());
    Ok(beside)
}
