//! `pvecm add --use_ssh` on the joiner and `pvecm addnode` on the member.
//!
//! The exit code of `pvecm add` is 0 whatever happens: only its words count.

use std::collections::BTreeMap;

use super::pve::PERL_MS;
use super::pvecm::{DIED, lookup_failed};
use super::{Env, args, ssh};
use crate::cluster::addnode::AddNode;
use crate::cluster::corosync::{AUTHKEY_FILE, CONFIG_FILE};
use crate::cluster::pmxcfs::DATABASE_FILE;
use crate::faults::JoinPoint;

/// Exit code of a program that was killed with signal 9.
const KILLED: i32 = 128 + 9;
/// Parts of a join, in simulated milliseconds; together with the wait for quorum 8 - 12 s.
const COPY_MS: u64 = 800;
const STOP_MS: u64 = 900;
const BACKUP_MS: u64 = 400;
const START_MS: u64 = 1_300;
const QUORUM_LOOK_MS: u64 = 500;
const REGENERATE_MS: u64 = 700;
const CERTIFICATE_MS: u64 = 1_500;
const MERGE_MS: u64 = 600;
const RESTART_MS: u64 = 900;

/// A join ends early: `Died` with words on standard error, or killed by a fault.
enum End {
    Died(String),
    Killed,
}

impl End {
    fn died(words: impl Into<String>) -> Self {
        Self::Died(words.into())
    }
}

pub(crate) async fn add(env: &Env, args: &[String]) -> i32 {
    let read = args::read(args, &["use_ssh", "force"]);
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm add")));
    if !read.flag("use_ssh") {
        return env.fail("EOF while reading password", 0).await;
    }
    if env.world(|world| world.nodes.get(&env.node).is_none_or(|node| own_address(node).is_none())) {
        return lookup_failed(env).await;
    }
    match join(env, &read).await {
        Ok(()) => 0,
        Err(End::Killed) => KILLED,
        Err(End::Died(words)) => env.fail(&words, 0).await,
    }
}

async fn join(env: &Env, read: &args::Args) -> Result<(), End> {
    let host = read.words.first().cloned().unwrap_or_default();
    let links: BTreeMap<u8, String> = read.links().into_iter().map(|(link, (address, _))| (link, address)).collect();
    assert_joinable(env, &links, read.flag("force")).await?;
    ssh::setup_root_keys(env).await;
    let member = ssh::root_login(env, &host).await.map_err(|_| End::died("unable to copy ssh ID: exit code 1"))?;
    die_at(env, JoinPoint::BeforeAddnode)?;
    register(env, read, &host, &member, &links).await?;
    die_at(env, JoinPoint::AfterAddnode)?;
    env.print("copy corosync auth key\n").await;
    env.pause(COPY_MS).await;
    // The member may have died meanwhile.
    ssh::root_login(env, &host)
        .await
        .map_err(|_| End::died(format!("can't copy '/etc/corosync/authkey' from cluster node '{host}'")))?;
    let copied = env.world(|world| {
        let key = world.read(&member, AUTHKEY_FILE).ok()?;
        let config = world.read(&member, "/etc/pve/corosync.conf").ok()?;
        Some((key, config))
    });
    let Some((key, config)) = copied else {
        return Err(End::died(format!("can't copy '/etc/corosync/authkey' from cluster node '{host}'")));
    };
    die_at(env, JoinPoint::AfterKeyCopied)?;
    finish(env, &key, &config).await
}

/// Replaces the local cluster filesystem by the cluster's and waits until it is quorate, for ever if need be.
async fn finish(env: &Env, key: &[u8], config: &[u8]) -> Result<(), End> {
    env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return };
        node.files.put(AUTHKEY_FILE, key, 0o400);
        node.files.put(CONFIG_FILE, config, 0o644);
    });
    die_at(env, JoinPoint::AfterFilesWritten)?;
    env.print("stopping pve-cluster service\n").await;
    env.pause(STOP_MS).await;
    env.world(|world| world.stop_pmxcfs(&env.node));
    let second = env.world(|world| world.wall_us(&env.node)) / 1_000_000;
    let backup = format!("/var/lib/pve-cluster/backup/config-{second}.sql.gz");
    env.print(&format!("backup old database to '{backup}'\n")).await;
    env.pause(BACKUP_MS).await;
    env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return };
        node.files.put(&backup, b"\x1f\x8b", 0o600);
        let _ = node.files.remove(DATABASE_FILE);
        let own = std::mem::take(&mut node.pmxcfs.db);
        node.pmxcfs.kept.insert(backup.clone(), own);
        node.pmxcfs.db_version = 0;
    });
    die_at(env, JoinPoint::AfterDatabaseMoved)?;
    env.pause(START_MS).await;
    let started = env.world(|world| world.start_corosync(&env.node));
    if !started {
        env.print("Job for corosync.service failed because the control process exited with error code.\n").await;
        return Err(End::died(
            "starting pve-cluster failed: See \"systemctl status corosync.service\" and \"journalctl -xeu corosync.service\" for details.",
        ));
    }
    if !env.world(|world| world.start_pmxcfs(&env.node)) {
        env.print("Job for pve-cluster.service failed because the control process exited with error code.\n").await;
        return Err(End::died(
            "starting pve-cluster failed: See \"systemctl status pve-cluster.service\" and \"journalctl -xeu pve-cluster.service\" for details.",
        ));
    }
    env.print("waiting for quorum...").await;
    die_at(env, JoinPoint::WaitingForQuorum)?;
    while !env.world(|world| world.pve_writable(&env.node)) {
        env.pause(QUORUM_LOOK_MS).await;
    }
    env.print("OK\n(re)generate node files\n").await;
    env.pause(REGENERATE_MS).await;
    env.print("generate new node certificate\n").await;
    env.pause(CERTIFICATE_MS).await;
    env.print("merge authorized SSH keys\n").await;
    env.world(|world| world.publish_own_files(&env.node));
    env.pause(MERGE_MS).await;
    die_at(env, JoinPoint::BeforeSuccess)?;
    env.print("generated new node certificate, restart pveproxy and pvedaemon services\n").await;
    env.pause(RESTART_MS).await;
    env.print(&format!("successfully added node '{}' to cluster.\n", env.hostname())).await;
    Ok(())
}

/// `ssh MEMBER pvecm addnode ...`, with `--force 1` as the real program passes it.
async fn register(
    env: &Env,
    read: &args::Args,
    host: &str,
    member: &str,
    links: &BTreeMap<u8, String>,
) -> Result<(), End> {
    let name = env.hostname();
    let mut command = format!("ssh {host} -o BatchMode=yes pvecm addnode {name} --force 1");
    for option in ["nodeid", "votes"] {
        if let Some(value) = read.options.get(option) {
            command.push_str(&format!(" --{option} {value}"));
        }
    }
    for (link, (address, priority)) in read.links() {
        let priority = priority.map(|priority| format!(",priority={priority}")).unwrap_or_default();
        command.push_str(&format!(" --link{link} {address}{priority}"));
    }
    let fallback = env.world(|world| world.nodes.get(&env.node).and_then(own_address));
    let mut request = AddNode {
        name,
        force: true,
        id: read.options.get("nodeid").and_then(|word| word.parse().ok()),
        votes: read.options.get("votes").and_then(|word| word.parse().ok()),
        links: links.clone(),
        fallback: None,
    };
    if links.is_empty() {
        let address = fallback.unwrap_or_default();
        env.print(&format!("No cluster network links passed explicitly, fallback to local node IP '{address}'\n"))
            .await;
        command.push_str(&format!(" --new_node_ip {address}"));
        request.fallback = Some(address);
    }
    // Two more Perl programs on the member: `pvecm apiver` and `pvecm addnode`.
    env.pause(2 * PERL_MS).await;
    let answer = env.world(|world| {
        if let Some(node) = world.nodes.get_mut(member) {
            node.count("pvecm addnode");
        }
        world.add_node(member, &request)
    });
    match answer {
        Ok(lines) => {
            for line in lines {
                env.print(&format!("{line}\n")).await;
            }
            Ok(())
        }
        Err(words) => {
            env.print(&format!("{words}\n")).await;
            Err(End::died(format!("unable to add node: command failed ({command})")))
        }
    }
}

/// The first address of the own name, loopback or not.
fn own_address(node: &crate::node::Node) -> Option<String> {
    let hosts = node.files.read("/etc/hosts").unwrap_or_default();
    let found = crate::node::net::lookup(&hosts, &node.hostname);
    let usable = found.iter().find(|(address, _)| !address.is_loopback()).or_else(|| found.first());
    usable.map(|(address, _)| address.to_string())
}

async fn assert_joinable(env: &Env, links: &BTreeMap<u8, String>, force: bool) -> Result<(), End> {
    let errors = env.world(|world| {
        let mut errors = Vec::new();
        let Some(node) = world.nodes.get(&env.node) else { return errors };
        if node.files.exists(AUTHKEY_FILE) {
            errors.push("authentication key '/etc/corosync/authkey' already exists".to_owned());
        }
        if node.pmxcfs.config().is_some() {
            errors.push("cluster config '/etc/pve/corosync.conf' already exists".to_owned());
        }
        if node.pmxcfs.db.keys().any(|path| path.ends_with(".conf") && is_guest(path)) {
            errors.push("this host already contains virtual guests".to_owned());
        }
        if node.corosync.running {
            errors.push("corosync is already running, is this node already in a cluster?!".to_owned());
        }
        let local = |address: &str| node.nics.iter().any(|nic| nic.address.to_string() == address);
        if let Some(address) = own_address(node).filter(|address| !local(address)) {
            errors.push(format!("local node address: cannot use IP '{address}', not found on local node!\n"));
        }
        for (link, address) in links.iter().filter(|(_, address)| !local(address)) {
            errors.push(format!("link{link}: cannot use IP '{address}', not found on local node!\n"));
        }
        errors
    });
    if errors.is_empty() {
        return Ok(());
    }
    let kind = if force { "warning" } else { "error" };
    let list: String = errors.iter().map(|error| format!("* {error}\n")).collect();
    env.print(&format!("detected the following {kind}(s):\n{list}")).await;
    if force { Ok(()) } else { Err(End::died("Check if node may join a cluster failed!")) }
}

fn is_guest(path: &str) -> bool {
    path.contains("/qemu-server/") || path.contains("/lxc/")
}

/// Takes the fault out and dies, when it is for this point.
fn die_at(env: &Env, point: JoinPoint) -> Result<(), End> {
    let hit = env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return false };
        let hit = node.faults.join_dies == Some(point);
        if hit {
            node.faults.join_dies = None;
        }
        hit
    });
    if hit { Err(End::Killed) } else { Ok(()) }
}

/// `pvecm addnode NAME ...` called by hand on a member.
pub(crate) async fn addnode(env: &Env, args: &[String]) -> i32 {
    let read = args::read(args, &["force"]);
    let request = AddNode {
        name: read.words.first().cloned().unwrap_or_default(),
        force: read.flag("force"),
        id: read.options.get("nodeid").and_then(|word| word.parse().ok()),
        votes: read.options.get("votes").and_then(|word| word.parse().ok()),
        links: read.links().into_iter().map(|(link, (address, _))| (link, address)).collect(),
        fallback: read.options.get("new_node_ip").cloned(),
    };
    let answer = env.world(|world| {
        if let Some(node) = world.nodes.get_mut(&env.node) {
            node.count("pvecm addnode");
        }
        world.add_node(&env.node, &request)
    });
    match answer {
        Ok(lines) => {
            for line in lines {
                env.print(&format!("{line}\n")).await;
            }
            0
        }
        Err(words) => env.fail(&words, DIED).await,
    }
}
