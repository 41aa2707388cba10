//! The one place that hides what cannot be the same twice: times, ids, counters.
//!
//! A rule hides a value only where the value has the shape that belongs there, so that no word can hide behind it.

/// Weekdays and months as programs print them in the C locale.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Keys of pmxcfs's JSON whose numbers count changes or seconds.
const COUNTED: [&str; 4] = ["\"version\"", "\"starttime\"", "\"clinfo\"", "\"vmlist\""];
/// The only numbers in `-m stats` that say how a link is.
const TOLD: [&str; 3] = [".connected", ".enabled", ".mtu"];

/// The lines of an answer without what differs from run to run; blank lines at the end do not count.
#[must_use]
pub fn lines(command: &str, text: &str) -> Vec<String> {
    let mut out: Vec<String> = text.lines().map(|text| line(command, text)).collect();
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out
}

fn line(command: &str, line: &str) -> String {
    if command.contains("corosync-cmapctl") {
        return cmap(line);
    }
    if command.contains(".version")
        && let Some((name, number)) =
            line.split_once(": ").filter(|(_, number)| is_number(number.trim_end_matches(['}', ','])))
    {
        let end: String = number.chars().filter(|c| !c.is_ascii_digit()).collect();
        return format!("{name}: N{end}");
    }
    if command.starts_with("journalctl") {
        return if command.contains("short-iso") { iso_journal(line) } else { journal(line) };
    }
    if let Some(time) = line.strip_prefix("TimeUSec=")
        && is_timedatectl(time)
    {
        return "TimeUSec=TIME".to_owned();
    }
    field(line).unwrap_or_else(|| words(line))
}

/// `key: value` lines of the cluster's tools and files.
fn field(line: &str) -> Option<String> {
    let (key, value) = line.split_once(':')?;
    let bare = value.trim();
    match key {
        "Date" if is_date(bare) => Some("Date: DATE".to_owned()),
        "Last poll call" | "Connected since" | "Echo reply received" => {
            let (time, rest) = bare.split_once(' ').unwrap_or((bare, ""));
            is_iso(time).then(|| format!("{key}: TIME {rest}"))
        }
        // The lowest node id stays, the sequence number goes.
        "Ring ID" => {
            let (node, sequence) = bare.split_once('.')?;
            u64::from_str_radix(sequence, 16).ok().map(|_| format!("Ring ID: {node}.SEQ"))
        }
        _ if COUNTED.contains(&key) && is_number(bare.trim_end_matches(',')) => {
            Some(format!("{key}: N{}", if bare.ends_with(',') { "," } else { "" }))
        }
        _ => None,
    }
}

/// Single words that are random or a time, wherever they stand.
fn words(line: &str) -> String {
    let bare = line.trim();
    if bare.starts_with('|') && bare.ends_with('|') && bare.chars().filter(|c| c.is_alphabetic()).count() < 12 {
        return "|art|".to_owned();
    }
    let mut out: Vec<String> = line.split(' ').map(word).collect();
    // `Sun Nov 22 08:20:33 2026)` inside of a line.
    for at in 0..out.len() {
        let end = (at + 5).min(out.len());
        let date = out.get(at..end).unwrap_or_default().join(" ");
        if is_date(date.trim_end_matches(')')) {
            let close = if date.ends_with(')') { ")" } else { "" };
            out.splice(at..end, [format!("DATE{close}")]);
        }
    }
    out.join(" ")
}

fn word(word: &str) -> String {
    if let Some(print) = word.strip_prefix("SHA256:").filter(|print| print.len() == 43) {
        return format!("SHA256:{}", "P".repeat(print.len()));
    }
    for mark in ["/backup/config-", ".conf.new.tmp."] {
        if let Some((start, rest)) = word.split_once(mark) {
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            return format!("{start}{mark}N{}", rest.get(digits..).unwrap_or_default());
        }
    }
    word.to_owned()
}

/// `key (type) = value`: of statistics only what tells how a link is, of everything else the value too.
fn cmap(line: &str) -> String {
    let Some((key, rest)) = line.split_once(" (") else { return line.to_owned() };
    let Some((kind, value)) = rest.split_once(") = ") else { return line.to_owned() };
    let counter = key.starts_with("stats.") && !TOLD.iter().any(|end| key.ends_with(end));
    let value = if counter && is_number(value) { "N" } else { value };
    format!("{key} ({kind}) = {value}")
}

/// `Nov 22 07:36:57 pve1 corosync[172]:   [TOTEM ] A new membership (1.19) was formed.`
fn journal(line: &str) -> String {
    let words: Vec<&str> = line.splitn(5, ' ').collect();
    let [month, day, time, _, rest] = words.as_slice() else { return line.to_owned() };
    if !MONTHS.contains(month) || !is_number(day) || time.len() < 8 {
        return line.to_owned();
    }
    message(rest).unwrap_or_else(|| line.to_owned())
}

/// `2026-11-22T07:35:10+00:00 pve1 corosync[172]:   [TOTEM ] Configuring link 1`
fn iso_journal(line: &str) -> String {
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    let [time, _, rest] = words.as_slice() else { return line.to_owned() };
    let is_time = time.strip_suffix("+00:00").is_some_and(is_iso);
    is_time.then(|| message(rest)).flatten().unwrap_or_else(|| line.to_owned())
}

/// `corosync[172]:   [TOTEM ] Configuring link 1`
fn message(rest: &str) -> Option<String> {
    let (program, message) = rest.split_once(": ")?;
    let program = program.split('[').next().unwrap_or(program);
    Some(format!("{program}: {}", message_shape(message)))
}

/// A message with every number, address and node name replaced: what is left are its words.
#[must_use]
pub fn message_shape(message: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in message.chars() {
        let digit = c.is_ascii_digit() || (in_number && (c == '.' || c.is_ascii_hexdigit()));
        if digit && !in_number {
            out.push('N');
        }
        if !digit {
            out.push(c);
        }
        in_number = digit;
    }
    // `1/N, 2/N` and `1 2 3` are lists of any length.
    for (long, short) in [("N/N, N/N", "N/N"), ("N N", "N")] {
        while out.contains(long) {
            out = out.replace(long, short);
        }
    }
    out
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// `Sun Nov 22 07:18:07 2026`
fn is_date(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [day, month, number, time, year] => {
            DAYS.contains(day) && MONTHS.contains(month) && is_number(number) && is_clock(time) && is_number(year)
        }
        _ => false,
    }
}

/// `Sun 2026-11-22 08:41:52 UTC`
fn is_timedatectl(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        [day, date, time, "UTC"] => DAYS.contains(day) && date.split('-').all(is_number) && is_clock(time),
        _ => false,
    }
}

fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() == 2 && is_number(part))
}

/// `2026-11-22T07:45:19`
fn is_iso(text: &str) -> bool {
    text.split_once('T').is_some_and(|(date, time)| date.split('-').all(is_number) && is_clock(time))
}
