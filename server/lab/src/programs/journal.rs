//! `journalctl`: what is there, or following what comes.

use serde_json::json;

use super::{Env, pve::civil};
use crate::node::journal::Line;

/// Forms of an entry; `Short` is what is printed unless told otherwise.
#[derive(Debug, Default, PartialEq, Eq)]
enum Output {
    #[default]
    Short,
    ShortIso,
    Cat,
    Json,
}

#[derive(Debug, Default)]
struct Wanted {
    units: Vec<String>,
    output: Output,
    follow: bool,
    count: Option<usize>,
    /// The number of the first entry that is shown.
    from: Option<u64>,
    kernel: bool,
    /// For a pattern: without a line that matches the exit code is another one.
    searched: bool,
}

/// What every cursor of these journals begins with.
const CURSOR: &str = "s=51f0188620ca4230ad696afa0339060d;i=";

pub(crate) async fn journalctl(env: &Env, args: &[String]) -> i32 {
    env.pause(20).await;
    let wanted = match options(args) {
        Ok(wanted) => wanted,
        Err(words) => return env.fail(&words, 1).await,
    };
    if wanted.kernel {
        env.print("-- No entries --\n").await;
        return i32::from(wanted.searched);
    }
    let host = env.hostname();
    let mut changes = env.shared.subscribe();
    let (mut next, lines) = env.world(|world| match world.nodes.get(&env.node) {
        Some(node) => (node.journal.next(), node.journal.since(wanted.from.unwrap_or(0))),
        None => (0, Vec::new()),
    });
    let lines: Vec<(u64, Line)> = lines.into_iter().filter(|(_, line)| wanted.takes(line)).collect();
    // Following shows the last ten lines first, unless told otherwise.
    let count = wanted.count.unwrap_or(if wanted.follow && wanted.from.is_none() { 10 } else { usize::MAX });
    for (number, line) in lines.iter().skip(lines.len().saturating_sub(count)) {
        env.print(&wanted.show(&host, *number, line)).await;
    }
    if !wanted.follow {
        return 0;
    }
    while changes.changed().await.is_ok() {
        let fresh = env.world(|world| match world.nodes.get(&env.node) {
            Some(node) => node.journal.since(next),
            None => Vec::new(),
        });
        for (number, line) in fresh {
            next = next.max(number + 1);
            if wanted.takes(&line) {
                env.print(&wanted.show(&host, number, &line)).await;
            }
        }
    }
    0
}

fn options(args: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-f" | "--follow" => wanted.follow = true,
            // The kernel of a simulated node has nothing to say.
            "-k" | "--dmesg" => wanted.kernel = true,
            "-g" | "--grep" => wanted.searched = rest.next().is_some(),
            "--no-pager" | "-b" | "-q" => {}
            "-u" | "--unit" => wanted.units.extend(rest.next().cloned()),
            "-n" | "--lines" => wanted.count = rest.next().and_then(|word| word.parse().ok()),
            after if after.starts_with("--after-cursor=") => wanted.from = Some(after_cursor(after)?),
            "-o" | "--output" => wanted.output = output(rest.next().map_or("", String::as_str))?,
            other => return Err(format!("journalctl: unrecognized option '{other}'")),
        }
    }
    Ok(wanted)
}

fn after_cursor(arg: &str) -> Result<u64, String> {
    let number = arg.strip_prefix("--after-cursor=").and_then(|cursor| cursor.strip_prefix(CURSOR));
    let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
    number.map(|number| number + 1).ok_or_else(|| "Failed to seek to cursor: Invalid argument".to_owned())
}

fn output(word: &str) -> Result<Output, String> {
    match word {
        "short" => Ok(Output::Short),
        "short-iso" => Ok(Output::ShortIso),
        "cat" => Ok(Output::Cat),
        "json" => Ok(Output::Json),
        other => Err(format!("Unknown output format '{other}'.")),
    }
}

impl Wanted {
    fn takes(&self, line: &Line) -> bool {
        let short = line.unit.trim_end_matches(".service");
        self.units.is_empty() || self.units.iter().any(|unit| unit.trim_end_matches(".service") == short)
    }

    fn show(&self, host: &str, number: u64, line: &Line) -> String {
        if self.output == Output::Json {
            let entry = json!({
                "__CURSOR": format!("{CURSOR}{number:x}"),
                "__REALTIME_TIMESTAMP": line.time_us.to_string(),
                "_HOSTNAME": host,
                "_SYSTEMD_UNIT": line.unit,
                "SYSLOG_IDENTIFIER": line.identifier,
                "_PID": line.pid.to_string(),
                "PRIORITY": "6",
                "MESSAGE": line.message,
            });
            return format!("{entry}\n");
        }
        if self.output == Output::Cat {
            return format!("{}\n", line.message);
        }
        let form = if self.output == Output::ShortIso { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%b %d %H:%M:%S" };
        let time = civil(line.time_us, form);
        format!("{time} {host} {}[{}]: {}\n", line.identifier, line.pid, line.message)
    }
}
