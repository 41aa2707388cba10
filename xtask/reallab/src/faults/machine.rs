//! Faults of the whole machine: its power, its processor, its clock.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::{Fault, Proof, told};
use crate::layout::Host;
use crate::up::for_this_machine;
use crate::{access, nodes, power};

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// What `skew-clock` does unless --millis says something else.
const MILLIS: i64 = 150_000;
/// A clock that differs by less is right: asking takes its time too.
const RIGHT_MILLIS: i64 = 1_000;

pub fn kill(host: &Host, on: bool) -> anyhow::Result<()> {
    match (on, nodes::is_running(host)?) {
        (true, _) => power::off(host),
        (false, false) => power::on(host),
        (false, true) => Ok(()),
    }
}

pub fn prove_killed(host: &Host) -> anyhow::Result<Proof> {
    let count = nodes::processes(&host.namespace())?.len();
    Ok(Proof { took: count == 0, words: format!("{} has {count} processes", host.name) })
}

pub fn prove_frozen(host: &Host) -> anyhow::Result<Proof> {
    let frozen = nodes::is_frozen(host)?;
    Ok(Proof { took: frozen, words: format!("{} is {}", host.name, if frozen { "frozen" } else { "moving" }) })
}

/// Off and on; the proof is another boot id.
pub fn cycle(host: &Host) -> anyhow::Result<String> {
    let before = power::boot_id(host)?;
    power::cycle(host)?;
    let after = power::another_boot(host, &before)?;
    Ok(format!("boot {before} ended, boot {after} runs"))
}

/// Moves the clock of everything that starts from now on: SSH sessions, and daemons that are started again.
///
/// Not through `/etc/ld.so.preload`: sshd's sandbox kills it for what libfaketime does when it ends.
pub fn clock(host: &Host, fault: &Fault, on: bool) -> anyhow::Result<()> {
    let config = host.own("etc/ssh/sshd_config");
    let text = fs::read_to_string(&config).context("sshd_config")?;
    let library = for_this_machine(FAKETIME);
    let setting = format!(" LD_PRELOAD={library} DONT_FAKE_MONOTONIC=1\n");
    let plain = text.replace(&setting, "\n");
    let millis = if on { fault.millis.unwrap_or(MILLIS) } else { 0 };
    let sign = if millis < 0 { '-' } else { '+' };
    let (whole, rest) = (millis.unsigned_abs() / 1_000, millis.unsigned_abs() % 1_000);
    // What was started meanwhile reads the file again, and follows within seconds.
    told(host, &format!("echo {sign}{whole}.{rest:03} > /etc/faketimerc"))?;
    fs::write(host.own("etc/quorate-lab/faketime"), &library).context("faketime")?;
    let moved = match on {
        true => format!("{}{setting}", plain.trim_end()),
        false => plain,
    };
    fs::write(&config, moved).context("sshd_config")?;
    told(host, "systemctl restart ssh").map(|_| ())
}

/// What the console sees over SSH.
pub fn prove_clock(host: &Host) -> anyhow::Result<Proof> {
    let output = access::remote(host, "date +%s%3N")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let theirs: i64 = text.parse().with_context(|| format!("a time, not {text}"))?;
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).context("clock")?.as_millis();
    let millis = theirs - i64::try_from(ours).context("clock")?;
    Ok(Proof { took: millis.abs() >= RIGHT_MILLIS, words: format!("{}'s clock is {millis} ms off", host.name) })
}
