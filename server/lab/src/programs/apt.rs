//! `apt-get` and `apt-cache`: where packages come from, what could be upgraded, and installing one package.

use super::Env;
use crate::node::time::Chrony;

/// Reading the package lists, in simulated milliseconds.
const LARGE_MS: u64 = 300;
/// Exit code of `apt-get` for every failure.
const FAILED: i32 = 100;
/// How often it looks whether dpkg's lock is free, in simulated milliseconds.
const LOCK_LOOK_MS: u64 = 1_000;

pub(crate) async fn apt_get(env: &Env, args: &[String]) -> i32 {
    env.pause(LARGE_MS).await;
    let Some(release) = env.world(|world| world.nodes.get(&env.node).map(|node| node.release)) else { return 100 };
    if args.first().map(String::as_str) == Some("indextargets") {
        let suite = release.suite();
        env.print(&format!("http://deb.debian.org/debian/ {suite} main\n")).await;
        if release.manager().is_some() {
            env.print(&format!("http://download.proxmox.com/debian/pve/ {suite} pve-no-subscription\n")).await;
        }
        return 0;
    }
    if let [.., verb, package] = args
        && verb == "install"
    {
        if let Some(code) = cannot_install(env, args).await {
            return code;
        }
        return if package == "chrony" { install_chrony(env).await } else { install(env, package).await };
    }
    env.fail("E: Invalid operation", FAILED).await
}

/// `apt-cache policy PATTERN... PACKAGE`: no package has a newer version here, so patterns of those find nothing.
pub(crate) async fn apt_cache(env: &Env, args: &[String]) -> i32 {
    env.pause(LARGE_MS).await;
    let Some(release) = env.world(|world| world.nodes.get(&env.node).map(|node| node.release)) else { return FAILED };
    let Some((_, names)) = args.split_first().filter(|(verb, _)| *verb == "policy") else {
        return env.fail("E: Invalid operation", FAILED).await;
    };
    for name in names.iter().filter(|name| !name.starts_with('?')) {
        let version = if name == "apt" { Some(release.apt()) } else { release.version_of(name) };
        let Some(version) = version else { continue };
        let suite = release.suite();
        env.print(&format!(
            "{name}:\n  Installed: {version}\n  Candidate: {version}\n  Version table:\n *** {version} 500\n        500 http://deb.debian.org/debian {suite}/main amd64 Packages\n        100 /var/lib/dpkg/status\n"
        ))
        .await;
    }
    0
}

/// Debian starts a service when its package is installed, and has one time service at a time.
async fn install_chrony(env: &Env) -> i32 {
    env.print("Reading package lists...\nBuilding dependency tree...\n").await;
    env.pause(LARGE_MS).await;
    let fresh = env.world(|world| {
        let node = world.nodes.get_mut(&env.node)?;
        node.count("apt-get install");
        let absent = node.time.chrony == Chrony::Absent;
        if absent {
            node.time.chrony = Chrony::Runs;
        }
        world.changed();
        Some(absent)
    });
    let words = match fresh {
        Some(true) => {
            "The following packages will be REMOVED:\n  systemd-timesyncd\nThe following NEW packages will be installed:\n  chrony\nSetting up chrony (4.6.1-3) ...\n"
        }
        _ => {
            "chrony is already the newest version (4.6.1-3).\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"
        }
    };
    env.print(words).await;
    0
}

/// Why nothing is installed: no rights, no space, a lock that is not let go in time, or sources that do not answer.
async fn cannot_install(env: &Env, args: &[String]) -> Option<i32> {
    if !env.is_root() {
        let words = "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)";
        return Some(env.fail(words, FAILED).await);
    }
    let state = || {
        env.world(|world| {
            let node = world.nodes.get(&env.node);
            node.map(|node| (node.files.full, node.faults.packages_locked, node.faults.no_repository))
        })
    };
    let wait = args.iter().find_map(|arg| arg.strip_prefix("DPkg::Lock::Timeout=")?.parse::<u64>().ok());
    let looks = wait.unwrap_or(0).saturating_mul(1_000) / LOCK_LOOK_MS;
    for look in 0..=looks {
        let locked = state().is_some_and(|(_, locked, _)| locked);
        if !locked {
            break;
        }
        if look == looks {
            let words = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt-get)\nN: Be aware that removing the lock file is not a solution and may break your system.\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?";
            return Some(env.fail(words, FAILED).await);
        }
        env.pause(LOCK_LOOK_MS).await;
    }
    let (full, _, away) = state()?;
    if full {
        return Some(env.fail("E: You don't have enough free space in /var/cache/apt/archives/.", FAILED).await);
    }
    if away {
        let words = "E: Failed to fetch http://deb.debian.org/debian/pool/main/c/corosync-qdevice/  Temporary failure resolving 'deb.debian.org'\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?";
        return Some(env.fail(words, FAILED).await);
    }
    None
}

/// Any package of the release, once.
async fn install(env: &Env, package: &str) -> i32 {
    let known = env.world(|world| {
        let node = world.nodes.get(&env.node)?;
        node.release.version_of(package)
    });
    let Some(version) = known else {
        return env.fail(&format!("E: Unable to locate package {package}"), FAILED).await;
    };
    env.print("Reading package lists...\nBuilding dependency tree...\n").await;
    env.pause(LARGE_MS).await;
    let fresh = env.world(|world| {
        let node = world.nodes.get_mut(&env.node)?;
        node.count("apt-get install");
        let absent = node.faults.absent.contains(package);
        node.set_package(package, true);
        world.qnetd_changed();
        Some(absent)
    });
    let words = if fresh == Some(true) {
        format!("The following NEW packages will be installed:\n  {package}\nSetting up {package} ({version}) ...\n")
    } else {
        format!("{package} is already the newest version ({version}).\n")
    };
    env.print(&words).await;
    0
}
