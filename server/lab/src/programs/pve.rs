//! Versions, packages and the clock service.

use super::{Env, args};
use crate::node::time::{Chrony, is_zone};

/// What starting Perl with all its modules costs, in simulated milliseconds.
pub(crate) const PERL_MS: u64 = 280;
const PVEVERSION_MS: u64 = 770;
/// Process id of a program that was started by hand.
pub(crate) const PROCESS_ID: u32 = 1314;

/// Microseconds since 1970 as text in UTC.
pub(crate) fn civil(us: i64, format: &str) -> String {
    jiff::Timestamp::from_microsecond(us).map(|time| time.strftime(format).to_string()).unwrap_or_default()
}

pub(crate) async fn pveversion(env: &Env, args: &[String]) -> i32 {
    env.pause(PVEVERSION_MS).await;
    let release = env.world(|world| world.nodes.get(&env.node).map(|node| node.release));
    let Some(release) = release else { return 1 };
    let Some((version, commit)) = release.manager() else { return 1 };
    let kernel = release.kernel();
    match args.first().map(String::as_str) {
        None => env.print(&format!("pve-manager/{version}/{commit} (running kernel: {kernel})\n")).await,
        Some("-v" | "--verbose") => {
            for (package, version) in release.packages() {
                let extra = match *package {
                    "proxmox-ve" => format!(" (running kernel: {kernel})"),
                    "pve-manager" => format!(" (running version: {version}/{commit})"),
                    _ => String::new(),
                };
                env.print(&format!("{package}: {version}{extra}\n")).await;
            }
        }
        Some(other) => return env.fail(&format!("Unknown option: {}", other.trim_start_matches('-')), 255).await,
    }
    0
}

/// `dpkg-query -W -f FORMAT PACKAGE...` with the three fields of the contract.
pub(crate) async fn dpkg_query(env: &Env, args: &[String]) -> i32 {
    env.pause(10).await;
    let read = args::read(args, &["W", "show"]);
    let format = read.options.get("f").cloned().unwrap_or_else(|| "${Package}\\t${Version}\\n".to_owned());
    let release = env.world(|world| world.nodes.get(&env.node).map(|node| node.release));
    let without_chrony =
        env.world(|world| world.nodes.get(&env.node).is_some_and(|node| node.time.chrony == Chrony::Absent));
    let mut known = release.map(installed).unwrap_or_default();
    let absent = env.world(|world| world.nodes.get(&env.node).map(|node| node.faults.absent.clone()));
    let absent = absent.unwrap_or_default();
    known.retain(|(name, _)| !absent.contains(name) && (!without_chrony || name != "chrony"));
    let mut code = 0;
    for wanted in &read.words {
        let found: Vec<&(String, String)> = known.iter().filter(|one| fits(&one.0, wanted)).collect();
        if found.is_empty() {
            code = env.fail(&format!("dpkg-query: no packages found matching {wanted}"), 1).await;
        }
        for (name, version) in found {
            let line = format
                .replace("${Package}", name)
                .replace("${Version}", version)
                .replace("${db:Status-Status}", "installed")
                .replace("\\n", "\n")
                .replace("\\t", "\t");
            env.print(&line).await;
        }
    }
    code
}

/// The packages of the release and its kernel's.
fn installed(release: crate::node::release::Release) -> Vec<(String, String)> {
    let kernel = release.kernel();
    let version = kernel.trim_end_matches("-pve").to_owned();
    let kernel = release.manager().map(|_| (format!("proxmox-kernel-{kernel}-signed"), version));
    release.packages().iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).chain(kernel).collect()
}

/// dpkg's patterns, as far as a star goes.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

pub(crate) async fn timedatectl(env: &Env, args: &[String]) -> i32 {
    env.pause(60).await;
    match args {
        [verb] if verb == "show" => {}
        [verb, zone] if verb == "set-timezone" => return set_time_zone(env, zone).await,
        _ => return env.fail("Unknown command verb.", 1).await,
    }
    let (now, synchronised, zone) = env.world(|world| {
        let offset = world.nodes.get(&env.node).map_or(0, |node| node.clock_offset_ms);
        let zone = world.nodes.get(&env.node).map(|node| node.time.zone.clone()).unwrap_or_default();
        (world.wall_us(&env.node), offset == 0, zone)
    });
    let yes = if synchronised { "yes" } else { "no" };
    let time = civil(now, "%a %Y-%m-%d %H:%M:%S UTC");
    env.print(&format!("Timezone={zone}\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized={yes}\nTimeUSec={time}\n"))
        .await;
    0
}

async fn set_time_zone(env: &Env, zone: &str) -> i32 {
    if !env.is_root() {
        return env.fail("Failed to set time zone: Interactive authentication required.", 1).await;
    }
    if !is_zone(zone) {
        return env.fail(&format!("Failed to set time zone: Invalid or not installed time zone '{zone}'"), 1).await;
    }
    env.world(|world| {
        if let Some(node) = world.nodes.get_mut(&env.node) {
            zone.clone_into(&mut node.time.zone);
        }
    });
    0
}
