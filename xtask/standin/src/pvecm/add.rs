//! `pvecm add MEMBER --use_ssh --link0 ADDRESS ...` on the joiner.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::{EXIT_FAILED, in_cluster_folder, is_quorate, keys, links, local_address, must, sleep_a_second};
use crate::{paths, systemd, words};

/// Trap kept on purpose: once the work has begun, every failure still exits with 0.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let Some(member) = args.first().filter(|word| !word.starts_with('-')).cloned() else {
        bail!("400 not enough arguments\npvecm add <hostname> [OPTIONS]")
    };
    if in_cluster_folder() {
        eprintln!("Navigate out of /etc/pve before running 'pvecm add', for example by running 'cd'.");
        return Ok(EXIT_FAILED);
    }
    if let Err(error) = join(&member, args) {
        let _ = std::io::stdout().flush();
        eprintln!("{error:#}");
    }
    Ok(0)
}

fn join(member: &str, args: &[String]) -> anyhow::Result<()> {
    let links = links::read(args)?;
    let forced = args.iter().any(|arg| arg == "--force");
    assert_joinable(&links, forced)?;
    if !args.iter().any(|arg| arg.trim_start_matches('-') == "use_ssh") {
        bail!("EOF while reading password");
    }
    keys::setup()?;
    let mut copy = Command::new("ssh-copy-id");
    copy.args(["-i", paths::ROOT_KEY, &format!("root@{member}")]);
    quiet(&mut copy).context("ssh-copy-id")?.success_or("unable to copy ssh ID")?;
    let mut remote = vec![
        member.to_owned(),
        "-o".into(),
        "BatchMode=yes".into(),
        "pvecm".into(),
        "addnode".into(),
        words::hostname()?,
        "--force".into(),
        "1".into(),
    ];
    for option in ["nodeid", "votes"] {
        if let Some(value) = words::option(args, option) {
            remote.extend([format!("--{option}"), value.to_owned()]);
        }
    }
    remote.extend(links::words_of(&links));
    if links.is_empty() {
        let fallback = local_address()?;
        println!("No cluster network links passed explicitly, fallback to local node IP '{fallback}'");
        remote.extend(["--new_node_ip".to_owned(), fallback]);
    }
    let remote: Vec<&str> = remote.iter().map(String::as_str).collect();
    // What the member says, its errors too, is part of our own output.
    let member_said = Command::new("ssh").args(&remote).stdin(Stdio::null()).output().context("ssh")?;
    for text in [&member_said.stdout, &member_said.stderr] {
        print!("{}", String::from_utf8_lossy(text));
    }
    if !member_said.status.success() {
        bail!("unable to add node: command failed (ssh {})", remote.join(" "));
    }
    println!("copy corosync auth key");
    let folder = format!("/var/lib/pve-cluster/.pvecm_add.tmp.{}", std::process::id());
    std::fs::create_dir_all(&folder).context(folder.clone())?;
    let fetched = fetch(member, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    let (authkey, conf) = fetched?;
    finish(&authkey, &conf)
}

fn fetch(member: &str, folder: &str) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let (key, conf) = (format!("root@{member}:{}", paths::AUTHKEY), format!("root@{member}:{}", paths::CLUSTER_CONF));
    if !words::succeeds("scp", &["-q", "-o", "BatchMode=yes", &key, &conf, folder]) {
        bail!("can't rsync data from host '{member}'");
    }
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).with_context(|| name.to_owned());
    Ok((read("authkey")?, read("corosync.conf")?))
}

/// The order is the real one's: from here on the node's own `/etc/pve` is gone until corosync and pmxcfs are back.
fn finish(authkey: &[u8], conf: &[u8]) -> anyhow::Result<()> {
    std::fs::write(paths::AUTHKEY, authkey).context(paths::AUTHKEY)?;
    std::fs::set_permissions(paths::AUTHKEY, std::os::unix::fs::PermissionsExt::from_mode(0o400))
        .context(paths::AUTHKEY)?;
    std::fs::write(paths::LOCAL_CONF, conf).context(paths::LOCAL_CONF)?;
    println!("stopping pve-cluster service");
    must("systemctl", &["stop", "pve-cluster"], "can't stop pve-cluster service")?;
    backup()?;
    let _ = std::fs::remove_file(paths::DATABASE);
    must("systemctl", &["start", "corosync", "pve-cluster"], "starting pve-cluster failed")?;
    let mut waited = false;
    while !is_quorate() {
        if !waited {
            print!("waiting for quorum...");
            let _ = std::io::stdout().flush();
            waited = true;
        }
        sleep_a_second();
    }
    if waited {
        println!("OK");
    }
    keys::updatecerts_after_join()?;
    println!("generated new node certificate, restart pveproxy and pvedaemon services");
    println!("successfully added node '{}' to cluster.", words::hostname()?);
    Ok(())
}

fn backup() -> anyhow::Result<()> {
    std::fs::create_dir_all(paths::BACKUPS).context(paths::BACKUPS)?;
    let target = format!("{}/config-{}.sql.gz", paths::BACKUPS, words::now_us() / 1_000_000);
    println!("backup old database to '{target}'");
    let output = Command::new("gzip").args(["-c", paths::DATABASE]).output().context("gzip")?;
    std::fs::write(&target, output.stdout).context(target)
}

fn assert_joinable(links: &std::collections::BTreeMap<u8, links::Link>, forced: bool) -> anyhow::Result<()> {
    let mut errors = Vec::new();
    for path in [paths::AUTHKEY, paths::CLUSTER_CONF] {
        if Path::new(path).exists() {
            let what = if path == paths::AUTHKEY { "authentication key" } else { "cluster config" };
            errors.push(format!("{what} '{path}' already exists"));
        }
    }
    let guests = std::fs::read_to_string("/etc/pve/.vmlist").unwrap_or_default();
    let guests: serde_json::Value = serde_json::from_str(&guests).unwrap_or_default();
    if guests["ids"].as_object().is_some_and(|ids| !ids.is_empty()) {
        errors.push("this host already contains virtual guests".to_owned());
    }
    if systemd::is_running("corosync") {
        errors.push("corosync is already running, is this node already in a cluster?!".to_owned());
    }
    let local = words::local_addresses()?;
    for (number, link) in links {
        if !local.contains(&link.address) {
            errors.push(format!("link{number}: cannot use IP '{}', not found on local node!\n", link.address));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    if forced {
        for error in errors {
            eprintln!("WARNING: {error}");
        }
        return Ok(());
    }
    println!("detected the following error(s):");
    for error in errors {
        println!("* {error}");
    }
    bail!("Check if node may join a cluster failed!")
}

struct Ended(i32);

impl Ended {
    fn success_or(&self, words: &str) -> anyhow::Result<()> {
        if self.0 == 0 { Ok(()) } else { bail!("{words}: exit code {}", self.0) }
    }
}

fn quiet(command: &mut Command) -> anyhow::Result<Ended> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(Ended(status.code().unwrap_or(1)))
}
