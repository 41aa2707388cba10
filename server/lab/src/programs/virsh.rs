//! `virsh` on the host outside of the cluster, which runs the nodes as its guests: each domain is called as its node.
//!
//! The words are those of libvirt's `tools/virsh-domain.c` and `virsh-domain-monitor.c`; there is no recording of them.

use super::Env;
use crate::bmc::UUID_FILE;

pub(crate) async fn virsh(env: &Env, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let [_, _, verb, domain] = words.as_slice() else { return env.fail("error: unknown command", 1).await };
    let node = env.world(|world| world.nodes.get(*domain).map(|node| (node.powered, node.is_pve())));
    let Some((powered, true)) = node else {
        return env.fail(&format!("error: failed to get domain '{domain}'\n"), 1).await;
    };
    match (*verb, powered) {
        ("domstate", true) => said(env, "running").await,
        ("domstate", false) => said(env, "shut off").await,
        ("domuuid", _) => {
            let uuid = env.world(|world| world.read(domain, UUID_FILE)).unwrap_or_default();
            said(env, String::from_utf8_lossy(&uuid).trim()).await
        }
        ("destroy", true) => {
            switch(env, domain, false);
            said(env, &format!("Domain '{domain}' destroyed")).await
        }
        ("destroy", false) => {
            let words = "error: Requested operation is not valid: domain is not running";
            env.fail(&format!("error: Failed to destroy domain '{domain}'\n{words}"), 1).await
        }
        ("start", false) => {
            switch(env, domain, true);
            said(env, &format!("Domain '{domain}' started")).await
        }
        ("start", true) => env.fail("error: Domain is already active", 1).await,
        _ => env.fail(&format!("error: unknown command: '{verb}'"), 1).await,
    }
}

async fn said(env: &Env, words: &str) -> i32 {
    env.print(&format!("{words}\n\n")).await;
    0
}

fn switch(env: &Env, domain: &str, on: bool) {
    env.world(|world| {
        if on {
            world.start(domain)
        } else {
            world.kill(domain)
        }
        if let Some(node) = world.nodes.get_mut(domain) {
            node.count(if on { "power on" } else { "power off" });
        }
    });
}
