//! `ha-manager`, `qm` and `pct`, as far as a cluster without HA services needs them.

use std::fmt::Write as _;

use super::pvecm::{DIED, cluster_filesystem_down};
use super::{Env, pve::PERL_MS};
use crate::node::release::Release;

/// What loading the HA stack's Perl costs beyond `pvecm`'s, in simulated milliseconds (recorded 630).
const HA_MS: u64 = 350;
/// Between two tries for the cluster's lock, in simulated milliseconds; together recorded as 11 s.
const LOCK_TRY_MS: u64 = 1_100;
const LOCK_TRIES: usize = 9;
/// Exit code of a Perl program that dies with errno EACCES.
const DENIED: i32 = 13;

pub(crate) async fn ha_manager(env: &Env, args: &[String]) -> i32 {
    env.pause(PERL_MS + HA_MS).await;
    if let Some(code) = cluster_filesystem_down(env).await {
        return code;
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["status"] => status(env, false).await,
        ["status", "--verbose"] => status(env, true).await,
        ["config"] | ["rules", "config"] => 0,
        ["crm-command" | "set", ..] => change(env, words.first() == Some(&"set")).await,
        _ => env.fail(&format!("ERROR: unknown command 'ha-manager {}'", words.join(" ")), DIED).await,
    }
}

async fn status(env: &Env, verbose: bool) -> i32 {
    let host = env.hostname();
    let found = env.world(|world| {
        let node = world.nodes.get(&env.node)?;
        let alone = node.pmxcfs.config().is_none();
        Some((alone || (node.corosync.running && node.corosync.quorate), node.release))
    });
    let Some((quorate, release)) = found else { return 1 };
    let mut text = if quorate { "quorum OK\n".to_owned() } else { format!("quorum No quorum on node '{host}'!\n") };
    if release == Release::Pve92 {
        text.push_str("fencing standby (CRM watchdog standby)\n");
    }
    if verbose {
        let number = u8::from(quorate);
        let _ = write!(
            text,
            "full cluster state:\n{{\n   \"manager_status\" : {{\n      \"node_status\" : {{}}\n   }},\n   \"quorum\" : {{\n      \"node\" : \"{host}\",\n      \"quorate\" : \"{number}\"\n   }}\n}}\n"
        );
    }
    env.print(&text).await;
    0
}

/// Without quorum the lock is never got.
async fn change(env: &Env, resources: bool) -> i32 {
    if env.world(|world| world.pve_writable(&env.node)) {
        return env.fail("no such resource", DIED).await;
    }
    for _ in 0..LOCK_TRIES {
        env.eprint("trying to acquire cfs lock 'domain-ha' ...\n").await;
        env.pause(LOCK_TRY_MS).await;
    }
    let what = if resources { "update resources config failed: " } else { "" };
    env.fail(&format!("{what}cfs-lock 'domain-ha' error: no quorum!"), DENIED).await
}

/// `qm list`: nothing at all where there is no guest.
pub(crate) async fn qm(env: &Env, args: &[String]) -> i32 {
    env.pause(PERL_MS + HA_MS).await;
    if let Some(code) = cluster_filesystem_down(env).await {
        return code;
    }
    if args.first().map(String::as_str) != Some("list") {
        return env.fail(&format!("ERROR: unknown command 'qm {}'", args.join(" ")), DIED).await;
    }
    let guests = guests(env, "qemu-server");
    if guests.is_empty() {
        return 0;
    }
    let mut text = format!(
        "{:>10} {:<20} {:<10} {:<10} {:>12} {:<10}\n",
        "VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"
    );
    for (id, config) in guests {
        let value = |key: &str| {
            let line = config.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        let _ = writeln!(
            text,
            "{id:>10} {:<20} {:<10} {:<10} {:>12} {:<10}",
            value("name"),
            "stopped",
            value("memory"),
            "0.00",
            "0"
        );
    }
    env.print(&text).await;
    0
}

/// `pct list`: the simulation has no containers, and then nothing is printed.
pub(crate) async fn pct(env: &Env, args: &[String]) -> i32 {
    env.pause(PERL_MS + HA_MS).await;
    if let Some(code) = cluster_filesystem_down(env).await {
        return code;
    }
    match args.first().map(String::as_str) {
        Some("list") => 0,
        _ => env.fail(&format!("ERROR: unknown command 'pct {}'", args.join(" ")), DIED).await,
    }
}

/// Number and configuration of this node's guests of one kind, by number.
fn guests(env: &Env, kind: &str) -> Vec<(u32, String)> {
    env.world(|world| {
        let folder = format!("/etc/pve/{kind}");
        let mut found: Vec<(u32, String)> = world
            .list(&env.node, &folder)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|file| {
                let id = file.strip_suffix(".conf")?.parse().ok()?;
                let content = world.read(&env.node, &format!("{folder}/{file}")).ok()?;
                Some((id, String::from_utf8_lossy(&content).into_owned()))
            })
            .collect();
        found.sort();
        found
    })
}
