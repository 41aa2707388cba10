//! Faults of a node's files: full, wrong, replaced. They survive a power cycle.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};

use super::{Proof, asked, told};
use crate::layout::{CONSOLE, Host, Lab};
use crate::{disk, tool, up};

/// What fills the disk; outside of what the node can see and delete.
const FILLER: &str = "filler";
/// Write size, bytes; the last page is filled too.
const CHUNK: usize = 64 * 1024;
const PAGE: usize = 4096;

/// Where a host's good files wait while it has broken ones.
pub fn saved(host: &Host) -> anyhow::Result<PathBuf> {
    let folder = crate::layout::file("saved").join(&host.name);
    fs::create_dir_all(&folder).context("folder of the good files")?;
    Ok(folder)
}

pub fn disk(host: &Host, on: bool) -> anyhow::Result<()> {
    let path = host.folder().join(FILLER);
    if !on {
        return fs::remove_file(&path).context(FILLER);
    }
    let mut file = File::create(&path).context(FILLER)?;
    for size in [CHUNK, PAGE] {
        let zeros = vec![0_u8; size];
        while file.write_all(&zeros).is_ok() {}
    }
    Ok(())
}

pub fn prove_disk(host: &Host) -> anyhow::Result<Proof> {
    let try_it = "dd if=/dev/zero of=/root/.lab-proof bs=64k count=1; code=$?; rm -f /root/.lab-proof; exit $code";
    let (written, text) = asked(host, try_it)?;
    let reason = text.lines().find(|line| line.contains("No space left")).unwrap_or("64 KiB were written");
    Ok(Proof { took: !written && text.contains("No space left on device"), words: reason.to_owned() })
}

pub fn hosts(host: &Host, on: bool) -> anyhow::Result<()> {
    let good = saved(host)?.join("hosts");
    if on {
        let text = told(host, "cat /etc/hosts")?;
        fs::write(&good, format!("{text}\n")).context("good hosts file")?;
        // As Debian's installer leaves it.
        let own = |line: &str| line.split_whitespace().skip(1).any(|word| word == host.name);
        let line = |line: &str| match line.split_once(' ').filter(|_| own(line)) {
            Some((_, names)) => format!("127.0.1.1 {names}\n"),
            None => format!("{line}\n"),
        };
        return write(host, "/etc/hosts", &text.lines().map(line).collect::<String>());
    }
    write(host, "/etc/hosts", &fs::read_to_string(&good).context("good hosts file")?)
}

pub fn prove_hosts(host: &Host) -> anyhow::Result<Proof> {
    let (_, text) = asked(host, "getent ahostsv4 $(hostname)")?;
    let address = text.split_whitespace().next().unwrap_or("nothing").to_owned();
    Ok(Proof { took: address.starts_with("127."), words: format!("{} leads to {address}", host.name) })
}

/// Writes a small file inside the host.
fn write(host: &Host, path: &str, text: &str) -> anyhow::Result<()> {
    ensure!(!text.contains('\''), "a text without quotes");
    told(host, &format!("printf '%s' '{text}' > {path}")).map(|_| ())
}

/// New keys, as after a reinstallation; the lab's own known hosts follow, everybody else's do not.
pub fn host_key(lab: &Lab, host: &Host, on: bool) -> anyhow::Result<()> {
    let (good, live) = (saved(host)?, host.own("etc/ssh"));
    for kind in disk::key_types(host) {
        for name in [format!("ssh_host_{kind}_key"), format!("ssh_host_{kind}_key.pub")] {
            let (from, to) = if on { (&live, &good) } else { (&good, &live) };
            // The copy keeps the mode, without which sshd refuses the key.
            fs::copy(from.join(&name), to.join(&name)).with_context(|| name.clone())?;
            if on {
                fs::remove_file(from.join(&name)).with_context(|| name.clone())?;
            }
        }
    }
    if on {
        disk::host_keys(host, &live)?;
    }
    up::write_known_hosts(lab)?;
    // A restart, because a running sshd has its keys in memory; sessions go on.
    told(host, "systemctl restart ssh").map(|_| ())
}

pub fn prove_host_key(host: &Host) -> anyhow::Result<Proof> {
    let good = fs::read_to_string(saved(host)?.join("ssh_host_ed25519_key.pub")).context("good host key")?;
    let good = good.split_whitespace().nth(1).context("a key")?;
    let line = ["netns", "exec", CONSOLE, "ssh-keyscan", "-T", "3", "-t", "ed25519", host.address()];
    let output = tool::output("ip", &line)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let offered = text.lines().find(|line| !line.starts_with('#')).and_then(|line| line.split_whitespace().nth(2));
    let Some(offered) = offered else {
        return Ok(Proof { took: false, words: format!("{} offers no key yet", host.name) });
    };
    Ok(Proof { took: offered != good, words: format!("{} offers {offered}, it was {good}", host.name) })
}
