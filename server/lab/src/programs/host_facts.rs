//! What the prerequisites ask of a machine beside Proxmox VE's own programs: clocks, disks, firewalls, packages,
//! certificates. Everything printed follows from the world: the clock's offset, the full disk, the cards, the database.

use super::{Env, args, pve};
use crate::node::net::Nic;
use crate::node::time::Chrony;
use crate::node::{Kind, Node};

/// Process time of a small program, in simulated milliseconds.
const SMALL_MS: u64 = 3;
/// What starting Perl or reading package lists costs, in simulated milliseconds.
const LARGE_MS: u64 = 300;
/// The lab's router keeps the time too.
const TIME_SERVER: &str = "10.0.1.1";
const MS_PER_S: f64 = 1_000.0;
/// Free bytes of a disk that is not full.
const FREE_BYTES: u64 = 61_815_910_400;
/// So long a node's certificate holds after the lab was started, in days.
const CERTIFICATE_DAYS: i64 = 730;
/// So long its authority holds, in days.
const AUTHORITY_DAYS: i64 = 3_650;
const US_PER_DAY: i64 = 86_400_000_000;
/// What `openssl` ends with where a file cannot be opened, and where a signature is not right.
const NO_FILE: i32 = 1;
/// What `findmnt` ends with, without a word, where nothing is mounted.
const NOT_MOUNTED: i32 = 1;

pub(crate) async fn dispatch(env: &Env, name: &str, args: &[String]) -> Option<i32> {
    Some(match name {
        "chronyc" if has_chrony(env) => chronyc(env, args).await,
        "sysctl" => sysctl(env, args).await,
        "df" => df(env, args).await,
        "findmnt" => findmnt(env, args).await,
        // What searches in `/etc/pve` is another one.
        "grep" if args.first().is_none_or(|flag| flag != "-r" && flag != "-c") => grep(env, args).await,
        "sshd" => sshd(env, args).await,
        "nft" => nft(env, args).await,
        "apt-get" => super::apt::apt_get(env, args).await,
        "apt-cache" => super::apt::apt_cache(env, args).await,
        "openssl" => openssl(env, args).await,
        "sqlite3" => sqlite3(env, args).await,
        "pwd" => {
            let home = if env.is_root() { "/root".to_owned() } else { format!("/home/{}", env.user) };
            env.print(&format!("{home}\n")).await;
            0
        }
        "pve-firewall" | "pvesubscription" if is_pve(env) => pve_program(env, name, args).await,
        _ => return None,
    })
}

fn of_node<R>(env: &Env, read: impl FnOnce(&Node) -> R) -> Option<R> {
    env.world(|world| world.nodes.get(&env.node).map(read))
}

fn is_pve(env: &Env) -> bool {
    of_node(env, Node::is_pve).unwrap_or(false)
}

fn has_chrony(env: &Env) -> bool {
    of_node(env, |node| node.time.chrony != Chrony::Absent).unwrap_or(false)
}

async fn chronyc(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    if of_node(env, |node| node.time.chrony) != Some(Chrony::Runs) {
        return env.fail("506 Cannot talk to daemon", 1).await;
    }
    let offset = of_node(env, |node| node.clock_offset_ms).unwrap_or(0);
    let seconds = f64::from(i32::try_from(offset).unwrap_or(i32::MAX)) / MS_PER_S;
    match args.last().map(String::as_str) {
        Some("tracking") if offset == 0 => {
            env.print(&format!(
                "0A000101,{TIME_SERVER},2,1795336910.1,0.000012,0.00001,0.00003,1.2,0.0,0.03,0.002,0.001,64.2,Normal\n"
            ))
            .await;
        }
        Some("tracking") => {
            env.print(&format!("0A000101,{TIME_SERVER},2,1795336910.1,{seconds:.9},0.00001,0.00003,1.2,0.0,0.03,0.002,0.001,64.2,Not synchronised\n")).await;
        }
        Some("sources") => {
            let state = if offset == 0 { '*' } else { '?' };
            env.print(&format!("^,{state},{TIME_SERVER},1,6,377,22,0.000013,0.000012,0.000200\n")).await;
        }
        Some("makestep") if env.is_root() => {
            env.world(|world| {
                if let Some(node) = world.nodes.get_mut(&env.node) {
                    node.clock_offset_ms = 0;
                }
            });
            env.print("200 OK\n").await;
        }
        Some("makestep") => return env.fail("501 Not authorised", 1).await,
        _ => return env.fail("Unrecognized command", 1).await,
    }
    0
}

/// Of the settings only those that the lab's kernel has: nothing tracks connections here.
async fn sysctl(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let mut code = 0;
    for name in args.iter().filter(|arg| !arg.starts_with('-')) {
        match name.as_str() {
            "net.ipv4.conf.all.rp_filter" => env.print("net.ipv4.conf.all.rp_filter = 2\n").await,
            other => {
                let path = other.replace('.', "/");
                let words = format!("sysctl: cannot stat /proc/sys/{path}: No such file or directory");
                code = env.fail(&words, 255).await;
            }
        }
    }
    code
}

async fn df(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let full = of_node(env, |node| node.files.full).unwrap_or(false);
    let free = if full { 0 } else { FREE_BYTES };
    env.print("Mounted on       Avail IUse%\n").await;
    for _ in args.iter().filter(|arg| arg.starts_with('/')) {
        env.print(&format!("/          {free:>11}    3%\n")).await;
    }
    0
}

/// Of what is mounted only `/etc/pve` is simulated: there while pmxcfs runs, also without a cluster.
async fn findmnt(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let served = of_node(env, |node| node.pmxcfs.running).unwrap_or(false);
    if !served || args.last().is_none_or(|folder| folder != "/etc/pve") {
        return NOT_MOUNTED;
    }
    env.print(
        "/etc/pve /dev/fuse fuse rw,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,allow_other\n",
    )
    .await;
    0
}

/// `grep -sH '' FILE...` on the cards' files in `/sys/class/net`.
async fn grep(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let nics = of_node(env, |node| node.nics.clone()).unwrap_or_default();
    let (mut printed, mut missing) = (false, false);
    for path in args.iter().filter(|arg| arg.starts_with('/')) {
        match card_file(&nics, path) {
            Some(value) => {
                printed = true;
                env.print(&format!("{path}:{value}\n")).await;
            }
            None => missing = true,
        }
    }
    match (missing, printed) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    }
}

/// A card that is down has no speed, and a bridge that of its fastest port.
fn card_file(nics: &[Nic], path: &str) -> Option<&'static str> {
    let (name, part) = path.strip_prefix("/sys/class/net/")?.split_once('/')?;
    let nic = nics.iter().find(|nic| nic.port == name || nic.bridge.as_deref() == Some(name))?;
    match part {
        "speed" => nic.up.then_some("10000"),
        "duplex" => Some(if nic.up { "full" } else { "unknown" }),
        _ => None,
    }
}

async fn sshd(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    if args.first().map(String::as_str) != Some("-T") {
        return env.fail("sshd: no such option", 1).await;
    }
    if !env.is_root() {
        return env.fail("sshd: no hostkeys available -- exiting.", 1).await;
    }
    env.print("port 22\npermitrootlogin yes\nauthorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\n").await;
    0
}

async fn nft(env: &Env, _: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let blocked = of_node(env, |node| node.faults.block_udp).unwrap_or(false);
    let chain = if blocked {
        ", {\"chain\": {\"family\": \"inet\", \"table\": \"filter\", \"name\": \"input\", \"handle\": 1, \"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, \"policy\": \"drop\"}}, {\"rule\": {\"family\": \"inet\", \"table\": \"filter\", \"chain\": \"input\", \"handle\": 2, \"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"l4proto\"}}, \"right\": \"tcp\"}}, {\"accept\": null}]}}"
    } else {
        ""
    };
    env.print(&format!(
        "{{\"nftables\": [{{\"metainfo\": {{\"version\": \"1.1.3\", \"release_name\": \"Commodore Bullmoose #4\", \"json_schema_version\": 1}}}}{chain}]}}\n"
    ))
    .await;
    0
}

/// The node's certificate and its authority, while `/etc/pve` is there.
async fn openssl(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    let there = of_node(env, |node| node.kind == Kind::Pve && node.pmxcfs.running).unwrap_or(false);
    let file = args.iter().rfind(|arg| arg.starts_with("/etc/pve/")).cloned().unwrap_or_default();
    if !there {
        return env
            .fail(
                &format!("Could not open file or uri for loading certificate from {file}: No such file or directory"),
                NO_FILE,
            )
            .await;
    }
    if args.first().map(String::as_str) == Some("verify") {
        env.print(&format!("{file}: OK\n")).await;
        return 0;
    }
    let authority = file.ends_with("pve-root-ca.pem");
    let days = if authority { AUTHORITY_DAYS } else { CERTIFICATE_DAYS };
    let end = env.world(|world| world.started_us()).saturating_add(days.saturating_mul(US_PER_DAY));
    env.print(&format!("notAfter={}\n", pve::civil(end, "%b %e %H:%M:%S %Y GMT"))).await;
    if !authority && args.iter().any(|arg| arg == "subjectAltName") {
        let host = env.hostname();
        let address = of_node(env, |node| node.nics.first().map(|nic| nic.address.to_string())).flatten();
        let address = address.unwrap_or_default();
        env.print(&format!(
            "X509v3 Subject Alternative Name: \n    IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:localhost, IP Address:{address}, DNS:{host}, DNS:{host}.lab.local\n"
        ))
        .await;
    }
    0
}

/// Soundness, number and size of the entries of pmxcfs' database.
async fn sqlite3(env: &Env, args: &[String]) -> i32 {
    env.pause(SMALL_MS).await;
    if !args.iter().any(|arg| arg == "/var/lib/pve-cluster/config.db") || !is_pve(env) {
        return env.fail("Error: unable to open database: unable to open database file", 1).await;
    }
    let counted = of_node(env, |node| {
        let bytes: usize = node.pmxcfs.db.values().map(Vec::len).sum();
        (node.pmxcfs.db.len(), bytes)
    });
    let (entries, bytes) = counted.unwrap_or_default();
    env.print(&format!("ok\n{entries}|{bytes}\n")).await;
    0
}

async fn pve_program(env: &Env, name: &str, args: &[String]) -> i32 {
    env.pause(LARGE_MS).await;
    match (name, args::read(args, &[]).words.first().map(String::as_str)) {
        ("pve-firewall", Some("status")) => {
            let enabled = of_node(env, Node::has_firewall).unwrap_or(false);
            env.print(if enabled { "Status: enabled/running\n" } else { "Status: disabled/running\n" }).await;
        }
        ("pvesubscription", Some("get")) => {
            env.print("message: There is no subscription key\nstatus: notfound\nurl: https://www.proxmox.com/\n").await;
        }
        _ => return env.fail(&format!("ERROR: unknown command '{name}'"), 255).await,
    }
    0
}
