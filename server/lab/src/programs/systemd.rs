//! `systemctl` and `systemd-run`: services, and units that outlive the connection.

use std::time::Duration;

use super::{Env, Sink, Stdin, args, run};
use crate::faults::UnitStart;
use crate::node::time::Chrony;
use crate::node::units::{Unit, UnitState};
use crate::node::{Kind, Node};

/// Exit code of `systemctl is-active` when nothing is active.
const INACTIVE: i32 = 3;
/// Exit code of `systemctl stop` for a unit that is not loaded.
const NOT_LOADED: i32 = 5;
/// Exit code of a service whose program does not exist (systemd.exec(5)).
const EXEC_FAILED: i32 = 203;
/// Exit code of `timeout`.
const TIMED_OUT: i32 = 124;
const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
/// Starting or stopping a daemon, in simulated milliseconds.
const DAEMON_MS: u64 = 600;

pub(crate) async fn systemctl(env: &Env, args: &[String]) -> i32 {
    env.pause(20).await;
    let Some((verb, rest)) = args.split_first() else { return 1 };
    match verb.as_str() {
        "is-active" => is_active(env, rest).await,
        "show" => show(env, rest).await,
        "stop" | "start" | "restart" | "reload" | "reset-failed" | "enable" if !env.is_root() => {
            env.fail("Failed to connect to bus: Permission denied", 1).await
        }
        "stop" => stop(env, rest).await,
        "start" | "restart" => start(env, verb, rest).await,
        "reset-failed" => reset_failed(env, rest).await,
        "enable" if rest.iter().any(|arg| arg == "--now") => {
            let count = |node: &mut Node| names(rest).for_each(|name| node.count(&format!("systemctl enable {name}")));
            env.world(|world| world.nodes.get_mut(&env.node).map(count));
            start(env, "start", rest).await
        }
        "enable" => 0,
        "reload" => reload(env, rest).await,
        other => env.fail(&format!("Unknown command verb '{other}', did you mean 'is-active'?"), 1).await,
    }
}

/// Names of units without options.
fn names(args: &[String]) -> impl Iterator<Item = String> + '_ {
    args.iter().filter(|arg| !arg.starts_with('-')).map(|name| name.trim_end_matches(".service").to_owned())
}

/// Whether a daemon of the node runs; `None` for a unit that is not installed.
fn daemon(node: &Node, name: &str) -> Option<bool> {
    let pve = node.kind == Kind::Pve;
    match name {
        "ssh" | "sshd" => Some(!node.faults.no_sshd),
        "chrony" if node.time.chrony == Chrony::Absent => None,
        "chrony" => Some(node.time.chrony == Chrony::Runs),
        "systemd-timesyncd" if node.time.chrony == Chrony::Absent => Some(true),
        "corosync" if pve => Some(node.corosync.running),
        "pve-cluster" if pve => Some(node.pmxcfs.running),
        "corosync-qdevice" if pve => Some(node.qdevice.running),
        "pve-ha-crm" | "pve-ha-lrm" | "watchdog-mux" | "pvedaemon" | "pveproxy" | "pvestatd" if pve => Some(true),
        "corosync-qnetd" if !pve => Some(node.qnetd_running),
        _ => None,
    }
}

async fn is_active(env: &Env, args: &[String]) -> i32 {
    let states: Vec<&str> = env.world(|world| {
        let Some(node) = world.nodes.get(&env.node) else { return Vec::new() };
        names(args)
            .map(|name| match (daemon(node, &name), node.units.get(&name).map(|unit| unit.state)) {
                (Some(true), _) | (None, Some(UnitState::Running | UnitState::Exited(0))) => "active",
                (Some(false), _) if name == "corosync" && node.corosync.failed => "failed",
                (None, Some(_)) => "failed",
                _ => "inactive",
            })
            .collect()
    });
    for state in &states {
        env.print(&format!("{state}\n")).await;
    }
    if states.contains(&"active") { 0 } else { INACTIVE }
}

/// The properties of the contract, in the order in which systemd prints them.
const PROPERTIES: [&str; 7] =
    ["Result", "ExecMainCode", "ExecMainStatus", "Description", "LoadState", "ActiveState", "SubState"];

async fn show(env: &Env, args: &[String]) -> i32 {
    let read = args::read(args, &["no-pager"]);
    let wanted: Vec<&str> = read
        .options
        .get("p")
        .or_else(|| read.options.get("property"))
        .map(|list| list.split(',').collect())
        .unwrap_or_default();
    let mut text = String::new();
    for (at, name) in read.words.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let name = name.trim_end_matches(".service");
        let values = env.world(|world| world.nodes.get(&env.node).map(|node| properties(node, name)));
        let Some(values) = values else { continue };
        for (key, value) in PROPERTIES.iter().zip(values) {
            if wanted.is_empty() || wanted.contains(key) {
                text.push_str(&format!("{key}={value}\n"));
            }
        }
        if wanted.contains(&"InvocationID") {
            let run = env.world(|world| world.nodes.get(&env.node).map(|node| invocation(node, name)));
            text.push_str(&format!("InvocationID={}\n", run.unwrap_or_default()));
        }
    }
    env.print(&text).await;
    0
}

/// The number of corosync's last run, empty before its first one; the runs of other services are not counted.
fn invocation(node: &Node, name: &str) -> String {
    match (name, node.corosync.starts) {
        ("corosync", starts) if starts > 0 => format!("{starts:032x}"),
        _ => String::new(),
    }
}

fn properties(node: &Node, name: &str) -> [String; 7] {
    let own = |values: [&str; 7]| values.map(str::to_owned);
    if let Some(running) = daemon(node, name) {
        let failed = name == "corosync" && node.corosync.failed && !running;
        return match (running, failed) {
            (true, _) => own(["success", "0", "0", name, "loaded", "active", "running"]),
            (false, true) => own(["exit-code", "1", "8", name, "loaded", "failed", "failed"]),
            (false, false) => own(["success", "1", "0", name, "loaded", "inactive", "dead"]),
        };
    }
    let Some(unit) = node.units.get(name) else {
        let service = format!("{name}.service");
        return own(["success", "0", "0", &service, "not-found", "inactive", "dead"]);
    };
    let (result, code, status, active, sub) = match unit.state {
        UnitState::Running => ("success", "0", 0, "active", "running"),
        UnitState::Exited(0) => ("success", "1", 0, "active", "exited"),
        UnitState::Exited(status) => ("exit-code", "1", status, "failed", "failed"),
        UnitState::Killed(signal) => ("signal", "2", signal, "failed", "failed"),
        UnitState::TimedOut => ("timeout", "2", SIGTERM, "failed", "failed"),
    };
    own([result, code, &status.to_string(), &unit.description, "loaded", active, sub])
}

async fn stop(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for name in names(args) {
        let known = env.world(|world| {
            let node = world.nodes.get_mut(&env.node)?;
            if let Some(unit) = node.units.get(&name) {
                if let Some(task) = &unit.task {
                    task.abort();
                }
                // A unit that failed stays until `reset-failed`; any other is forgotten.
                if matches!(unit.state, UnitState::Running | UnitState::Exited(0)) {
                    node.units.remove(&name);
                }
                return Some(false);
            }
            daemon(node, &name).map(|_| true)
        });
        match known {
            None => {
                let words = format!("Failed to stop {name}.service: Unit {name}.service not loaded.");
                code = env.fail(&words, NOT_LOADED).await;
            }
            Some(false) => {}
            Some(true) => {
                env.pause(DAEMON_MS).await;
                env.world(|world| match name.as_str() {
                    "corosync" => world.stop_corosync(&env.node, true),
                    "pve-cluster" => world.stop_pmxcfs(&env.node),
                    _ => world.set_daemon(&env.node, &name, false),
                });
            }
        }
    }
    code
}

async fn start(env: &Env, verb: &str, args: &[String]) -> i32 {
    let mut code = 0;
    for name in names(args) {
        if (name.as_str(), verb) == ("corosync", "restart") && restarted(env).await {
            continue;
        }
        env.pause(DAEMON_MS).await;
        let started = env.world(|world| {
            let node = world.nodes.get(&env.node)?;
            daemon(node, &name)?;
            Some(match (name.as_str(), verb == "restart") {
                ("corosync", _) => world.start_corosync(&env.node),
                ("pve-cluster", restart) => {
                    if restart {
                        world.stop_pmxcfs(&env.node);
                    }
                    world.start_pmxcfs(&env.node)
                }
                _ => {
                    world.set_daemon(&env.node, &name, true);
                    true
                }
            })
        });
        code = match started {
            Some(true) => code,
            Some(false) => {
                let words = format!(
                    "Job for {name}.service failed because the control process exited with error code.\nSee \"systemctl status {name}.service\" and \"journalctl -xeu {name}.service\" for details."
                );
                env.fail(&words, 1).await
            }
            None => {
                env.fail(&format!("Failed to {verb} {name}.service: Unit {name}.service not found."), NOT_LOADED).await
            }
        };
    }
    code
}

/// corosync is away for a moment; systemd brings it back even where nobody waits for that any more.
async fn restarted(env: &Env) -> bool {
    let there = env.world(|world| {
        let node = world.nodes.get_mut(&env.node)?;
        daemon(node, "corosync")?;
        node.count("systemctl restart corosync");
        world.stop_corosync(&env.node, true);
        Some(())
    });
    if there.is_none() {
        return false;
    }
    let inner = Env { stdin: Stdin::empty(), out: Sink::Null, err: Sink::Null, ..env.clone() };
    let starting = tokio::spawn(async move {
        inner.pause(DAEMON_MS).await;
        inner.world(|world| world.nodes.get(&inner.node).is_some_and(Node::alive) && world.start_corosync(&inner.node))
    });
    starting.await.unwrap_or(false)
}

/// A daemon that runs reads its settings again; nothing of them is simulated.
async fn reload(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for name in names(args) {
        let runs = env.world(|world| world.nodes.get(&env.node).and_then(|node| daemon(node, &name)));
        code = match runs {
            Some(true) => code,
            Some(false) => env.fail(&format!("{name}.service is not active, cannot reload."), 1).await,
            None => {
                env.fail(&format!("Failed to reload {name}.service: Unit {name}.service not found."), NOT_LOADED).await
            }
        };
    }
    code
}

async fn reset_failed(env: &Env, args: &[String]) -> i32 {
    let mut code = 0;
    for name in names(args) {
        let known = env.world(|world| {
            let node = world.nodes.get_mut(&env.node)?;
            if let Some(unit) = node.units.get(&name) {
                if !matches!(unit.state, UnitState::Running | UnitState::Exited(0)) {
                    node.units.remove(&name);
                }
                return Some(());
            }
            daemon(node, &name).map(|_| node.corosync.failed = false)
        });
        if known.is_none() {
            let words = format!("Failed to reset failed state of unit {name}.service: Unit {name}.service not loaded.");
            code = env.fail(&words, 1).await;
        }
    }
    code
}

/// What a `systemd-run` line asks for.
#[derive(Default)]
struct Request {
    name: String,
    remain: bool,
    out: Option<String>,
    err: Option<String>,
    limit: Option<Duration>,
    argv: Vec<String>,
}

fn request(args: &[String]) -> Option<Request> {
    let mut request = Request::default();
    let mut rest = args.iter();
    for arg in rest.by_ref() {
        match arg.split_once('=') {
            _ if arg == "--" => break,
            _ if arg == "--remain-after-exit" => request.remain = true,
            Some(("--unit", name)) => request.name = name.trim_end_matches(".service").to_owned(),
            Some(("--property", property)) => {
                let (key, value) = property.split_once('=')?;
                match key {
                    "StandardOutput" => request.out = value.strip_prefix("append:").map(str::to_owned),
                    "StandardError" => request.err = value.strip_prefix("append:").map(str::to_owned),
                    "RuntimeMaxSec" => request.limit = value.parse().ok().map(Duration::from_secs),
                    "Type" | "WorkingDirectory" | "Environment" => {}
                    _ => return None,
                }
            }
            Some(("--setenv" | "--description", _)) => {}
            _ => return None,
        }
    }
    request.argv = rest.cloned().collect();
    (!request.name.is_empty() && !request.argv.is_empty()).then_some(request)
}

pub(crate) async fn systemd_run(env: &Env, args: &[String]) -> i32 {
    env.pause(40).await;
    if !env.is_root() {
        return env.fail("Failed to start transient service unit: Interactive authentication required.", 1).await;
    }
    let Some(request) = request(args) else {
        return env.fail("systemd-run: not understood here", 1).await;
    };
    let cut_off = env.world(|world| world.nodes.get_mut(&env.node).and_then(|node| node.faults.unit_start.take()));
    if cut_off == Some(UnitStart::Lost) {
        return TIMED_OUT;
    }
    let name = request.name.clone();
    let (remain, description) = (request.remain, request.argv.join(" "));
    let serial = env.world(|world| {
        let revision = world.revision;
        let node = world.nodes.get_mut(&env.node)?;
        if node.units.get(&name).is_some_and(Unit::is_loaded) {
            return None;
        }
        let unit =
            Unit { state: UnitState::Running, description, remain_after_exit: remain, task: None, serial: revision };
        node.units.insert(name.clone(), unit);
        world.changed();
        Some(revision)
    });
    let Some(serial) = serial else {
        let words = format!(
            "Failed to start transient service unit: Unit {name}.service was already loaded or has a fragment file."
        );
        return env.fail(&words, 1).await;
    };
    let sink = |path: &Option<String>| path.clone().map_or(Sink::Null, Sink::File);
    let inner = Env { stdin: Stdin::empty(), out: sink(&request.out), err: sink(&request.err), ..env.clone() };
    let task = tokio::spawn(run_unit(inner, request, serial)).abort_handle();
    env.world(|world| {
        let unit = world.nodes.get_mut(&env.node).and_then(|node| node.units.get_mut(&name));
        if let Some(unit) = unit.filter(|unit| unit.serial == serial) {
            unit.task = Some(task);
        }
    });
    if let Some(how) = cut_off {
        let hangs = how == UnitStart::StartedThenHangs;
        env.world(|world| world.nodes.get_mut(&env.node).map(|node| node.faults.hang = hangs));
        return TIMED_OUT;
    }
    env.eprint(&format!("Running as unit: {name}.service; invocation ID: {serial:032x}\n")).await;
    0
}

/// Runs the program and notes how it ended.
async fn run_unit(env: Env, request: Request, serial: u64) {
    for sink in [&env.out, &env.err] {
        if let Sink::File(path) = sink {
            // systemd makes the files before the program starts.
            let _ = env.world(|world| world.append(&env.node, path, b""));
        }
    }
    let limit = request.limit.unwrap_or(Duration::MAX);
    let state = match tokio::time::timeout(limit, run(&env, &request.argv)).await {
        // Programs that a fault kills end with 128 and the signal's number.
        Ok(Some(code)) if code == 128 + SIGKILL => UnitState::Killed(SIGKILL),
        Ok(Some(code)) => UnitState::Exited(code & 0xff),
        Ok(None) => UnitState::Exited(EXEC_FAILED),
        Err(_) => UnitState::TimedOut,
    };
    env.world(|world| {
        let Some(node) = world.nodes.get_mut(&env.node) else { return };
        let Some(unit) = node.units.get_mut(&request.name).filter(|unit| unit.serial == serial) else { return };
        unit.state = state;
        unit.task = None;
        if !unit.remain_after_exit && state == UnitState::Exited(0) {
            node.units.remove(&request.name);
        }
        world.changed();
    });
}
