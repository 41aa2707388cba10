//! Units of a lab node: the fixed ones and transient ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::journal::writer;
use crate::{paths, words};

/// A unit that does not end on SIGTERM within this time gets SIGKILL.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// What systemd gives a service.
const SERVICE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a unit runs and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Spec {
    pub command: Vec<String>,
    pub description: String,
    /// Files that get standard output and error, appended; nothing when empty.
    pub stdout: String,
    pub stderr: String,
    pub directory: String,
    pub remain_after_exit: bool,
    /// Seconds, 0 for no limit.
    pub runtime_max: u64,
    pub transient: bool,
    /// The unit starts only when this file exists.
    pub condition: String,
    /// `NAME=value`, on top of the little that a service gets.
    pub environment: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

#[derive(Debug, Default)]
struct Unit {
    spec: Spec,
    pid: Option<Pid>,
    exit: Option<Exit>,
    stopping: bool,
    timed_out: bool,
    /// A transient unit that ended well and remains.
    exited: bool,
}

/// What `systemctl show` tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    pub load: String,
    pub active: String,
    pub sub: String,
    pub result: String,
    pub code: i32,
    pub status: i32,
    pub pid: i32,
    pub description: String,
}

/// All units of the node.
#[derive(Debug, Default)]
pub struct Units {
    list: Mutex<BTreeMap<String, Unit>>,
    changed: Condvar,
}

impl Units {
    /// Starts what a node starts by itself; a child does it, because it waits for states.
    pub fn start_boot_sequence(self: &Arc<Self>) {
        let spec = Spec {
            command: vec![paths::STANDIN.to_owned(), "boot-sequence".to_owned()],
            stderr: "/run/boot.err".to_owned(),
            ..Spec::default()
        };
        self.start("boot-sequence.service", Some(spec));
    }

    /// Starts a fixed unit, or with `spec` a transient one. The answer is an error's words, empty when all is well.
    pub fn start(self: &Arc<Self>, name: &str, spec: Option<Spec>) -> String {
        let mut list = self.lock();
        let known = list.get(name);
        if spec.is_some() && known.is_some() {
            return format!(
                "Failed to start transient service unit: Unit {name} was already loaded or has a fragment file."
            );
        }
        if known.is_some_and(|unit| unit.pid.is_some()) {
            return String::new();
        }
        let Some(spec) = spec.or_else(|| fixed(name)) else {
            return format!("Failed to start {name}: Unit {name} not found.");
        };
        if !spec.condition.is_empty() && !std::path::Path::new(&spec.condition).exists() {
            writer::note(
                "systemd",
                name,
                &format!(
                    "{name} was skipped because of an unmet condition check (ConditionPathExists={}).",
                    spec.condition
                ),
            );
            return String::new();
        }
        let pid = match spawn(&spec) {
            Ok(pid) => pid,
            Err(error) => return format!("Failed to start {name}: {error}"),
        };
        writer::note("systemd", name, &format!("Started {name} - {}.", spec.description));
        let limit = spec.runtime_max;
        list.insert(name.to_owned(), Unit { spec, pid: Some(pid), ..Unit::default() });
        drop(list);
        if limit > 0 {
            self.limit(name, pid, Duration::from_secs(limit));
        }
        String::new()
    }

    /// Stops a unit and waits until it is gone; a transient one is forgotten then.
    pub fn stop(&self, name: &str) -> String {
        let mut list = self.lock();
        let Some(unit) = list.get_mut(name) else {
            return if fixed(name).is_some() {
                String::new()
            } else {
                format!("Failed to stop {name}: Unit {name} not loaded.")
            };
        };
        unit.stopping = true;
        if let Some(pid) = unit.pid {
            let _ = killpg(pid, Signal::SIGTERM);
            let end = Instant::now() + STOP_LIMIT;
            while list.get(name).is_some_and(|unit| unit.pid.is_some()) {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    let _ = killpg(pid, Signal::SIGKILL);
                }
                let pause = left.clamp(Duration::from_millis(20), Duration::from_secs(1));
                list = self.changed.wait_timeout(list, pause).unwrap_or_else(PoisonError::into_inner).0;
            }
            // Whatever the unit left behind in its group goes with it.
            let _ = killpg(pid, Signal::SIGKILL);
        }
        let keep = list.get(name).is_some_and(|unit| unit.exit.is_some() && !unit.succeeded() && !unit.stopping);
        if !keep {
            list.remove(name);
        }
        writer::note("systemd", name, &format!("Stopped {name}."));
        String::new()
    }

    /// Forgets a unit's failure.
    pub fn reset(&self, name: &str) -> String {
        let mut list = self.lock();
        match list.get(name) {
            None if fixed(name).is_none() => {
                format!("Failed to reset failed state of unit {name}: Unit {name} not loaded.")
            }
            Some(unit) if unit.pid.is_none() && !unit.exited => {
                list.remove(name);
                String::new()
            }
            _ => String::new(),
        }
    }

    pub fn show(&self, name: &str) -> Shown {
        let list = self.lock();
        let unit = list.get(name);
        let known = fixed(name);
        let load = if unit.is_some() || known.is_some() { "loaded" } else { "not-found" };
        let description = unit
            .map(|unit| unit.spec.description.clone())
            .or_else(|| known.map(|spec| spec.description))
            .unwrap_or_default();
        let mut shown = Shown {
            load: load.to_owned(),
            active: "inactive".to_owned(),
            sub: "dead".to_owned(),
            result: "success".to_owned(),
            code: 0,
            status: 0,
            pid: 0,
            description,
        };
        if let Some(unit) = unit {
            unit.describe(&mut shown);
        }
        shown
    }

    /// The reaper's word that a process ended.
    pub fn exited(&self, pid: Pid, exit: Exit) {
        let mut list = self.lock();
        let found = list.iter_mut().find(|(_, unit)| unit.pid == Some(pid)).map(|(name, unit)| (name.clone(), unit));
        let Some((name, unit)) = found else { return };
        unit.pid = None;
        unit.exit = Some(exit);
        let well = unit.succeeded();
        unit.exited = well && unit.spec.remain_after_exit;
        if !well && !unit.stopping {
            writer::note("systemd", &name, &format!("{name}: Main process exited, {exit:?}"));
            writer::note("systemd", &name, &format!("{name}: Failed with result '{}'.", unit.result()));
        }
        if well && unit.spec.transient && !unit.exited {
            list.remove(&name);
        }
        self.changed.notify_all();
    }

    /// Waits until a unit's process is gone or the time is over; true when it is gone.
    fn limit(self: &Arc<Self>, name: &str, pid: Pid, limit: Duration) {
        let (units, name) = (Arc::clone(self), name.to_owned());
        std::thread::spawn(move || {
            let end = Instant::now() + limit;
            let mut list = units.lock();
            loop {
                if list.get(&name).is_none_or(|unit| unit.pid != Some(pid)) {
                    return;
                }
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                list = units.changed.wait_timeout(list, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            if let Some(unit) = list.get_mut(&name) {
                unit.timed_out = true;
            }
            drop(list);
            let _ = killpg(pid, Signal::SIGTERM);
            std::thread::sleep(Duration::from_secs(2));
            let _ = killpg(pid, Signal::SIGKILL);
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Unit>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unit {
    fn succeeded(&self) -> bool {
        !self.timed_out
            && (self.exit == Some(Exit::Code(0)) || (self.stopping && matches!(self.exit, Some(Exit::Signal(_)))))
    }

    fn result(&self) -> &'static str {
        match self.exit {
            _ if self.timed_out => "timeout",
            Some(Exit::Code(code)) if code != 0 => "exit-code",
            Some(Exit::Signal(_)) if !self.stopping => "signal",
            _ => "success",
        }
    }

    fn describe(&self, shown: &mut Shown) {
        let words = match (self.pid, self.exited, self.exit) {
            (Some(_), ..) => ("active", "running"),
            (None, true, _) => ("active", "exited"),
            (None, false, Some(_)) if !self.succeeded() => ("failed", "failed"),
            _ => ("inactive", "dead"),
        };
        (shown.active, shown.sub) = (words.0.to_owned(), words.1.to_owned());
        shown.result = self.result().to_owned();
        shown.pid = self.pid.map_or(0, Pid::as_raw);
        (shown.code, shown.status) = match self.exit {
            Some(Exit::Code(code)) => (1, code),
            Some(Exit::Signal(signal)) => (2, signal),
            None => (0, 0),
        };
    }
}

/// The units that a node has without anybody making them.
fn fixed(name: &str) -> Option<Spec> {
    let kind = std::fs::read_to_string(paths::KIND).unwrap_or_default();
    let is_pve = kind.trim() == "pve";
    let is_ssh_only = kind.trim() == "ssh";
    let (command, description, condition): (&[&str], &str, &str) = match name {
        "ssh.service" => (&["/usr/sbin/sshd", "-D"], "OpenBSD Secure Shell server", ""),
        "corosync.service" if is_pve => (&["/usr/sbin/corosync", "-f"], "Corosync Cluster Engine", paths::LOCAL_CONF),
        "pve-cluster.service" if is_pve => (&[paths::STANDIN, "pmxcfs"], "The Proxmox VE cluster filesystem", ""),
        "pveproxy.service" if is_pve => (&[paths::STANDIN, "listen", "8006"], "lab stand-in for pveproxy", ""),
        "corosync-qdevice.service" if is_pve => {
            (&["/usr/sbin/corosync-qdevice", "-f"], "Corosync Qdevice daemon", paths::LOCAL_CONF)
        }
        "pvedaemon.service" if is_pve => (&[paths::STANDIN, "idle"], "lab stand-in for pvedaemon", ""),
        "pvestatd.service" if is_pve => (&[paths::STANDIN, "idle"], "lab stand-in for pvestatd", ""),
        "chrony.service" if is_pve => (&[paths::STANDIN, "idle"], "lab stand-in for chronyd", ""),
        "corosync.service" | "pve-cluster.service" if is_ssh_only => {
            (&[paths::STANDIN, "idle"], "nothing but a name on this node", "")
        }
        "corosync-qnetd.service" if !is_pve && !is_ssh_only => {
            (&["/usr/bin/corosync-qnetd", "-f"], "Corosync Qdevice Network daemon", "")
        }
        _ => return None,
    };
    let output = format!("/run/{name}.log");
    Some(Spec {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        description: description.to_owned(),
        stdout: output.clone(),
        stderr: output,
        condition: condition.to_owned(),
        ..Spec::default()
    })
}

fn spawn(spec: &Spec) -> std::io::Result<Pid> {
    let mut words = spec.command.iter();
    let program = words.next().ok_or(std::io::ErrorKind::InvalidInput)?;
    let directory = if spec.directory.is_empty() { "/" } else { &spec.directory };
    let mut command = Command::new(program);
    command
        .args(words)
        .env_clear()
        .env("PATH", SERVICE_PATH)
        .env("LANG", "C.UTF-8")
        .current_dir(directory)
        .process_group(0);
    // sshd's sandbox kills it for what libfaketime does; its sessions get the moved clock from its configuration.
    if words::clock_offset_us() != 0 && program != "/usr/sbin/sshd" {
        command.env("LD_PRELOAD", std::fs::read_to_string(paths::MOVED_BY)?.trim()).env("DONT_FAKE_MONOTONIC", "1");
    }
    command.env("INVOCATION_ID", format!("{:032x}", words::now_us()));
    command.envs(spec.environment.iter().filter_map(|pair| pair.split_once('=')));
    command.stdin(Stdio::null()).stdout(output(&spec.stdout)?).stderr(output(&spec.stderr)?);
    let child = command.spawn()?;
    // The reaper, not this handle, hears of the end.
    Ok(Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()))
}

fn output(path: &str) -> std::io::Result<Stdio> {
    if path.is_empty() {
        return Ok(Stdio::null());
    }
    Ok(File::options().append(true).create(true).open(path)?.into())
}
