//! What the console's scripts do that replace a file, bring it back, or set it aside: `replace`, `restore`, `aside`, `back`.

use sha2::{Digest, Sha256};

use super::Env;
use super::files::may_write;
use crate::cluster::pmxcfs::DB_CONFIG;
use crate::node::files::Errno;
use crate::world::World;

/// How the scripts end when a file is not the one that it was.
const CHANGED: i32 = 75;
/// How they end where the disk does not take it.
const FAILED: i32 = 1;

const REPLACE_SCRIPT: &str = "f=$1 t=$1.quorate; cp -p \"$f\" \"$t\" && cat >\"$t\" || { rm -f \"$t\"; exit 1; }; \
    [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ] || { rm -f \"$t\"; exit 75; }; \
    cp -p \"$f\" \"$3\" && mv -f -T \"$t\" \"$f\" || { rm -f \"$t\"; exit 1; }";
const RESTORE_SCRIPT: &str = "[ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] && [ \"$(sha256sum <\"$3\")\" = \"$4  -\" ] || exit 75; \
    mv -f -T \"$3\" \"$1\"";
const ASIDE_SCRIPT: &str = "[ ! -e \"$4\" ] && [ ! -e \"$5\" ] && [ \"$(sha256sum <\"$1\")\" = \"$2  -\" ] || exit 75; \
    mv -f -T \"$1\" \"$3\"";
const BACK_SCRIPT: &str = "[ ! -e \"$1\" ] && [ ! -e \"$4\" ] && [ ! -e \"$5\" ] && [ \"$(sha256sum <\"$3\")\" = \"$2  -\" ] || exit 75; \
    mv -f -T \"$3\" \"$1\"";

const PUT_SCRIPT: &str = "f=$1 t=$1.quorate; cat >\"$t\" || { rm -f \"$t\"; exit 1; }; \
    if [ \"$2\" = - ]; then [ ! -e \"$f\" ]; else [ \"$(sha256sum <\"$f\")\" = \"$2  -\" ]; fi || { rm -f \"$t\"; exit 75; }; \
    mv -f \"$t\" \"$f\" || { rm -f \"$t\"; exit 1; }";

const ALONE_SCRIPT: &str = "systemctl is-active -q corosync && exit 75; systemctl is-active -q pve-cluster && exit 75; umask 077; \
    if [ \"$4\" != - ]; then n=$3.quorate; rm -f \"$n\" \"$n.sql\"; zcat \"$4\" >\"$n.sql\" && sqlite3 \"$n\" <\"$n.sql\" && rm -f \"$n.sql\" || exit 1; \
    [ ! -e \"$3\" ] || mv -f -T \"$3\" \"$3.quorate-undone\" || exit 1; rm -f \"$3-wal\" \"$3-shm\"; mv -f -T \"$n\" \"$3\" || exit 1; fi; \
    for f in \"$1\" \"$2\"; do [ ! -e \"$f\" ] || mv -f -T \"$f\" \"$f.quorate-undone\" || exit 1; done; systemctl start pve-cluster";

const STORE_SCRIPT: &str =
    "cd \"$1\" && find . -type f -exec sha256sum {} + | LC_ALL=C sort && printf \"%s\\n\" \"$1\"";
const ASIDE_STORE_SCRIPT: &str = "systemctl is-active -q corosync-qdevice && exit 75; \
    [ \"$(cd \"$1\" && find . -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum)\" = \"$2  -\" ] || exit 75; mv -T \"$1\" \"$3\"";

const KEEP_SCRIPT: &str = "umask 077; [ ! -e \"$2\" ] || exec sha256sum \"$2\"; t=$2.new; \
    [ -f \"$1\" ] && mkdir -p \"${2%/*}\" && sqlite3 -readonly \"$1\" .dump >\"$t\" && [ \"$(tail -n 1 \"$t\")\" = \"COMMIT;\" ] && \
    gzip -f \"$t\" && mv -f -T \"$t.gz\" \"$2\" || \
    { rm -f \"$t\" \"$t.gz\"; printf \"no whole copy of %s\\n\" \"$1\"; exit 1; }; sha256sum \"$2\"";

/// `None` for any other script.
pub(crate) async fn script(env: &Env, script: &str, args: &[String]) -> Option<i32> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match (script, words.as_slice()) {
        (STORE_SCRIPT, ["store", folder]) => {
            let list = env.world(|world| digests(world, env, folder));
            env.print(&format!("{list}{folder}\n")).await;
            return Some(0);
        }
        (ASIDE_STORE_SCRIPT, ["aside-store", folder, digest, kept]) => changing(env, |world| {
            let daemon = world.nodes.get(&env.node).is_some_and(|node| node.qdevice.running);
            if daemon || hex::encode(Sha256::digest(digests(world, env, folder))) != *digest {
                return Err(Stopped::Changed);
            }
            let node = world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?;
            node.qdevice.has_store = false;
            Ok(node.files.rename_tree(folder, kept)?)
        }),
        (REPLACE_SCRIPT, ["replace", file, digest, kept]) => {
            let input = env.stdin.lock().await.all().await;
            changing(env, |world| {
                let old = unchanged(world, env, file, digest)?;
                world.write(&env.node, kept, &old, 0o644)?;
                Ok(world.write(&env.node, file, &input, 0o644)?)
            })
        }
        (RESTORE_SCRIPT, ["restore", file, digest, kept, kept_digest]) => changing(env, |world| {
            unchanged(world, env, file, digest)?;
            unchanged(world, env, kept, kept_digest)?;
            moved(world, env, kept, file)
        }),
        (ASIDE_SCRIPT, ["aside", file, digest, kept, conf, cluster]) => changing(env, |world| {
            absent(world, env, &[conf, cluster])?;
            unchanged(world, env, file, digest)?;
            moved(world, env, file, kept)
        }),
        (BACK_SCRIPT, ["back", file, digest, kept, conf, cluster]) => changing(env, |world| {
            absent(world, env, &[file, conf, cluster])?;
            unchanged(world, env, kept, digest)?;
            moved(world, env, kept, file)
        }),
        (ALONE_SCRIPT, ["alone", authkey, config, database, backup]) => {
            changing(env, |world| stand_alone(world, env, [authkey, config, database, backup]))
        }
        (KEEP_SCRIPT, ["keep-database", database, copy]) => return Some(keep(env, database, copy).await),
        (PUT_SCRIPT, ["put", file, digest]) => {
            let input = env.stdin.lock().await.all().await;
            changing(env, |world| {
                match *digest {
                    "-" => absent(world, env, &[file])?,
                    digest => drop(unchanged(world, env, file, digest)?),
                }
                Ok(world.write(&env.node, file, &input, 0o640)?)
            })
        }
        _ => return None,
    };
    Some(match done {
        Ok(()) => 0,
        Err(Stopped::Changed) => CHANGED,
        Err(Stopped::Disk(error)) => {
            let file = words.get(1).copied().unwrap_or_default();
            env.fail(&format!("cp: error writing '{file}.quorate': {}", error.words()), FAILED).await
        }
    })
}

/// What `sha256sum` prints of every file below a folder, sorted.
fn digests(world: &World, env: &Env, folder: &str) -> String {
    let below = format!("{folder}/");
    let Some(node) = world.nodes.get(&env.node) else { return String::new() };
    let files = node.files.all().filter(|(path, _)| path.starts_with(&below));
    let mut lines: Vec<String> = files
        .map(|(path, content)| format!("{}  ./{}\n", hex::encode(Sha256::digest(content)), &path[below.len()..]))
        .collect();
    lines.sort();
    lines.concat()
}

/// Tells the digest of the copy, or that there is none.
async fn keep(env: &Env, database: &str, copy: &str) -> i32 {
    if changing(env, |world| keep_database(world, env, database, copy)).is_err() {
        env.print(&format!("no whole copy of {database}\n")).await;
        return FAILED;
    }
    let content = env.world(|world| world.read(&env.node, copy).unwrap_or_default());
    env.print(&format!("{}  {copy}\n", hex::encode(Sha256::digest(content)))).await;
    0
}

/// A copy of the node's own database, unless there is one of that name; in the file, the cluster's configuration stands for it.
fn keep_database(world: &mut World, env: &Env, database: &str, copy: &str) -> Result<(), Stopped> {
    let node = world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?;
    if node.files.exists(copy) {
        return Ok(());
    }
    if !node.files.exists(database) {
        return Err(Errno::NotFound.into());
    }
    let now = node.pmxcfs.db.clone();
    let config = now.get(DB_CONFIG).map(Vec::as_slice).unwrap_or_default();
    world.write(&env.node, copy, &[b"\x1f\x8b", config].concat(), 0o600)?;
    let node = world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?;
    node.pmxcfs.kept.insert(copy.to_owned(), now);
    Ok(())
}

/// The database from the backup, the cluster's files aside, pmxcfs started.
fn stand_alone(world: &mut World, env: &Env, [authkey, config, database, backup]: [&str; 4]) -> Result<(), Stopped> {
    let node = world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?;
    if node.corosync.running || node.pmxcfs.running {
        return Err(Stopped::Changed);
    }
    if backup != "-" {
        let own = node.pmxcfs.kept.get(backup).cloned().ok_or(Errno::NotFound)?;
        node.pmxcfs.db = own;
        if node.files.exists(database) {
            node.files.rename(database, &format!("{database}.quorate-undone"))?;
        }
        node.files.put(database, b"SQLite format 3\0", 0o600);
    }
    for file in [authkey, config] {
        if node.files.exists(file) {
            node.files.rename(file, &format!("{file}.quorate-undone"))?;
        }
    }
    if world.start_pmxcfs(&env.node) { Ok(()) } else { Err(Stopped::Disk(Errno::NotFound)) }
}

enum Stopped {
    Changed,
    Disk(Errno),
}

impl From<Errno> for Stopped {
    fn from(error: Errno) -> Self {
        Self::Disk(error)
    }
}

fn changing(env: &Env, work: impl FnOnce(&mut World) -> Result<(), Stopped>) -> Result<(), Stopped> {
    if !may_write(env, "/etc/hosts") {
        return Err(Stopped::Disk(Errno::Denied));
    }
    env.world(work)
}

fn unchanged(world: &World, env: &Env, path: &str, digest: &str) -> Result<Vec<u8>, Stopped> {
    let content = world.read(&env.node, path).map_err(|_| Stopped::Changed)?;
    if hex::encode(Sha256::digest(&content)) == digest { Ok(content) } else { Err(Stopped::Changed) }
}

fn absent(world: &World, env: &Env, paths: &[&str]) -> Result<(), Stopped> {
    if paths.iter().any(|path| world.exists(&env.node, path)) { Err(Stopped::Changed) } else { Ok(()) }
}

fn moved(world: &mut World, env: &Env, from: &str, to: &str) -> Result<(), Stopped> {
    let node = world.nodes.get_mut(&env.node).ok_or(Errno::NotFound)?;
    Ok(node.files.rename(from, to)?)
}
