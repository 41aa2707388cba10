//! A host's power: what a person's finger, a BMC or a fault does to it. One at a time per host.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::layout::{Host, file};
use crate::{access, cuts, faults, nodes};

/// How long a started node may take until its init has a boot id.
const BOOT_LIMIT: Duration = Duration::from_secs(20);
const BOOT_PAUSE: Duration = Duration::from_millis(50);

/// Powers a host on; its disk is as it was. Returns before it answers.
pub fn on(host: &Host) -> anyhow::Result<()> {
    let _turn = turn(host)?;
    boot(host)
}

/// Powers a host off, hard: none of its processes is left when this returns. Its cards go first, so that nobody hears a
/// connection end, and none is refused afterwards.
pub fn off(host: &Host) -> anyhow::Result<()> {
    let _turn = turn(host)?;
    die(host)
}

/// Off and on again.
pub fn cycle(host: &Host) -> anyhow::Result<()> {
    let _turn = turn(host)?;
    die(host)?;
    boot(host)
}

fn boot(host: &Host) -> anyhow::Result<()> {
    cuts::cards(host, true)?;
    nodes::start(host)?;
    faults::ended_by_power_on(host)
}

fn die(host: &Host) -> anyhow::Result<()> {
    cuts::cards(host, false)?;
    nodes::kill(host)
}

/// The id of the boot that runs; differs after every power cycle.
pub fn boot_id(host: &Host) -> anyhow::Result<String> {
    let output = access::inside(host, "cat /run/boot-id")?;
    ensure!(output.status.success(), "{} has not booted", host.name);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Waits until the host runs another boot than this one; its id.
pub fn another_boot(host: &Host, than: &str) -> anyhow::Result<String> {
    let end = Instant::now() + BOOT_LIMIT;
    loop {
        if let Ok(id) = boot_id(host)
            && id != than
        {
            return Ok(id);
        }
        if Instant::now() > end {
            bail!("{} did not boot again", host.name);
        }
        std::thread::sleep(BOOT_PAUSE);
    }
}

/// The words of `lab power NODE ...`.
pub fn command(host: &Host, word: &str) -> anyhow::Result<()> {
    match word {
        "on" => on(host),
        "off" => off(host),
        "cycle" => cycle(host),
        "status" => {
            println!("{}", if nodes::is_running(host)? { "on" } else { "off" });
            Ok(())
        }
        other => bail!("power is on, off, cycle or status, not {other}"),
    }
}

/// This host's power in our hands until the file is dropped; never the lab's turn, which a BMC could wait for forever.
fn turn(host: &Host) -> anyhow::Result<File> {
    let path = file(&format!("power-{}.lock", host.name));
    let lock = File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())?;
    lock.lock().with_context(|| path.display().to_string())?;
    Ok(lock)
}
