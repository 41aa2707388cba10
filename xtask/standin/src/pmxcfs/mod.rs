//! The stand-in for pmxcfs: `/etc/pve` as a FUSE file system, replicated between the members of the real corosync.
//!
//! Quorum and membership are corosync's, read from `corosync-quorumtool`. Within a partition every change goes
//! through the member with the lowest node id, which applies it when all members have it. A partition without quorum
//! refuses changes (EACCES), so partitions diverge; when they meet, the highest version wins everywhere.

mod fs;
mod membership;
pub mod ops;
mod peers;
mod special;
pub mod store;
mod sync;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Context;

use crate::conf::Block;
use crate::journal::writer;
use crate::{paths, words};
use membership::View;
pub use special::version_file;
use store::Store;

const MOUNT_POINT: &str = "/etc/pve";

/// Everything that the threads of pmxcfs share.
#[derive(Debug)]
pub struct Shared {
    pub node: String,
    pub address: String,
    pub started: u64,
    /// False on a node that is not in a cluster: then writing needs no quorum.
    pub clustered: bool,
    store: Mutex<Store>,
    view: Mutex<View>,
    pub view_changed: Condvar,
    /// Held while this node, as leader, brings one change or one state to all members.
    pub order: Mutex<()>,
}

/// Mounts and serves until it is stopped.
pub fn run() -> anyhow::Result<u8> {
    let node = words::hostname()?;
    let Some(address) = words::resolve(&node) else {
        let text = format!(
            "Unable to resolve node name '{node}' to a non-loopback IP address - missing entry in '/etc/hosts' or DNS?"
        );
        writer::log("pmxcfs", &format!("[main] crit: {text}"));
        anyhow::bail!(text);
    };
    // A file system whose server was killed is still mounted and dead.
    words::quietly("umount", &["-l", MOUNT_POINT]);
    std::fs::create_dir_all(MOUNT_POINT).context(MOUNT_POINT)?;
    let mut store = Store::load(Path::new(paths::DATABASE))?;
    let local_conf = std::fs::read(paths::LOCAL_CONF).ok();
    let clustered = local_conf.is_some() || store.file("corosync.conf").is_some();
    if clustered && store.version == 0 {
        store.forget_everything();
    }
    let shared = Arc::new(Shared {
        node,
        address,
        started: words::now_us() / 1_000_000,
        clustered,
        store: Mutex::new(store),
        view: Mutex::new(View::default()),
        view_changed: Condvar::new(),
        order: Mutex::new(()),
    });
    if clustered {
        membership::spawn(Arc::clone(&shared));
        peers::serve(Arc::clone(&shared)).context("replication port")?;
        sync::spawn(Arc::clone(&shared));
    }
    fs::mount(shared, Path::new(MOUNT_POINT))?;
    Ok(0)
}

impl Shared {
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn may_write(&self) -> bool {
        !self.clustered || self.view().quorate
    }

    /// The cluster's configuration: the shared one, before the first sync the local one.
    pub fn conf(&self) -> Option<Block> {
        let shared = self.store().file("corosync.conf").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let text = shared.or_else(|| std::fs::read_to_string(paths::LOCAL_CONF).ok())?;
        Block::parse(&text).ok()
    }

    /// After a change: keeps it on disk and brings a newer corosync.conf to corosync's own folder.
    /// True when corosync should read its configuration again.
    pub fn changed(&self) -> bool {
        let store = self.store();
        store.save(Path::new(paths::DATABASE));
        let Some(shared) = store.file("corosync.conf").map(|bytes| String::from_utf8_lossy(bytes).into_owned()) else {
            return false;
        };
        drop(store);
        let version = |text: &str| Block::parse(text).map(|block| block.version()).unwrap_or_default();
        let local = std::fs::read_to_string(paths::LOCAL_CONF).unwrap_or_default();
        if local == shared || version(&shared) <= version(&local) {
            return false;
        }
        let next = format!("{}.tmp", paths::LOCAL_CONF);
        let written = std::fs::write(&next, &shared).and_then(|()| std::fs::rename(&next, paths::LOCAL_CONF));
        writer::log(
            "pmxcfs",
            &format!(
                "[dcdb] notice: wrote new corosync config '{}' (version = {})",
                paths::LOCAL_CONF,
                version(&shared)
            ),
        );
        written.is_ok() && self.clustered
    }
}

/// Has corosync read its configuration again, on all members, without holding up the file system.
pub fn reload_corosync() {
    std::thread::spawn(|| words::quietly("timeout", &["20", "corosync-cfgtool", "-R"]));
}
