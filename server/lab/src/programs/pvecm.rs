//! `pvecm`: status, nodes, apiver, expected, create; the rest in its own files.

use super::pve::PERL_MS;
use super::quorumtool::{Look, members, status};
use super::{Env, args, pvecm_add, pvecm_delnode, pvecm_qdevice, ssh};
use crate::cluster::config::{ClusterConfig, NodeEntry};
use crate::cluster::corosync::AUTHKEY_FILE;
use crate::cluster::pmxcfs::DB_CONFIG;

/// Longest name of a cluster, in characters.
const CLUSTER_NAME_MAX: usize = 15;
/// Exit code of a Perl program that dies.
pub(crate) const DIED: i32 = 255;
/// Exit code when the cluster filesystem does not answer (errno ECONNREFUSED).
const REFUSED: i32 = 111;
/// Parts of `pvecm create`, in simulated milliseconds: 3.5 s together.
const AUTHKEY_MS: u64 = 700;
const WRITE_CONFIG_MS: u64 = 500;
const RESTART_MS: u64 = 1_900;
/// `pvecm updatecerts`, and how long it waits for quorum, in simulated milliseconds.
const UPDATECERTS_MS: u64 = 1_500;
const UPDATECERTS_GIVES_UP_MS: u64 = 80_000;

/// What it prints when it does not know a command.
const USAGE: &str = concat!(
    "USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n",
    "\n",
    "       pvecm qdevice remove \n",
    "       pvecm qdevice setup <address> [OPTIONS]\n",
    "\n",
    "       pvecm addnode <node> [OPTIONS]\n",
    "       pvecm apiver \n",
    "       pvecm create <clustername> [OPTIONS]\n",
    "       pvecm delnode <node>\n",
    "\n",
    "       pvecm add <hostname> [OPTIONS]\n",
    "       pvecm expected <expected>\n",
    "       pvecm keygen <filename>\n",
    "       pvecm mtunnel [<extra-args>] [OPTIONS]\n",
    "       pvecm nodes \n",
    "       pvecm status \n",
    "       pvecm updatecerts  [OPTIONS]\n",
    "\n",
    "       pvecm help [<extra-args>] [OPTIONS]",
);

pub(crate) const NO_CONFIG: &str =
    "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?";

pub(crate) async fn pvecm(env: &Env, args: &[String]) -> i32 {
    env.pause(PERL_MS).await;
    if !env.is_root() {
        return env.fail("please run as root", DIED).await;
    }
    let Some((verb, rest)) = args.split_first() else { return usage(env, "").await };
    if verb == "apiver" {
        env.print("1\n").await;
        return 0;
    }
    if let Some(code) = cluster_filesystem_down(env).await {
        return code;
    }
    match (verb.as_str(), rest.first().map(String::as_str)) {
        ("status", _) => status_command(env).await,
        ("nodes", _) => nodes_command(env).await,
        ("expected", Some(votes)) => expected(env, votes).await,
        ("create", Some(_)) => create(env, rest).await,
        ("add", Some(_)) => pvecm_add::add(env, rest).await,
        ("delnode", Some(name)) => pvecm_delnode::delnode(env, name).await,
        ("addnode", Some(_)) => pvecm_add::addnode(env, rest).await,
        ("updatecerts", _) => updatecerts(env).await,
        ("qdevice", Some("remove")) => pvecm_qdevice::remove(env).await,
        ("qdevice", Some("setup")) => pvecm_qdevice::setup(env, rest.get(1..).unwrap_or_default()).await,
        _ => usage(env, &args.join(" ")).await,
    }
}

/// What every one of the cluster's Perl programs says while pmxcfs does not run.
pub(crate) async fn cluster_filesystem_down(env: &Env) -> Option<i32> {
    if env.world(|world| world.nodes.get(&env.node).is_some_and(|node| node.pmxcfs.running)) {
        return None;
    }
    for number in 1..=3 {
        env.eprint(&format!("ipcc_send_rec[{number}] failed: Connection refused\n")).await;
    }
    Some(env.fail("Unable to load access control list: Connection refused", REFUSED).await)
}

async fn usage(env: &Env, words: &str) -> i32 {
    env.eprint(&format!("ERROR: unknown command 'pvecm {words}'\n")).await;
    env.fail(USAGE, DIED).await
}

fn config(env: &Env) -> Option<ClusterConfig> {
    env.world(|world| world.nodes.get(&env.node).and_then(|node| node.pmxcfs.config()))
}

async fn status_command(env: &Env) -> i32 {
    let Some(config) = config(env) else { return env.fail(NO_CONFIG, 2).await };
    env.print(&format!(
        "Cluster information\n-------------------\nName:             {}\nConfig Version:   {}\nTransport:        knet\nSecure auth:      on\n\n",
        config.name, config.version
    ))
    .await;
    env.operational().await;
    match env.world(|world| status(world, &env.node, Look { hex: true, addresses: true })) {
        Some((text, quorate)) => {
            env.print(&text).await;
            if quorate { 0 } else { 2 }
        }
        None => env.fail("Cannot initialize CMAP service", 1).await,
    }
}

async fn nodes_command(env: &Env) -> i32 {
    if config(env).is_none() {
        return env.fail(NO_CONFIG, 2).await;
    }
    env.operational().await;
    match env.world(|world| members(world, &env.node, Look { hex: false, addresses: false })) {
        Some(text) => {
            env.print(&format!("\n{text}")).await;
            0
        }
        None => env.fail("Cannot initialize CMAP service", 1).await,
    }
}

async fn expected(env: &Env, word: &str) -> i32 {
    let problem = match word.parse::<i64>() {
        Err(_) => Some(format!("expected: type check ('integer') failed - got '{word}'")),
        Ok(votes) if votes < 1 => Some("expected: value must have a minimum value of 1".to_owned()),
        Ok(_) => None,
    };
    if let Some(problem) = problem {
        return env
            .fail(&format!("400 Parameter verification failed.\n{problem}\npvecm expected <expected>"), DIED)
            .await;
    }
    if config(env).is_none() {
        return env.fail(NO_CONFIG, 2).await;
    }
    let votes = word.parse().unwrap_or(u32::MAX);
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm expected")));
    if !env.world(|world| world.set_expected(&env.node, votes)) {
        env.eprint("Unable to set expected votes: CS_ERR_INVALID_PARAM\n").await;
    }
    0
}

/// Makes the node's certificate and merges its keys; without quorum it waits, and then gives up.
async fn updatecerts(env: &Env) -> i32 {
    env.print("(re)generate node files\n").await;
    if !env.world(|world| world.pve_writable(&env.node)) {
        env.pause(UPDATECERTS_GIVES_UP_MS).await;
        let words = "got timeout when trying to ensure cluster certificates and base file hierarchy is set up - no quorum (yet) or hung pmxcfs?";
        return env.fail(words, DIED).await;
    }
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm updatecerts")));
    env.pause(UPDATECERTS_MS).await;
    env.print("generate new node certificate\nmerge authorized SSH keys\n").await;
    env.world(|world| world.publish_own_files(&env.node));
    0
}

async fn create(env: &Env, args: &[String]) -> i32 {
    let read = args::read(args, &["force"]);
    let name = read.words.first().cloned().unwrap_or_default();
    let problem = if !is_node_name(&name) {
        Some("clustername: invalid format - value does not look like a valid node name\n")
    } else if name.len() > CLUSTER_NAME_MAX {
        Some("clustername: value may only be 15 characters long")
    } else {
        None
    };
    if let Some(problem) = problem {
        let words = format!("400 Parameter verification failed.\n{problem}\npvecm create <clustername> [OPTIONS]");
        return env.fail(&words, DIED).await;
    }
    if config(env).is_some() {
        return env.fail("cluster config '/etc/pve/corosync.conf' already exists", DIED).await;
    }
    let mut links = read.links();
    if links.is_empty() {
        match env.world(|world| world.own_address(&env.node)) {
            Some(address) => links.insert(0, (address, None)),
            None => return lookup_failed(env).await,
        };
    }
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm create")));
    ssh::setup_root_keys(env).await;
    if !env.world(|world| world.exists(&env.node, AUTHKEY_FILE)) {
        env.print(
            "Corosync Cluster Engine Authentication key generator.\nGathering 2048 bits for key from /dev/urandom.\n",
        )
        .await;
        env.pause(AUTHKEY_MS).await;
        env.print("Writing corosync key to /etc/corosync/authkey.\n").await;
        env.world(|world| {
            let key = world.fresh_bytes(&env.node, "authkey", 256);
            if let Some(node) = world.nodes.get_mut(&env.node) {
                node.files.put(AUTHKEY_FILE, key, 0o400);
            }
        });
    }
    write_config(env, &name, &read, links).await;
    env.print("Restart corosync and cluster filesystem\n").await;
    restart(env).await
}

/// The address of the own name could not be found.
pub(crate) async fn lookup_failed(env: &Env) -> i32 {
    let host = env.hostname();
    let words = format!(
        "hostname lookup '{host}' failed - failed to get address info for: {host}: No address associated with hostname"
    );
    env.fail(&words, 11).await
}

type Links = std::collections::BTreeMap<u8, (String, Option<u32>)>;

async fn write_config(env: &Env, name: &str, read: &args::Args, links: Links) {
    env.print("Writing corosync config to /etc/pve/corosync.conf\n").await;
    env.pause(WRITE_CONFIG_MS).await;
    env.world(|world| {
        let Some(node) = world.nodes.get(&env.node) else { return };
        let hostname = node.hostname.clone();
        let coefficient = read.options.get("token-coefficient").and_then(|word| word.parse().ok());
        let config = ClusterConfig {
            name: name.to_owned(),
            version: 1,
            nodes: vec![NodeEntry {
                name: hostname,
                id: read.options.get("nodeid").and_then(|word| word.parse().ok()).unwrap_or(1),
                votes: read.options.get("votes").and_then(|word| word.parse().ok()).unwrap_or(1),
                rings: links.iter().map(|(link, (address, _))| (*link, address.clone())).collect(),
            }],
            interfaces: links.iter().map(|(link, (_, priority))| (*link, *priority)).collect(),
            token_coefficient: node.release.writes_token_coefficient().then_some(coefficient.unwrap_or(125)),
            device: None,
        };
        world.publish_own_files(&env.node);
        world.pve_write(&env.node, DB_CONFIG, Some(config.render().into_bytes()));
    });
}

async fn restart(env: &Env) -> i32 {
    env.world(|world| world.stop_pmxcfs(&env.node));
    env.pause(RESTART_MS).await;
    let started = env.world(|world| {
        let up = world.start_pmxcfs(&env.node);
        world.start_corosync(&env.node);
        up
    });
    if started {
        return 0;
    }
    env.fail("command 'systemctl restart corosync pve-cluster' failed: exit code 1", DIED).await
}

fn is_node_name(name: &str) -> bool {
    let inner = |char: char| char.is_ascii_alphanumeric() || char == '-';
    name.chars().all(inner)
        && name.chars().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.chars().last().is_some_and(|last| last.is_ascii_alphanumeric())
}
