//! Root's keys and known hosts, and the node's files in `/etc/pve`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::{is_quorate, sleep_a_second};
use crate::{certificates, paths, words};

const SHARED_KEYS: &str = "/etc/pve/priv/authorized_keys";
const LOCAL_KEYS: &str = "/root/.ssh/authorized_keys";
/// How long updatecerts waits for quorum, as the real one.
const QUORUM_LIMIT: Duration = Duration::from_secs(80);

/// Makes root's RSA key when it is missing and links root's authorised keys to the shared file.
pub fn setup() -> anyhow::Result<()> {
    private_folder()?;
    if !Path::new(paths::ROOT_KEY).exists()
        && !words::succeeds("ssh-keygen", &["-t", "rsa", "-b", "4096", "-N", "", "-f", paths::ROOT_KEY])
    {
        bail!("unable to generate ssh key");
    }
    merge_authorized()
}

/// Brings the local authorised keys and root's own key into the shared file, then links the local one to it.
pub fn merge_authorized() -> anyhow::Result<()> {
    let is_link = fs::symlink_metadata(LOCAL_KEYS).is_ok_and(|meta| meta.file_type().is_symlink());
    let mut lines: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let own = if is_link { String::new() } else { fs::read_to_string(LOCAL_KEYS).unwrap_or_default() };
    let shared = fs::read_to_string(SHARED_KEYS).unwrap_or_default();
    let root = fs::read_to_string(format!("{}.pub", paths::ROOT_KEY)).unwrap_or_default();
    for line in shared.lines().chain(own.lines()).chain(root.lines()) {
        if !line.trim().is_empty() && seen.insert(line.to_owned()) {
            lines.push(line.to_owned());
        }
    }
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    if text != shared {
        fs::create_dir_all("/etc/pve/priv").context("/etc/pve/priv")?;
        let next = format!("{SHARED_KEYS}.tmp.{}", std::process::id());
        fs::write(&next, &text).with_context(|| format!("unable to open file '{next}'"))?;
        fs::rename(&next, SHARED_KEYS).context(SHARED_KEYS)?;
    }
    if !is_link && Path::new(SHARED_KEYS).exists() {
        if Path::new(LOCAL_KEYS).exists() {
            fs::rename(LOCAL_KEYS, format!("{LOCAL_KEYS}.org")).context(LOCAL_KEYS)?;
        }
        std::os::unix::fs::symlink(SHARED_KEYS, LOCAL_KEYS).context(LOCAL_KEYS)?;
    }
    Ok(())
}

/// `pvecm updatecerts [--force] [--silent]`: needs quorum and waits for it.
pub fn updatecerts(args: &[String]) -> anyhow::Result<u8> {
    let silent = args.iter().any(|arg| arg == "--silent");
    let end = Instant::now() + QUORUM_LIMIT;
    while Path::new(paths::CLUSTER_CONF).exists() && !is_quorate() {
        if Instant::now() > end {
            bail!(
                "got timeout when trying to ensure cluster certificates and base file hierarchy is set up - no quorum (yet) or hung pmxcfs?"
            );
        }
        sleep_a_second();
    }
    if !silent {
        println!("(re)generate node files");
        println!("generate new node certificate");
    }
    node_files(args.iter().any(|arg| arg == "--force"))?;
    fs::create_dir_all("/etc/pve/priv").context("/etc/pve/priv")?;
    if !Path::new(SHARED_KEYS).exists() {
        fs::write(SHARED_KEYS, "").context(SHARED_KEYS)?;
    }
    private_folder()?;
    merge_authorized()?;
    Ok(0)
}

fn private_folder() -> anyhow::Result<()> {
    fs::create_dir_all("/root/.ssh").context("/root/.ssh")?;
    fs::set_permissions("/root/.ssh", fs::Permissions::from_mode(0o700)).context("/root/.ssh")
}

/// The same after a join, with the words of the join.
pub fn updatecerts_after_join() -> anyhow::Result<()> {
    println!("(re)generate node files");
    println!("generate new node certificate");
    node_files(true)?;
    println!("merge authorized SSH keys");
    merge_authorized()
}

/// The node's folders, its certificate (anew where `renew` is set), and its host key pinned for the other members.
fn node_files(renew: bool) -> anyhow::Result<()> {
    let name = words::hostname()?;
    for folder in ["qemu-server", "lxc", "openvz", "priv"] {
        let path = format!("/etc/pve/nodes/{name}/{folder}");
        fs::create_dir_all(&path).context(path)?;
    }
    // As in the real one, where the name's own address and nothing else is in it.
    certificates::ensure_all(&name, &words::resolve(&name).into_iter().collect::<Vec<_>>(), renew)?;
    let key = fs::read_to_string("/etc/ssh/ssh_host_rsa_key.pub").context("host key")?;
    let pinned = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let path = format!("/etc/pve/nodes/{name}/ssh_known_hosts");
    let line = format!("{name} {pinned}\n");
    if fs::read_to_string(&path).unwrap_or_default() != line {
        fs::write(&path, line).context(path)?;
    }
    Ok(())
}
