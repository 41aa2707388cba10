//! The first moments of a node: from a bare namespace to its own root file system.
//!
//! Runs as PID 1 of a fresh PID, mount, UTS and IPC namespace, builds the node's view of the machine on an overlay of
//! `/`, moves into it and becomes the node's init. Everything of the host that is not part of a plain Debian
//! (home directories, checkouts, temporary files) is hidden.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::paths;

/// Top-level folders of the host that a node sees (through the overlay).
const VISIBLE: [&str; 10] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var", ".old"];
/// Folders with a mount of their own.
const MOUNTED: [&str; 5] = ["proc", "sys", "dev", "run", "tmp"];
/// Folders that belong to the node alone and survive its reboot, as they would on a disk.
const OWN: [&str; 8] = [
    "root",
    "home",
    "var/log",
    "var/lib/corosync",
    "var/lib/pve-cluster",
    "etc/corosync",
    "etc/ssh",
    "etc/quorate-lab",
];

/// `node-boot NAME DIRECTORY`: DIRECTORY holds `upper`, `work`, `merged` and `own`.
pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let [name, directory] = args else { bail!("usage: node-boot NAME DIRECTORY") };
    let merged = format!("{directory}/merged");
    tool("hostname", &[name])?;
    let options = format!("lowerdir=/,upperdir={directory}/upper,workdir={directory}/work");
    tool("mount", &["-t", "overlay", "overlay", "-o", &options, &merged])?;
    hide_the_host(&merged)?;
    for own in OWN {
        let target = format!("{merged}/{own}");
        std::fs::create_dir_all(&target).with_context(|| target.clone())?;
        tool("mount", &["--bind", &format!("{directory}/own/{own}"), &target])?;
    }
    own_program(&merged)?;
    caches(&merged)?;
    kernel_file_systems(&merged)?;
    let old = format!("{merged}/.old");
    std::fs::create_dir_all(&old).context("folder for the old root")?;
    std::env::set_current_dir(&merged).context("new root")?;
    tool("pivot_root", &[".", ".old"])?;
    std::env::set_current_dir("/").context("new root")?;
    tool("umount", &["-l", "/.old"])?;
    let failure = Command::new(paths::STANDIN).arg("init").exec();
    Err(failure).context("init")
}

fn hide_the_host(merged: &str) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(merged).context("merged root")? {
        let entry = entry.context("merged root")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().context("merged root")?.is_dir();
        let handled =
            VISIBLE.contains(&name.as_str()) || OWN.contains(&name.as_str()) || name == "proc" || name == "sys";
        if is_folder && !handled {
            let mode = if name == "tmp" { "mode=1777" } else { "mode=755" };
            tool("mount", &["-t", "tmpfs", "-o", mode, "tmpfs", &format!("{merged}/{name}")])?;
        }
    }
    for needed in MOUNTED {
        ensure!(Path::new(&format!("{merged}/{needed}")).is_dir(), "the host has no /{needed}");
    }
    Ok(())
}

/// All nodes share one copy of this program; none of them can change it.
fn own_program(merged: &str) -> anyhow::Result<()> {
    let target = format!("{merged}{}", paths::STANDIN);
    std::fs::write(&target, "").with_context(|| target.clone())?;
    let here = std::env::current_exe().context("own path")?;
    tool("mount", &["--bind", "-o", "ro", &here.display().to_string(), &target])
}

/// apt's cache, where the lab has one: the same for all nodes, which see the same package lists.
fn caches(merged: &str) -> anyhow::Result<()> {
    let cache = std::env::current_exe().context("own path")?.with_file_name("apt");
    if !cache.is_dir() {
        return Ok(());
    }
    let target = format!("{merged}{}", paths::APT_CACHE);
    std::fs::create_dir_all(&target).with_context(|| target.clone())?;
    tool("mount", &["--bind", "-o", "ro", &cache.display().to_string(), &target])
}

fn kernel_file_systems(merged: &str) -> anyhow::Result<()> {
    tool("mount", &["-t", "proc", "proc", &format!("{merged}/proc")])?;
    tool("mount", &["-t", "sysfs", "-o", "ro", "sysfs", &format!("{merged}/sys")])?;
    let dev = format!("{merged}/dev");
    let mut copy = vec!["-a"];
    let devices = ["null", "zero", "full", "random", "urandom", "tty", "fuse"].map(|name| format!("/dev/{name}"));
    copy.extend(devices.iter().map(String::as_str));
    copy.push(&dev);
    tool("cp", &copy)?;
    for folder in ["pts", "shm"] {
        std::fs::create_dir_all(format!("{dev}/{folder}")).context("folders of /dev")?;
    }
    tool(
        "mount",
        &["-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=0620,gid=5", "devpts", &format!("{dev}/pts")],
    )?;
    tool("mount", &["-t", "tmpfs", "-o", "mode=1777", "tmpfs", &format!("{dev}/shm")])?;
    for (link, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        std::os::unix::fs::symlink(target, format!("{dev}/{link}")).with_context(|| format!("/dev/{link}"))?;
    }
    Ok(())
}

fn tool(program: &str, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(args).output().with_context(|| program.to_owned())?;
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
