//! Disks, memory, and the kernel's settings.

use super::Question;
use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::ParseError;
use model::facts::host::{DiskSpace, Memory};
use model::preflight::Source;
use std::collections::BTreeMap;

/// Where pmxcfs keeps its database, where configuration lies, where logs go.
const FOLDERS: [&str; 3] = ["/var/lib/pve-cluster", "/etc", "/var/log"];
const SETTINGS: [&str; 3] =
    ["net.ipv4.conf.all.rp_filter", "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max"];
/// `sysctl` where a setting does not exist: the others are printed all the same.
const SYSCTL_EXITS: [i32; 3] = [0, 1, 255];

/// What the kernel's hung task detector writes (kernel/hung_task.c): *blocked for more than 120 seconds*.
const HUNG: &str = "blocked for more than|hung_task";
/// So many of the newest lines are asked for.
const HUNG_LINES: &str = "5";
/// What journalctl prints where nothing matches.
const NO_ENTRIES: &str = "-- No entries --";
const JOURNAL_LIMIT_S: u32 = 15;

pub(super) fn third() -> Vec<Question> {
    let command = CommandLine::reads("journalctl")
        .args(["-k", "-b", "-o", "cat", "--no-pager", "-n", HUNG_LINES, "-g", HUNG])
        .limit_s(JOURNAL_LIMIT_S);
    vec![Question::new(Source::KernelLog, command, |answer, found| {
        found.host.hung_tasks = Ok(hung(answer)?);
        Ok(())
    })]
}

/// Lines about tasks that hung. journalctl ends with 1 where none is there, and says so.
fn hung(answer: Answer<'_>) -> Result<u32, ParseError> {
    const WHAT: &str = "journalctl -k";
    let text = answer.printed(WHAT, &[0, 1])?;
    let mut count = 0;
    let mut none = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == NO_ENTRIES {
            none = true;
        } else if HUNG.split('|').any(|words| line.to_lowercase().contains(words)) {
            count += 1;
        } else {
            return Err(ParseError::malformed(WHAT, "a line", line));
        }
    }
    if none == (count == 0) { Ok(count) } else { Err(ParseError::malformed(WHAT, "an end", &text)) }
}

pub(super) fn second() -> [Question; 4] {
    let df = CommandLine::reads("df").args(["-B1", "--output=target,avail,ipcent"]).args(FOLDERS);
    [
        Question::new(Source::Disks, df, |answer, found| {
            found.host.disks = Ok(disks(answer)?);
            Ok(())
        }),
        Question::new(Source::IoPressure, CommandLine::reads("cat").arg("/proc/pressure/io"), |answer, found| {
            found.host.io_stalled = Ok(stalled(answer)?);
            Ok(())
        }),
        Question::new(Source::Memory, CommandLine::reads("cat").arg("/proc/meminfo"), |answer, found| {
            found.host.memory = Ok(memory(answer)?);
            Ok(())
        }),
        Question::new(Source::Settings, CommandLine::reads("sysctl").args(SETTINGS), |answer, found| {
            found.host.settings = Ok(settings(answer)?);
            Ok(())
        }),
    ]
}

fn disks(answer: Answer<'_>) -> Result<Vec<DiskSpace>, ParseError> {
    const WHAT: &str = "df";
    let text = answer.printed(WHAT, &[0])?;
    let mut found = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let bad = || ParseError::malformed(WHAT, "a line", line);
        let mut words = line.split_whitespace().rev();
        let (inodes, free) = (words.next().ok_or_else(bad)?, words.next().ok_or_else(bad)?);
        let place: Vec<&str> = words.rev().collect();
        let inodes_used_percent = match inodes {
            "-" => None,
            text => Some(text.strip_suffix('%').and_then(|number| number.parse().ok()).ok_or_else(bad)?),
        };
        let free_bytes = free.parse().map_err(|_| bad())?;
        found.push(DiskSpace { place: clean_text(&place.join(" ")), free_bytes, inodes_used_percent });
    }
    if found.len() == FOLDERS.len() { Ok(found) } else { Err(ParseError::malformed(WHAT, "a line per folder", &text)) }
}

/// Hundredths of a percent of the last minute in which everything waited.
fn stalled(answer: Answer<'_>) -> Result<u32, ParseError> {
    const WHAT: &str = "/proc/pressure/io";
    let text = answer.printed(WHAT, &[0])?;
    let full = text.lines().find(|line| line.starts_with("full "));
    let minute = full.and_then(|line| line.split_whitespace().find_map(|word| word.strip_prefix("avg60=")));
    let hundredths = minute.and_then(|word| {
        let (whole, part) = word.split_once('.')?;
        let part: u32 = (part.len() == 2).then(|| part.parse().ok())??;
        whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
    });
    hundredths.ok_or_else(|| ParseError::malformed(WHAT, "the last minute", &text))
}

fn memory(answer: Answer<'_>) -> Result<Memory, ParseError> {
    const WHAT: &str = "/proc/meminfo";
    let text = answer.printed(WHAT, &[0])?;
    let of = |name: &'static str| {
        let line = text.lines().find(|line| line.split(':').next() == Some(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        number.ok_or_else(|| ParseError::missing(WHAT, name))
    };
    Ok(Memory { available_kib: of("MemAvailable")?, swap_kib: of("SwapTotal")?, swap_free_kib: of("SwapFree")? })
}

fn settings(answer: Answer<'_>) -> Result<BTreeMap<String, i64>, ParseError> {
    const WHAT: &str = "sysctl";
    let text = answer.printed(WHAT, &SYSCTL_EXITS)?;
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let pair = line.split_once(" = ").and_then(|(key, value)| Some((key.trim(), value.trim().parse().ok()?)));
        let (key, value) = pair.ok_or_else(|| ParseError::malformed(WHAT, "a setting", line))?;
        if SETTINGS.contains(&key) {
            found.insert(key.to_owned(), value);
        }
    }
    // This one every kernel has: without it something else has answered.
    if found.contains_key("net.ipv4.conf.all.rp_filter") {
        Ok(found)
    } else {
        Err(ParseError::missing(WHAT, "rp_filter"))
    }
}
