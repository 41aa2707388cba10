//! Starting and stopping units the way systemd does: a start returns when the service is ready.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::NOT_LOADED;
use crate::init::control::{self, Request};
use crate::init::units::Spec;
use crate::{paths, words};

const SSHD: &str = "ssh.service";
/// Units that a Proxmox VE node starts at boot, in this order, after sshd.
const OF_PVE: [&str; 6] =
    ["pve-cluster.service", COROSYNC, "pveproxy.service", "pvedaemon.service", "pvestatd.service", "chrony.service"];
const QNETD: &str = "corosync-qnetd.service";
const COROSYNC: &str = "corosync.service";
const QDEVICE: &str = "corosync-qdevice.service";
/// How long a service may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(30);
const READY_PAUSE: Duration = Duration::from_millis(40);

/// Starts what the kind of host starts, sshd first: it answers before `/etc/pve` is there, as on a real node.
pub fn boot_sequence() -> anyhow::Result<u8> {
    let kind = std::fs::read_to_string(paths::KIND).context(paths::KIND)?;
    std::fs::create_dir_all("/run/sshd").context("/run/sshd")?;
    start(&[SSHD.to_owned()])?;
    match kind.trim() {
        "pve" => {}
        "ssh" => return start(&["corosync.service", "pve-cluster.service"].map(str::to_owned)),
        _ => return qnetd(),
    }
    let code = start(&OF_PVE.map(str::to_owned))?;
    for unit in super::enabled() {
        start(&[unit])?;
    }
    let spec = Spec {
        command: vec![paths::STANDIN.to_owned(), "pvecm".to_owned(), "updatecerts".to_owned(), "--silent".to_owned()],
        description: "node files after boot".to_owned(),
        transient: true,
        ..Spec::default()
    };
    control::change(&Request::Transient("boot-updatecerts.service".to_owned(), spec))?;
    Ok(code)
}

/// Whether a node of its kind starts the unit at boot without being told to.
pub fn is_always(unit: &str) -> bool {
    unit == SSHD || unit == QNETD || OF_PVE.contains(&unit)
}

/// Starts each unit and waits until it is ready; words and code of `systemctl start`.
pub fn start(units: &[String]) -> anyhow::Result<u8> {
    for unit in units {
        if let Err(error) = control::change(&Request::Start(unit.clone())) {
            eprintln!("{error}");
            return Ok(NOT_LOADED);
        }
        if !ready(unit)? {
            eprintln!("Job for {unit} failed because the control process exited with error code.");
            eprintln!("See \"systemctl status {unit}\" and \"journalctl -xeu {unit}\" for details.");
            return Ok(1);
        }
    }
    Ok(0)
}

pub fn stop(units: &[String]) -> anyhow::Result<u8> {
    for unit in units {
        if unit == COROSYNC && super::is_running(QDEVICE) {
            // Its unit requires corosync's.
            stop(&[QDEVICE.to_owned()])?;
        }
        if unit == COROSYNC && super::is_running(unit) {
            // ExecStop of the real unit, which tells the other members.
            words::quietly("timeout", &["5", "corosync-cfgtool", "-H", "--force"]);
        }
        if let Err(error) = control::change(&Request::Stop(unit.clone())) {
            eprintln!("{error}");
            return Ok(NOT_LOADED);
        }
        if unit == "pve-cluster.service" {
            words::quietly("umount", &["-l", "/etc/pve"]);
        }
    }
    Ok(0)
}

pub fn restart(units: &[String]) -> anyhow::Result<u8> {
    for unit in units {
        if control::show(unit)?.load == "not-found" {
            eprintln!("Failed to restart {unit}: Unit {unit} not found.");
            return Ok(NOT_LOADED);
        }
    }
    // A restart goes on to the units that require this one, where they run.
    let follows = units.iter().any(|unit| unit == COROSYNC) && super::is_running(QDEVICE);
    stop(units)?;
    let code = start(units)?;
    if follows && code == 0 { start(&[QDEVICE.to_owned()]) } else { Ok(code) }
}

/// Waits for the service's own sign of readiness; false when it ended before.
fn ready(unit: &str) -> anyhow::Result<bool> {
    let end = Instant::now() + READY_LIMIT;
    while Instant::now() < end {
        let shown = control::show(unit)?;
        if shown.active == "failed" {
            return Ok(false);
        }
        // A condition that is not met leaves the unit inactive, which is no failure.
        if shown.active != "active" || answers(unit) {
            return Ok(true);
        }
        std::thread::sleep(READY_PAUSE);
    }
    Ok(false)
}

fn answers(unit: &str) -> bool {
    match unit {
        "corosync.service" => words::quietly("timeout", &["2", "corosync-cmapctl", "totem.version"]),
        "pve-cluster.service" => Path::new("/etc/pve/.version").exists(),
        _ => true,
    }
}

/// Debian's package makes the certificate store when it is installed; here the first boot does.
fn qnetd() -> anyhow::Result<u8> {
    std::fs::create_dir_all("/run/corosync-qnetd").context("/run/corosync-qnetd")?;
    if !Path::new("/etc/corosync/qnetd/nssdb").exists() {
        std::fs::create_dir_all("/etc/corosync/qnetd").context("/etc/corosync/qnetd")?;
        words::quietly("corosync-qnetd-certutil", &["-i", "-G"]);
    }
    start(&[QNETD.to_owned()])
}
