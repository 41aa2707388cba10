//! `journalctl` for the calls that the product makes: `-u`, `-n`, `-f`, `-o json|short|cat`, `--after-cursor`, `-b`, `-k`, `-g`.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{paths, words};

/// How often a follower looks for more; the real one batches for up to half a second.
const FOLLOW_PAUSE: Duration = Duration::from_millis(100);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[derive(Debug, Default)]
struct Query {
    units: Vec<String>,
    lines: Option<usize>,
    follow: bool,
    output: String,
    after: Option<String>,
    boot: Option<String>,
    /// The kernel's own lines: it is the machine's, and no node's.
    kernel: bool,
    searched: bool,
}

/// Prints matching entries, with `-f` for ever.
pub fn journalctl(args: &[String]) -> anyhow::Result<u8> {
    let query = read(args)?;
    if query.kernel {
        println!("-- No entries --");
        return Ok(u8::from(query.searched));
    }
    let mut file = match File::open(paths::JOURNAL) {
        Ok(file) => BufReader::new(file),
        Err(_) => bail!("No journal files were found."),
    };
    let mut found = Vec::new();
    let mut armed = query.after.is_none();
    let mut line = String::new();
    while file.read_line(&mut line).context("journal")? > 0 {
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        if armed && query.wants(&entry) {
            found.push(entry);
        } else if !armed {
            armed = entry["__CURSOR"].as_str() == query.after.as_deref();
        }
        line.clear();
    }
    let count = query.lines.unwrap_or(if query.follow { 10 } else { found.len() });
    let mut out = std::io::stdout();
    for entry in found.iter().skip(found.len().saturating_sub(count)) {
        print(&mut out, &query.output, entry)?;
    }
    if found.is_empty() && !query.follow && query.output != "json" {
        writeln!(out, "-- No entries --").context("output")?;
    }
    if query.follow { follow(file, &query) } else { Ok(0) }
}

fn read(args: &[String]) -> anyhow::Result<Query> {
    let mut query = Query { output: "short".to_owned(), ..Query::default() };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let (name, attached) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value.to_owned())));
        let mut value = || attached.clone().or_else(|| words.next().cloned()).context("option needs a value");
        match name {
            "-u" | "--unit" => query.units.push(unit_name(&value()?)),
            "-n" | "--lines" => query.lines = Some(value()?.parse().context("number of lines")?),
            "-o" | "--output" => query.output = value()?,
            "--after-cursor" => query.after = Some(value()?),
            "-f" | "--follow" => query.follow = true,
            "-k" | "--dmesg" => query.kernel = true,
            "-g" | "--grep" => query.searched = !value()?.is_empty(),
            "-b" | "--boot" => query.boot = std::fs::read_to_string("/run/boot-id").ok(),
            "--no-pager" | "-q" | "--quiet" | "-a" | "--all" => {}
            other => bail!("journalctl: unrecognized option '{other}'"),
        }
    }
    Ok(query)
}

pub fn unit_name(word: &str) -> String {
    let name = if word.contains('.') { word.to_owned() } else { format!("{word}.service") };
    if name == "sshd.service" { "ssh.service".to_owned() } else { name }
}

impl Query {
    fn wants(&self, entry: &Value) -> bool {
        let is = |key: &str, unit: &String| entry[key].as_str() == Some(unit);
        let unit = self.units.is_empty() || self.units.iter().any(|unit| is("_SYSTEMD_UNIT", unit) || is("UNIT", unit));
        let boot = self.boot.as_ref().is_none_or(|boot| entry["_BOOT_ID"].as_str() == Some(boot.trim()));
        unit && boot
    }
}

fn follow(mut file: BufReader<File>, query: &Query) -> anyhow::Result<u8> {
    let mut out = std::io::stdout();
    let mut line = String::new();
    loop {
        let read = file.read_line(&mut line).context("journal")?;
        if read > 0 && line.ends_with('\n') {
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            if query.wants(&entry) && print(&mut out, &query.output, &entry).is_err() {
                return Ok(0);
            }
            line.clear();
        } else {
            let back = i64::try_from(line.len()).unwrap_or_default();
            line.clear();
            file.seek(SeekFrom::Current(-back)).context("journal")?;
            std::thread::sleep(FOLLOW_PAUSE);
        }
    }
}

fn print(out: &mut impl Write, format: &str, entry: &Value) -> anyhow::Result<()> {
    let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    match format {
        "json" => writeln!(out, "{entry}"),
        "cat" => writeln!(out, "{}", text("MESSAGE")),
        _ => writeln!(
            out,
            "{} {} {}[{}]: {}",
            moment(&text("__REALTIME_TIMESTAMP"), format),
            text("_HOSTNAME"),
            text("SYSLOG_IDENTIFIER"),
            text("_PID"),
            text("MESSAGE")
        ),
    }
    .context("output")?;
    out.flush().context("output")
}

/// `Nov 22 07:35:16`, or `2026-11-22T07:35:16+00:00` where that was asked for, from microseconds.
fn moment(micros: &str, format: &str) -> String {
    let seconds = micros.parse::<u64>().unwrap_or_else(|_| words::now_us()) / 1_000_000;
    let (year, month, day) = words::date_of(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    if format == "short-iso" {
        return format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00");
    }
    let name = MONTHS.get(usize::try_from(month - 1).unwrap_or_default()).unwrap_or(&MONTHS[0]);
    format!("{name} {day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_has_the_form_that_was_asked_for() {
        assert_eq!(moment("1795332916244926", "short"), "Nov 22 07:35:16");
        assert_eq!(moment("1795332916244926", "short-iso"), "2026-11-22T07:35:16+00:00");
        assert_eq!(moment("1709164799000000", "short-iso"), "2024-02-28T23:59:59+00:00");
        assert_eq!(moment("1709251199000000", "short"), "Feb 29 23:59:59");
    }
}
