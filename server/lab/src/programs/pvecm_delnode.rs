//! `pvecm delnode`: kills the node's corosync first, then takes it out of the configuration, if it still may.

use super::pvecm::DIED;
use super::{Env, pve};
use crate::cluster::pmxcfs::DB_CONFIG;

/// Exit code of a Perl program that dies with errno EACCES.
const DENIED: i32 = 13;
/// Exit code of one that dies with errno ENOENT.
const NOT_FOUND: i32 = 2;
/// How often it is looked whether the killed node has left, in simulated milliseconds.
const LOOK_MS: u64 = 200;
/// Totem gives a dead node up much earlier.
const LOOKS_MAX: usize = 200;

pub(crate) async fn delnode(env: &Env, name: &str) -> i32 {
    let config = env.world(|world| world.nodes.get(&env.node).and_then(|node| node.pmxcfs.config()));
    let unknown = format!("Node/IP: {name} is not a known host of the cluster.");
    let Some(config) = config else { return env.fail(&unknown, NOT_FOUND).await };
    if !env.world(|world| world.pve_writable(&env.node)) {
        return env.fail("cluster not ready - no quorum?", DIED).await;
    }
    let entry = config.nodes.iter().find(|node| node.name == name || node.rings.values().any(|ring| ring == name));
    let Some(entry) = entry.cloned() else { return env.fail(&unknown, DIED).await };
    if entry.name == env.hostname() {
        return env.fail("Cannot delete myself from cluster!", DIED).await;
    }
    env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.count("pvecm delnode")));
    env.print(&format!("Killing node {}\n", entry.id)).await;
    if env.world(|world| world.kill_corosync(&env.node, entry.id)) {
        await_loss(env, entry.id).await;
    } else {
        env.eprint("Could not kill node (error = CS_ERR_NOT_EXIST)\n").await;
    }
    let written = env.world(|world| {
        if !world.pve_writable(&env.node) {
            return false;
        }
        let config = world.nodes.get(&env.node).and_then(|node| node.pmxcfs.config());
        let Some(mut config) = config else { return false };
        config.nodes.retain(|node| node.id != entry.id);
        config.version += 1;
        world.pve_write(&env.node, DB_CONFIG, Some(config.render().into_bytes()));
        true
    });
    if written {
        return 0;
    }
    let pid = pve::PROCESS_ID;
    env.fail(&format!("unable to open file '/etc/pve/corosync.conf.new.tmp.{pid}' - Permission denied"), DENIED).await
}

/// While totem gathers, pmxcfs holds every write back.
async fn await_loss(env: &Env, id: u32) {
    for _ in 0..LOOKS_MAX {
        env.pause(LOOK_MS).await;
        let there = |world: &mut crate::world::World| {
            world.nodes.get(&env.node).is_some_and(|node| node.corosync.members.contains(&id))
        };
        if !env.world(there) {
            return;
        }
    }
}
