//! Writes the journal. Programs log through `/dev/log`, exactly as on any machine.

use std::fs::File;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use serde_json::json;

use crate::{paths, words};

const LOG_SOCKET: &str = "/dev/log";
/// Longest message that is taken, bytes.
const MESSAGE_LIMIT: usize = 16 * 1024;
/// Priority `notice`, for init's own lines.
const NOTICE: u32 = 6;

static ENTRIES: AtomicU64 = AtomicU64::new(0);

/// Starts taking messages.
pub fn spawn() -> anyhow::Result<()> {
    let socket = UnixDatagram::bind(LOG_SOCKET).context(LOG_SOCKET)?;
    std::fs::set_permissions(LOG_SOCKET, std::os::unix::fs::PermissionsExt::from_mode(0o666)).context(LOG_SOCKET)?;
    std::thread::spawn(move || {
        let mut buffer = vec![0_u8; MESSAGE_LIMIT];
        while let Ok(length) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            take(text.trim_end_matches(['\0', '\n']));
        }
    });
    Ok(())
}

/// A line of init itself about a unit.
pub fn note(identifier: &str, unit: &str, message: &str) {
    append(identifier, 1, NOTICE, message, "init.scope", Some(unit));
}

/// Sends a line to the journal from any program of the node.
pub fn log(identifier: &str, message: &str) {
    let pid = std::process::id();
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.send_to(format!("<30>{identifier}[{pid}]: {message}").as_bytes(), LOG_SOCKET);
    }
}

fn take(text: &str) {
    let line = read(text);
    append(&line.identifier, line.pid, line.priority, &line.message, unit_of(&line.identifier), None);
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    priority: u32,
    identifier: String,
    pid: u32,
    message: String,
}

/// `<PRIORITY>Mmm dd hh:mm:ss IDENTIFIER[PID]: MESSAGE`, the time may be missing.
fn read(text: &str) -> Line {
    let (priority, rest) = match text.strip_prefix('<').and_then(|tail| tail.split_once('>')) {
        Some((number, rest)) => (number.parse::<u32>().unwrap_or(NOTICE) % 8, rest),
        None => (NOTICE, text),
    };
    let has_time = rest.as_bytes().get(3) == Some(&b' ') && rest.as_bytes().get(9) == Some(&b':');
    let rest = if has_time { rest.get(16..).unwrap_or_default() } else { rest };
    let (head, message) = rest.split_once(':').unwrap_or(("", rest));
    let (identifier, pid) = match head.split_once('[') {
        Some((name, pid)) => (name, pid.trim_end_matches(']').parse().unwrap_or_default()),
        None => (head, 0),
    };
    let message = message.strip_prefix(' ').unwrap_or(message).to_owned();
    Line { priority, identifier: identifier.to_owned(), pid, message }
}

fn unit_of(identifier: &str) -> &'static str {
    match identifier {
        "corosync" => "corosync.service",
        "pmxcfs" => "pve-cluster.service",
        "sshd" | "sshd-session" => "ssh.service",
        "corosync-qdevice" => "corosync-qdevice.service",
        "corosync-qnetd" => "corosync-qnetd.service",
        _ => "init.scope",
    }
}

fn append(identifier: &str, pid: u32, priority: u32, message: &str, unit: &str, about: Option<&str>) {
    let boot = std::fs::read_to_string("/run/boot-id").unwrap_or_default();
    let boot = boot.trim();
    let now = words::now_us().saturating_add_signed(words::clock_offset_us());
    let number = ENTRIES.fetch_add(1, Ordering::SeqCst) + 1;
    let mut entry = json!({
        "__CURSOR": format!("s={boot};i={number:x};b={boot};t={now:x}"),
        "__REALTIME_TIMESTAMP": now.to_string(),
        "_BOOT_ID": boot,
        "_HOSTNAME": words::hostname().unwrap_or_default(),
        "_PID": pid.to_string(),
        "_SYSTEMD_UNIT": unit,
        "SYSLOG_IDENTIFIER": identifier,
        "PRIORITY": priority.to_string(),
        "MESSAGE": message,
        "_TRANSPORT": "syslog",
    });
    if let (Some(about), Some(map)) = (about, entry.as_object_mut()) {
        map.insert("UNIT".to_owned(), json!(about));
    }
    let file = File::options().append(true).create(true).open(paths::JOURNAL);
    if let Ok(mut file) = file {
        let _ = file.write_all(format!("{entry}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_lines_keep_the_message_as_it_is() {
        let line = read("<30>Nov 22 07:35:16 corosync[172]:   [KNET  ] host: host: 3 has no active links");
        assert_eq!((line.priority, line.identifier.as_str(), line.pid), (6, "corosync", 172));
        assert_eq!(line.message, "  [KNET  ] host: host: 3 has no active links");
        let own = read("<29>pmxcfs[7]: [status] notice: node has quorum");
        assert_eq!(
            (own.priority, own.identifier.as_str(), own.message.as_str()),
            (5, "pmxcfs", "[status] notice: node has quorum")
        );
    }
}
