//! `ssh` and `ssh-keygen` between the simulated nodes: keys decide, as with the real ones.

use std::net::IpAddr;

use super::{Env, run};
use crate::cluster::links::wire;
use crate::node::Power;
use crate::node::keys::{HOST_RSA_KEY, fingerprint_and_art, rsa_public, type_and_blob};
use crate::world::World;

const ID_RSA: &str = "/root/.ssh/id_rsa";
const ID_RSA_PUB: &str = "/root/.ssh/id_rsa.pub";
const AUTHORIZED_KEYS: &str = "/root/.ssh/authorized_keys";
/// Where the cluster keeps root's authorised keys.
const SHARED_KEYS: &str = "/etc/pve/priv/authorized_keys";
/// Making an RSA key of 4096 bits, in simulated milliseconds.
const KEYGEN_MS: u64 = 1_800;
const CONNECT_MS: u64 = 180;
/// What an address that nobody has costs `ssh-copy-id`, in simulated milliseconds.
const NO_ROUTE_MS: u64 = 6_000;
/// How long `ssh-keyscan` waits unless it is told otherwise, in seconds.
const SCAN_PATIENCE_S: u64 = 5;
/// Exit code of `ssh` for its own errors.
const SSH_FAILED: i32 = 255;

/// Why a login did not work, in ssh's words.
pub(crate) struct Refusal(pub(crate) String);

struct Target<'a> {
    address: &'a str,
    /// Name under which the host key is looked up.
    known_as: &'a str,
    known_hosts: &'a [&'a str],
}

/// Logs in as root with the node's RSA key. The result is the lab's name of the other host.
pub(crate) async fn root_login(env: &Env, address: &str) -> Result<String, Refusal> {
    let target =
        Target { address, known_as: address, known_hosts: &["/root/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"] };
    login(env, &target).await
}

async fn login(env: &Env, target: &Target<'_>) -> Result<String, Refusal> {
    env.pause(CONNECT_MS).await;
    let Some(other) = env.world(|world| host_at(world, &env.node, target.address)) else {
        env.pause(NO_ROUTE_MS).await;
        return Err(Refusal(format!("ssh: connect to host {} port 22: No route to host", target.address)));
    };
    env.world(|world| {
        if !knows_host(world, &env.node, &other, target) {
            return Err(Refusal("Host key verification failed.".to_owned()));
        }
        if !authorized(world, &env.node, &other) {
            return Err(Refusal(format!("root@{}: Permission denied (publickey,password).", target.address)));
        }
        Ok(())
    })?;
    Ok(other)
}

/// The node whose sshd another one reaches at this address, or by the name that the lab gave it.
pub(crate) fn listens_at(world: &World, from: &str, address: &str) -> Option<String> {
    let by_name = world.nodes.get(address).filter(|other| other.power == Power::On).map(|other| other.name.clone());
    let found = by_name.or_else(|| host_at(world, from, address))?;
    world.nodes.get(&found).filter(|other| !other.faults.no_sshd).map(|other| other.name.clone())
}

/// The living host with this address, when a wire leads there. Names are looked up in `/etc/hosts`.
fn host_at(world: &World, from: &str, address: &str) -> Option<String> {
    let node = world.nodes.get(from)?;
    let address: IpAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => {
            let hosts = node.files.read("/etc/hosts").ok()?;
            crate::node::net::lookup(&hosts, address).first()?.0
        }
    };
    world
        .nodes
        .values()
        .find(|other| {
            let same = other.name == from && other.nics.iter().any(|nic| nic.address == address);
            let wired = wire(other, address).is_some_and(|at| node.nics.iter().any(|nic| nic.up && nic.network == at));
            other.power == Power::On && (same || wired)
        })
        .map(|other| other.name.clone())
}

/// `ssh-keyscan -T SECONDS -t KIND ADDRESS`: one line on standard output, the greeting as a remark on standard error.
pub(crate) async fn ssh_keyscan(env: &Env, args: &[String]) -> i32 {
    let read = super::args::read(args, &[]);
    let (Some(kind), Some(address)) = (read.options.get("t"), args.last()) else {
        return env.fail("usage: ssh-keyscan [-46cDHqv] [-f file] [-O option] [-p port] [-T timeout]", 1).await;
    };
    env.pause(CONNECT_MS).await;
    let Some(other) = env.world(|world| host_at(world, &env.node, address)) else {
        let patience_s: u64 = read.options.get("T").and_then(|text| text.parse().ok()).unwrap_or(SCAN_PATIENCE_S);
        env.pause(patience_s * 1_000).await;
        return 1;
    };
    let keys = env.world(|world| world.nodes.get(&other).map(|node| node.keys.public_lines())).unwrap_or_default();
    env.eprint(&format!("# {address}:22 SSH-2.0-OpenSSH_10.0p2 Debian-7\n")).await;
    if let Some((_, line)) = keys.iter().find(|(known, _)| known == kind)
        && let Some((algorithm, blob)) = type_and_blob(line)
    {
        env.print(&format!("{address} {algorithm} {blob}\n")).await;
    }
    0
}

fn knows_host(world: &World, from: &str, other: &str, target: &Target<'_>) -> bool {
    let Some(host) = world.nodes.get(other) else { return false };
    let offered: Vec<(String, String)> =
        host.keys.public_lines().iter().filter_map(|(_, line)| type_and_blob(line)).collect();
    let mut good = false;
    for file in target.known_hosts {
        let content = world.read(from, file).unwrap_or_default();
        for line in String::from_utf8_lossy(&content).lines() {
            let Some((names, _)) = line.split_once(' ') else { continue };
            if !names.split(',').any(|name| name.trim_matches(['[', ']']) == target.known_as) {
                continue;
            }
            let Some((kind, blob)) = type_and_blob(line) else { continue };
            match offered.iter().find(|(offered, _)| *offered == kind) {
                Some((_, real)) if *real == blob => good = true,
                // Another key under that name: ssh refuses rather than tries the next.
                Some(_) => return false,
                None => {}
            }
        }
    }
    good
}

fn authorized(world: &World, from: &str, other: &str) -> bool {
    let key = world.read(from, ID_RSA_PUB).unwrap_or_default();
    let Some(key) = type_and_blob(&String::from_utf8_lossy(&key)) else { return false };
    world.authorizes(other, &key)
}

impl World {
    /// Whether root's key files of a node have this key (type and base64 blob). Debian's sshd reads two files.
    pub(crate) fn authorizes(&self, name: &str, key: &(String, String)) -> bool {
        [AUTHORIZED_KEYS, "/root/.ssh/authorized_keys2"].iter().any(|file| {
            let content = self.read(name, file).unwrap_or_default();
            String::from_utf8_lossy(&content).lines().any(|line| type_and_blob(line).as_ref() == Some(key))
        })
    }

    /// What `pvecm updatecerts` does for SSH: the node's host key and root's key go into the cluster's files.
    pub(crate) fn publish_own_files(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name) else { return };
        let host = node.hostname.clone();
        let key = type_and_blob(&node.keys.rsa_public).map(|(kind, blob)| format!("{host} {kind} {blob}\n"));
        let own = self.read(name, ID_RSA_PUB).unwrap_or_default();
        let mut shared = self.read(name, SHARED_KEYS).unwrap_or_default();
        let own_key = type_and_blob(&String::from_utf8_lossy(&own));
        let there =
            String::from_utf8_lossy(&shared).lines().any(|line| own_key.is_some() && type_and_blob(line) == own_key);
        if !there {
            shared.extend_from_slice(&own);
        }
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{host}\n-----END CERTIFICATE-----\n");
        let files = [
            (format!("nodes/{host}/ssh_known_hosts"), key.unwrap_or_default().into_bytes()),
            (format!("nodes/{host}/pve-ssl.pem"), certificate.into_bytes()),
            (format!("nodes/{host}/qemu-server/"), Vec::new()),
            (format!("nodes/{host}/lxc/"), Vec::new()),
            ("priv/authorized_keys".to_owned(), shared),
        ];
        for (path, content) in files {
            self.pve_write(name, &path, Some(content));
        }
    }
}

/// Makes root's RSA key if it is missing, and turns `authorized_keys` into a link into `/etc/pve`.
pub(crate) async fn setup_root_keys(env: &Env) {
    if !env.world(|world| world.exists(&env.node, ID_RSA)) {
        env.print("Generating public/private rsa key pair.\n").await;
        env.pause(KEYGEN_MS).await;
        let line = make_root_key(env, ID_RSA);
        if let Some((print, art)) = fingerprint_and_art(&line) {
            env.print(&format!(
                "Your identification has been saved in {ID_RSA}\nYour public key has been saved in {ID_RSA_PUB}\n"
            ))
            .await;
            let host = env.hostname();
            env.print(&format!(
                "The key fingerprint is:\n{print} root@{host}\nThe key's randomart image is:\n{}\n",
                art.trim_end()
            ))
            .await;
        }
    }
    env.world(|world| {
        let linked = world.nodes.get(&env.node).is_some_and(|node| node.files.is_link(AUTHORIZED_KEYS));
        let mut keys = world.read(&env.node, SHARED_KEYS).unwrap_or_default();
        if !linked {
            keys.extend(world.read(&env.node, AUTHORIZED_KEYS).unwrap_or_default());
        }
        let own = world.read(&env.node, ID_RSA_PUB).unwrap_or_default();
        if !keys.windows(own.len().max(1)).any(|part| part == own) {
            keys.extend_from_slice(&own);
        }
        if world.write(&env.node, SHARED_KEYS, &keys, 0o600).is_ok()
            && let Some(node) = world.nodes.get_mut(&env.node)
        {
            node.files.link(AUTHORIZED_KEYS, SHARED_KEYS);
        }
    });
}

fn make_root_key(env: &Env, path: &str) -> String {
    env.world(|world| {
        let host = world.nodes.get(&env.node).map(|node| node.hostname.clone()).unwrap_or_default();
        let line = rsa_public(&format!("root@{host}"), &mut world.fresh_rng(&env.node, path));
        if let Some(node) = world.nodes.get_mut(&env.node) {
            node.files.put(path, "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", 0o600);
            node.files.put(&format!("{path}.pub"), format!("{line}\n"), 0o644);
            if path == HOST_RSA_KEY {
                node.keys.rsa_public.clone_from(&line);
                node.count("ssh-keygen host key");
            }
        }
        line
    })
}

pub(crate) async fn ssh_keygen(env: &Env, args: &[String]) -> i32 {
    if args.iter().any(|arg| arg == "-A") {
        env.world(|world| {
            if let Some(node) = world.nodes.get_mut(&env.node) {
                node.write_host_keys();
            }
        });
        return 0;
    }
    let read = super::args::read(args, &["q"]);
    let Some(path) = read.options.get("f").filter(|_| read.options.get("t").is_some_and(|kind| kind == "rsa")) else {
        return env.fail("ssh-keygen: unsupported arguments", 1).await;
    };
    if env.world(|world| world.exists(&env.node, path)) {
        env.print(&format!("{path} already exists.\nOverwrite (y/n)? ")).await;
        return 1;
    }
    if !env.is_root() || !super::files::has_parent(env, path) {
        return env.fail(&format!("Saving key \"{path}\" failed: No such file or directory"), 1).await;
    }
    env.pause(KEYGEN_MS).await;
    make_root_key(env, path);
    0
}

/// `ssh [-o KEY=VALUE]... [root@]ADDRESS COMMAND...`
pub(crate) async fn ssh(env: &Env, args: &[String]) -> i32 {
    let mut options = std::collections::BTreeMap::new();
    let mut rest = args.iter();
    let mut words = Vec::new();
    while let Some(arg) = rest.next() {
        if arg == "-o" && words.len() < 2 {
            let option = rest.next().and_then(|option| option.split_once('='));
            options.extend(option.map(|(key, value)| (key.to_owned(), value.to_owned())));
        } else {
            words.push(arg.clone());
        }
    }
    let Some((host, command)) = words.split_first() else {
        return env.fail("usage: ssh destination", SSH_FAILED).await;
    };
    let address = host.trim_start_matches("root@");
    let own = ("/root/.ssh/known_hosts".to_owned(), "/etc/ssh/ssh_known_hosts".to_owned());
    let user = options.get("UserKnownHostsFile").unwrap_or(&own.0);
    let global = options.get("GlobalKnownHostsFile").unwrap_or(&own.1);
    let target = Target {
        address,
        known_as: options.get("HostKeyAlias").map_or(address, String::as_str),
        known_hosts: &[user, global],
    };
    match login(env, &target).await {
        Ok(other) => {
            let remote = Env { node: other, ..env.clone() };
            match Box::pin(run(&remote, command)).await {
                Some(code) => code,
                None => {
                    let program = command.first().map_or("", String::as_str);
                    env.fail(&format!("bash: line 1: {program}: command not found"), 127).await
                }
            }
        }
        Err(Refusal(words)) => env.fail(&words, SSH_FAILED).await,
    }
}
