//! Small help for all stand-ins: names, local facts, other programs.

use std::process::{Command, Stdio};

use anyhow::Context;

/// Takes the first word of `args` and gives its last path part (`/usr/local/sbin/pvecm` is `pvecm`).
pub fn pop_name(args: &mut Vec<String>) -> String {
    if args.is_empty() {
        return String::new();
    }
    let first = args.remove(0);
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Year, month and day of a day since 1970 (after Howard Hinnant's `civil_from_days`).
pub fn date_of(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The node's host name.
pub fn hostname() -> anyhow::Result<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").context("host name")?;
    Ok(name.trim().to_owned())
}

/// All IP addresses of the local interfaces, from `ip -j addr`.
pub fn local_addresses() -> anyhow::Result<Vec<String>> {
    let output = Command::new("ip").args(["-j", "addr"]).output().context("ip -j addr")?;
    let links: serde_json::Value = serde_json::from_slice(&output.stdout).context("ip -j addr")?;
    let mut found = Vec::new();
    for link in links.as_array().into_iter().flatten() {
        for address in link["addr_info"].as_array().into_iter().flatten() {
            found.extend(address["local"].as_str().map(str::to_owned));
        }
    }
    Ok(found)
}

/// The address that `name` resolves to, never a loopback one.
pub fn resolve(name: &str) -> Option<String> {
    let output = Command::new("getent").args(["ahostsv4", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let address = text.split_whitespace().next()?.to_owned();
    (!address.starts_with("127.")).then_some(address)
}

/// Runs a program with the caller's output; true when it exited with 0.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs a program quietly; true when it exited with 0.
pub fn quietly(program: &str, args: &[&str]) -> bool {
    let status =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What a program prints, whatever its exit code; empty where it cannot be run.
pub fn quietly_text(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// The value that follows `option` (`--link0 A`, `--link0=A`, `-link0 A`), if it is there.
pub fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let bare = word.trim_start_matches('-');
        if bare.len() == word.len() {
            continue;
        }
        if bare == name {
            return rest.next().map(String::as_str);
        }
        if let Some(value) = bare.strip_prefix(name).and_then(|tail| tail.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

/// Microseconds since 1970.
pub fn now_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).unwrap_or_default()
}

/// How far the node's clock is moved: what init writes itself has the node's time, not the machine's.
pub fn clock_offset_us() -> i64 {
    let text = std::fs::read_to_string(crate::paths::MOVED_CLOCK).unwrap_or_default();
    offset_us(text.trim()).unwrap_or_default()
}

/// `+90.500` or `-3` in microseconds.
fn offset_us(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let micros: i64 = format!("{rest:0<6}").get(..6)?.parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()? * 1_000_000 + micros))
}

/// A process that is only there.
pub fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::offset_us;

    #[test]
    fn a_moved_clock_is_read_as_libfaketime_reads_it() {
        assert_eq!(offset_us("-90.500"), Some(-90_500_000));
        assert_eq!((offset_us("+150"), offset_us("+0"), offset_us("soon")), (Some(150_000_000), Some(0), None));
    }
}
