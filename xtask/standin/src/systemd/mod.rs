//! `systemctl`, `timedatectl` and the node's boot, for exactly the calls that the product and `pvecm` make.

pub mod run;
mod start;

use std::collections::BTreeSet;

use anyhow::bail;

use crate::init::control::{self, Request};
use crate::init::units::Shown;
use crate::journal::reader::unit_name;
use crate::{paths, words};

pub use start::boot_sequence;

/// Exit code of `is-active` when nothing is active.
const NOT_ACTIVE: u8 = 3;
/// Units whose Debian package has a script for SysV beside them, and what keeps the two in step.
const SYSV: [&str; 2] = ["corosync.service", "corosync-qdevice.service"];
const SYSV_INSTALL: &str = "/usr/lib/systemd/systemd-sysv-install";
/// Exit code for a unit that is not loaded.
const NOT_LOADED: u8 = 5;

/// `systemctl VERB [OPTIONS] UNIT...`.
pub fn systemctl(args: &[String]) -> anyhow::Result<u8> {
    let mut properties = Vec::new();
    let mut words = Vec::new();
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        if let Some(list) =
            word.strip_prefix("--property=").or_else(|| word.strip_prefix("-p").filter(|tail| !tail.is_empty()))
        {
            properties.extend(list.split(',').map(str::to_owned));
        } else if word == "-p" || word == "--property" {
            properties.extend(rest.next().into_iter().flat_map(|list| list.split(',')).map(str::to_owned));
        } else if !word.starts_with('-') {
            words.push(word.clone());
        }
    }
    let Some((verb, units)) = words.split_first() else { bail!("systemctl needs a verb") };
    let units: Vec<String> = units.iter().map(|name| unit_name(name)).collect();
    match verb.as_str() {
        "start" => start::start(&units),
        "stop" => start::stop(&units),
        "restart" | "reload" | "reload-or-restart" | "try-restart" => start::restart(&units),
        "enable" => {
            let code = set_enabled(&units, true)?;
            if args.iter().any(|word| word == "--now") { start::start(&units) } else { Ok(code) }
        }
        "disable" => set_enabled(&units, false),
        "is-enabled" => is_enabled(&units),
        "is-active" => is_active(&units),
        "is-system-running" => Ok(println_code("running", 0)),
        "show" => show(&units, &properties),
        "status" => status(&units),
        "reset-failed" => reset(&units),
        "daemon-reload" => Ok(0),
        other => bail!("Unknown command verb '{other}'."),
    }
}

/// `timedatectl show` and `set-timezone`: the nodes share the kernel's one clock, so between them it is in step.
pub fn timedatectl(args: &[String]) -> anyhow::Result<u8> {
    match args {
        [verb] if verb == "show" => {}
        [verb, zone] if verb == "set-timezone" => return set_time_zone(zone),
        _ => bail!("timedatectl: only 'show' and 'set-timezone' are there on a lab node"),
    }
    let zone =
        std::fs::read_to_string(paths::TIME_ZONE).map_or_else(|_| "Etc/UTC".to_owned(), |zone| zone.trim().to_owned());
    let date = std::process::Command::new("date").args(["-u", "+%a %Y-%m-%d %H:%M:%S UTC"]).output()?;
    println!("Timezone={zone}\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=yes");
    println!("TimeUSec={}", String::from_utf8_lossy(&date.stdout).trim());
    Ok(0)
}

/// The zones of this machine are those of its tzdata.
fn set_time_zone(zone: &str) -> anyhow::Result<u8> {
    let known = std::path::Path::new("/usr/share/zoneinfo").join(zone).is_file();
    if zone.contains("..") || zone.starts_with('/') || !known {
        bail!("Failed to set time zone: Invalid or not installed time zone '{zone}'");
    }
    std::fs::write(paths::TIME_ZONE, format!("{zone}\n"))?;
    Ok(0)
}

fn println_code(text: &str, code: u8) -> u8 {
    println!("{text}");
    code
}

fn is_active(units: &[String]) -> anyhow::Result<u8> {
    let mut code = NOT_ACTIVE;
    for unit in units {
        let shown = control::show(unit)?;
        if shown.active == "active" {
            code = 0;
        }
        println!("{}", shown.active);
    }
    Ok(code)
}

fn show(units: &[String], properties: &[String]) -> anyhow::Result<u8> {
    for (index, unit) in units.iter().enumerate() {
        if index > 0 {
            println!();
        }
        let shown = control::show(unit)?;
        for (key, value) in all_properties(unit, &shown) {
            if properties.is_empty() || properties.iter().any(|wanted| wanted == key) {
                println!("{key}={value}");
            }
        }
    }
    Ok(0)
}

/// In systemd's own order.
fn all_properties(unit: &str, shown: &Shown) -> Vec<(&'static str, String)> {
    vec![
        ("MainPID", shown.pid.to_string()),
        ("Result", shown.result.clone()),
        ("ExecMainPID", shown.pid.to_string()),
        ("ExecMainCode", shown.code.to_string()),
        ("ExecMainStatus", shown.status.to_string()),
        ("Id", unit.to_owned()),
        ("Description", shown.description.clone()),
        ("LoadState", shown.load.clone()),
        ("ActiveState", shown.active.clone()),
        ("SubState", shown.sub.clone()),
        // One number per run: here the process of the node's own small init tells runs apart.
        ("InvocationID", if shown.pid > 0 { format!("{:032x}", shown.pid) } else { String::new() }),
    ]
}

fn status(units: &[String]) -> anyhow::Result<u8> {
    let mut code = 0;
    for unit in units {
        let shown = control::show(unit)?;
        println!(
            "{unit} - {}\n     Loaded: {}\n     Active: {} ({})",
            shown.description, shown.load, shown.active, shown.sub
        );
        if shown.active != "active" {
            code = NOT_ACTIVE;
        }
    }
    Ok(code)
}

fn reset(units: &[String]) -> anyhow::Result<u8> {
    for unit in units {
        if let Err(error) = control::change(&Request::Reset(unit.clone())) {
            eprintln!("{error}");
            return Ok(1);
        }
    }
    Ok(0)
}

fn enabled() -> BTreeSet<String> {
    let text = std::fs::read_to_string(paths::ENABLED).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn set_enabled(units: &[String], on: bool) -> anyhow::Result<u8> {
    let mut set = enabled();
    for unit in units {
        let changed = if on { set.insert(unit.clone()) } else { set.remove(unit) };
        if SYSV.contains(&unit.as_str()) {
            let (name, word) = (unit.trim_end_matches(".service"), if on { "enable" } else { "disable" });
            eprintln!("Synchronizing state of {unit} with SysV service script with {SYSV_INSTALL}.");
            eprintln!("Executing: {SYSV_INSTALL} {word} {name}");
        }
        if changed && on {
            eprintln!(
                "Created symlink '/etc/systemd/system/multi-user.target.wants/{unit}' -> '/usr/lib/systemd/system/{unit}'."
            );
        } else if changed {
            eprintln!("Removed '/etc/systemd/system/multi-user.target.wants/{unit}'.");
        }
    }
    std::fs::write(paths::ENABLED, set.iter().map(|unit| format!("{unit}\n")).collect::<String>())?;
    Ok(0)
}

fn is_enabled(units: &[String]) -> anyhow::Result<u8> {
    let set = enabled();
    let mut code = 1;
    for unit in units {
        let on = set.contains(unit) || start::is_always(unit);
        if on {
            code = 0;
        }
        println!("{}", if on { "enabled" } else { "disabled" });
    }
    Ok(code)
}

/// Whether a unit is running, for other stand-ins.
pub fn is_running(unit: &str) -> bool {
    words::quietly("systemctl", &["is-active", unit])
}
