//! What processes have used, as the kernel counts it.

use anyhow::Context as _;
use std::time::Duration;

/// Linux counts processor time for its users in hundredths of a second.
const TICKS_PER_SECOND: u64 = 100;
const KIB: f64 = 1024.0;
/// Fields of `/proc/PID/stat` behind the command's name: `utime` and `stime`, then those of ended children.
const OWN: [usize; 2] = [11, 12];
const CHILDREN: [usize; 2] = [13, 14];

/// Processor time of a running process with all its threads.
pub fn of(pid: u32) -> anyhow::Result<Duration> {
    ticks(&pid.to_string(), OWN)
}

/// Processor time of this process.
pub fn own() -> anyhow::Result<Duration> {
    ticks("self", OWN)
}

/// Processor time of the children of this process that have ended, and of theirs.
pub fn ended_children() -> anyhow::Result<Duration> {
    ticks("self", CHILDREN)
}

/// Memory that a process holds, in MiB.
pub fn memory_mib(pid: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let words = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = words.split_whitespace().next().context("no VmRSS")?.parse()?;
    Ok(kib / KIB)
}

fn ticks(process: &str, fields: [usize; 2]) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the process has ended")?;
    Ok(Duration::from_millis(sum(&text, fields)? * 1_000 / TICKS_PER_SECOND))
}

fn sum(stat: &str, fields: [usize; 2]) -> anyhow::Result<u64> {
    // The name may have spaces and brackets of its own.
    let rest = stat.rsplit_once(") ").context("no name")?.1;
    let words: Vec<&str> = rest.split(' ').collect();
    let number = |field: usize| -> anyhow::Result<u64> { Ok(words.get(field).context("too short")?.parse()?) };
    Ok(number(fields[0])? + number(fields[1])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_shifts_nothing() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4 1 2 3 4 500 60 7 8 20 0 9 0 100";
        assert_eq!((sum(stat, OWN).unwrap(), sum(stat, CHILDREN).unwrap()), (560, 15));
    }
}
