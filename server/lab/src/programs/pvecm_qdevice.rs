//! `pvecm qdevice setup`: one vote more, from a host outside the cluster.

use std::net::IpAddr;

use super::pvecm::{DIED, NO_CONFIG};
use super::{Env, args, ssh};
use crate::cluster::config::DeviceEntry;
use crate::cluster::membership::Event;
use crate::cluster::pmxcfs::DB_CONFIG;
use crate::faults::QdevicePoint;
use crate::node::Kind;

/// Steps of the set-up, in simulated milliseconds; together about 8 s.
const STEP_MS: u64 = 550;
/// Ended by `SIGKILL`, as a shell says it.
const KILLED: i32 = 137;
/// A node's certificates for the QDevice's host.
const STORE: &str = "/etc/corosync/qdevice/net/nssdb";
/// From the daemon's start to its first vote.
const FIRST_POLL_MS: u64 = 900;

const COPY_ID_START: &str = "/bin/ssh-copy-id: INFO: Source of key(s) to be installed: \"/root/.ssh/id_rsa.pub\"\n/bin/ssh-copy-id: INFO: attempting to log in with the new key(s), to filter out any that are already installed\n\n";
const COPY_ID_SKIPPED: &str = "/bin/ssh-copy-id: WARNING: All keys were skipped because they already exist on the remote system.\n\t\t(if you think this is a mistake, you may want to use -f option)\n\n";

pub(crate) async fn setup(env: &Env, args: &[String]) -> i32 {
    let read = args::read(args, &["force"]);
    let address = read.words.first().cloned().unwrap_or_default();
    if address.parse::<IpAddr>().is_err() {
        return env
            .fail(
                "400 Parameter verification failed.\naddress: invalid format - value does not look like a valid IP address\n\npvecm qdevice setup <address> [OPTIONS]",
                DIED,
            )
            .await;
    }
    let force = read.flag("force");
    let algorithm = match check(env, force) {
        Ok(algorithm) => algorithm,
        Err((words, code)) => return env.fail(&words, code).await,
    };
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm qdevice setup")));
    env.eprint(COPY_ID_START).await;
    let host = match ssh::root_login(env, &address).await {
        Ok(host) => host,
        Err(ssh::Refusal(words)) => {
            env.eprint(&format!("/bin/ssh-copy-id: ERROR: {words}\n\n")).await;
            let command = format!("command 'ssh-copy-id -i /root/.ssh/id_rsa root@{address}' failed: exit code 1");
            return env.fail(&command, 1).await;
        }
    };
    env.eprint(COPY_ID_SKIPPED).await;
    let kept = env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return false };
        if force {
            node.files.remove_tree(STORE);
        }
        node.files.is_directory(STORE)
    });
    if kept {
        return env.fail("QDevice certificate store already initialised, set force to delete!", DIED).await;
    }
    certificates(env, &host).await;
    if dies_at(env, QdevicePoint::AfterCertificates) {
        return KILLED;
    }
    env.print("\nINFO: add QDevice to cluster configuration\n").await;
    if let Err(words) = configure(env, &address, algorithm) {
        return env.fail(&words, DIED).await;
    }
    env.pause(STEP_MS).await;
    if dies_at(env, QdevicePoint::AfterConfiguration) {
        return KILLED;
    }
    daemons(env).await
}

/// Takes the fault out, when it is for this point.
fn dies_at(env: &Env, point: QdevicePoint) -> bool {
    env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return false };
        node.faults.qdevice_dies.take_if(|one| *one == point).is_some()
    })
}

/// What the program looks at before it changes anything: the algorithm, or words and exit code.
fn check(env: &Env, force: bool) -> Result<&'static str, (String, i32)> {
    env.world(|world| {
        let Some(node) = world.nodes.get(&env.node) else { return Err((NO_CONFIG.to_owned(), 2)) };
        let Some(config) = node.pmxcfs.config() else { return Err((NO_CONFIG.to_owned(), 2)) };
        let online = |id: u32| node.corosync.running && node.corosync.members.contains(&id);
        if let Some(entry) = config.nodes.iter().find(|entry| !online(entry.id)) {
            return Err((format!("All nodes must be online! Node {} is offline, aborting.", entry.name), DIED));
        }
        if config.device.is_some() && !force {
            return Err(("QDevice already configured!".to_owned(), DIED));
        }
        match (config.nodes.len() % 2, force) {
            (0, _) => Ok("ffsplit"),
            (_, true) => Ok("lms"),
            (_, false) => Err(("Clusters with an odd node count are not officially supported!".to_owned(), DIED)),
        }
    })
}

/// Hostnames and lab names of the cluster's nodes, in the order of their names.
fn members(env: &Env) -> Vec<(String, String)> {
    env.world(|world| {
        let mut members: Vec<(String, String)> = world
            .partition_of(&env.node)
            .into_iter()
            .filter_map(|name| Some((world.nodes.get(&name)?.hostname.clone(), name)))
            .collect();
        members.sort();
        members
    })
}

async fn certificates(env: &Env, qnetd: &str) {
    let qnetd_ok = env.world(|world| world.nodes.get(qnetd).is_some_and(|node| node.kind == Kind::Qnetd));
    env.print("\nINFO: initializing qnetd server\n").await;
    if qnetd_ok {
        env.eprint("Certificate database (/etc/corosync/qnetd/nssdb) already exists. Delete it to initialize new db\n")
            .await;
    }
    env.pause(STEP_MS).await;
    env.print("\nINFO: copying CA cert and initializing on all nodes\n").await;
    for (host, name) in members(env) {
        for line in [
            "Creating /etc/corosync/qdevice/net/nssdb",
            "Creating new key and cert db",
            "Creating new noise file /etc/corosync/qdevice/net/nssdb/noise.txt",
            "Importing CA",
        ] {
            env.print(&format!("\nnode '{host}': {line}")).await;
        }
        env.eprint("password file contains no data\n").await;
        env.world(|world| {
            if let Some(node) = world.nodes.get_mut(&name) {
                node.qdevice.has_store = true;
                node.files.make_directory(STORE);
            }
        });
        env.pause(STEP_MS).await;
    }
    let cluster = env
        .world(|world| world.nodes.get(&env.node).and_then(|node| node.pmxcfs.config()))
        .map(|config| config.name)
        .unwrap_or_default();
    env.eprint("\n\nGenerating key.  This may take a few moments...\n\n").await;
    let steps = [
        "\nINFO: generating cert request\nCreating new certificate request\nCertificate request stored in /etc/corosync/qdevice/net/nssdb/qdevice-net-node.crq\n".to_owned(),
        "\nINFO: copying exported cert request to qnetd server\n".to_owned(),
        format!("\nINFO: sign and export cluster cert\nSigning cluster certificate\nCertificate stored in /etc/corosync/qnetd/nssdb/cluster-{cluster}.crt\n"),
        "\nINFO: copy exported CRT\n".to_owned(),
        "\nINFO: import certificate\nImporting signed cluster certificate\npk12util: PKCS12 EXPORT SUCCESSFUL\nCertificate stored in /etc/corosync/qdevice/net/nssdb/qdevice-net-node.p12\n".to_owned(),
    ];
    for step in steps {
        env.print(&step).await;
        env.pause(STEP_MS).await;
    }
    env.eprint("Notice: Trust flag u is set automatically if the private key is present.\n").await;
    env.print("\nINFO: copy and import pk12 cert to all nodes\n").await;
    for (host, _) in members(env) {
        env.print(&format!("\nnode '{host}': Importing cluster certificate and key")).await;
        env.print(&format!("\nnode '{host}': pk12util: PKCS12 IMPORT SUCCESSFUL")).await;
        env.pause(STEP_MS).await;
    }
}

fn configure(env: &Env, address: &str, algorithm: &str) -> Result<(), String> {
    env.world(|world| {
        if !world.pve_writable(&env.node) {
            return Err("cfs-lock 'file-corosync_conf' error: no quorum!".to_owned());
        }
        let config = world.nodes.get(&env.node).and_then(|node| node.pmxcfs.config());
        let Some(mut config) = config else { return Err(NO_CONFIG.to_owned()) };
        if config.device.is_some() {
            return Err("Qdevice already configured, must be removed before setting up new one!".to_owned());
        }
        config.version += 1;
        config.device = Some(DeviceEntry {
            host: address.to_owned(),
            algorithm: algorithm.to_owned(),
            votes: (algorithm == "ffsplit").then_some(1),
        });
        world.pve_write(&env.node, DB_CONFIG, Some(config.render().into_bytes()));
        Ok(())
    })
}

async fn daemons(env: &Env) -> i32 {
    for (host, name) in members(env) {
        env.print(&format!("\nINFO: start and enable corosync qdevice daemon on node '{host}'...\n")).await;
        env.world(|world| {
            if let Some(node) = world.nodes.get_mut(&name) {
                node.qdevice.running = true;
                let authkey = node.corosync.authkey.clone();
                world.after(FIRST_POLL_MS, Event::DevicePoll { authkey });
            }
        });
        env.eprint("Synchronizing state of corosync-qdevice.service with SysV service script with /usr/lib/systemd/systemd-sysv-install.\nExecuting: /usr/lib/systemd/systemd-sysv-install enable corosync-qdevice\nCreated symlink '/etc/systemd/system/multi-user.target.wants/corosync-qdevice.service' -> '/usr/lib/systemd/system/corosync-qdevice.service'.\n").await;
        env.pause(STEP_MS).await;
        if dies_at(env, QdevicePoint::AfterFirstDaemon) {
            return KILLED;
        }
    }
    env.print("Reloading corosync.conf...\nDone\n").await;
    0
}

const DISABLED: &str = "Synchronizing state of corosync-qdevice.service with SysV service script with /usr/lib/systemd/systemd-sysv-install.\nExecuting: /usr/lib/systemd/systemd-sysv-install disable corosync-qdevice\nRemoved '/etc/systemd/system/multi-user.target.wants/corosync-qdevice.service'.\n";

/// `pvecm qdevice remove`: the daemons' word stays in corosync's flags until its next start.
pub(crate) async fn remove(env: &Env) -> i32 {
    let problem = env.world(|world| {
        let Some(node) = world.nodes.get(&env.node) else { return Some((NO_CONFIG.to_owned(), 2)) };
        let Some(config) = node.pmxcfs.config() else { return Some((NO_CONFIG.to_owned(), 2)) };
        let online = |id: u32| node.corosync.running && node.corosync.members.contains(&id);
        if let Some(entry) = config.nodes.iter().find(|entry| !online(entry.id)) {
            return Some((format!("All nodes must be online! Node {} is offline, aborting.", entry.name), DIED));
        }
        config.device.is_none().then(|| ("No QDevice configured!".to_owned(), DIED))
    });
    if let Some((words, code)) = problem {
        return env.fail(&words, code).await;
    }
    env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return };
        node.count("pvecm qdevice remove");
        let Some(mut config) = node.pmxcfs.config() else { return };
        config.version += 1;
        config.device = None;
        world.pve_write(&env.node, DB_CONFIG, Some(config.render().into_bytes()));
    });
    env.pause(STEP_MS).await;
    for (_, name) in members(env) {
        env.eprint(DISABLED).await;
        env.world(|world| {
            if let Some(node) = world.nodes.get_mut(&name) {
                node.qdevice = crate::cluster::qdevice::Qdevice::default();
                node.files.remove_tree("/etc/corosync/qdevice");
            }
            world.changed();
        });
        env.pause(STEP_MS).await;
    }
    env.print("Reloading corosync.conf...\nDone\n\nRemoved Qdevice.\n").await;
    0
}
