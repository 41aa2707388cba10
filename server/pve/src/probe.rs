//! The two-ended network probe: UDP proves nothing with one end, so every node echoes while it asks.
//!
//! The script runs on the Perl that every node has, with core modules only, and is part of this crate (`probe.pl`).

use crate::answer::Answer;
use crate::clean::clean_text_within;
use crate::command::CommandLine;
use crate::error::{ParseError, at_most};
use model::facts::host::{Pings, Traffic, WholePackets};
use model::facts::{ProbeReport, TcpProbe, Unreachable};
use std::net::{IpAddr, SocketAddr};

const WHAT: &str = "probe";
const SCRIPT: &str = include_str!("probe.pl");
/// How long the probe may run, in seconds.
pub const SECONDS_MAX: u8 = 30;
/// What the command may take beyond the probe's own seconds.
const MARGIN_S: u32 = 5;
/// The longest text of an error, in characters.
const TEXT_MAX_CHARS: usize = 120;
/// The most items that are read: 32 nodes with 8 links each, five times over, and the interfaces of many guests.
const ITEMS_MAX: usize = 1 << 14;

/// What one node's probe does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbePlan {
    /// Own addresses that echo UDP; corosync must not run on these ports.
    pub listen: Vec<SocketAddr>,
    /// Other nodes' listening addresses.
    pub udp: Vec<SocketAddr>,
    /// Ports that should take TCP connections.
    pub tcp: Vec<SocketAddr>,
    /// Own address, another node's address, and the size of a whole packet in bytes: for echo requests.
    pub echo: Vec<(IpAddr, IpAddr, u32)>,
}

/// Runs the probe for `seconds` (1 to 30); all nodes must run theirs at the same time.
#[must_use]
pub fn run(plan: &ProbePlan, seconds: u8) -> CommandLine {
    let seconds = seconds.clamp(1, SECONDS_MAX);
    let list = |name: &str, items: &[SocketAddr]| {
        let items: Vec<String> = items.iter().map(SocketAddr::to_string).collect();
        (!items.is_empty()).then(|| format!("{name}={}", items.join(",")))
    };
    let echo: Vec<String> = plan.echo.iter().map(|(own, peer, bytes)| format!("{own}/{peer}/{bytes}")).collect();
    let echo = (!echo.is_empty()).then(|| format!("echo={}", echo.join(",")));
    CommandLine::reads("perl")
        .arg("-e")
        .arg(SCRIPT)
        .arg("probe")
        .arg(seconds.to_string())
        .args(
            [list("listen", &plan.listen), list("udp", &plan.udp), list("tcp", &plan.tcp), echo].into_iter().flatten(),
        )
        .limit_s(u32::from(seconds) + MARGIN_S)
}

/// Reads the probe's lines.
///
/// # Errors
/// A failure of Perl, no line at all, or a line that the probe does not print.
pub fn report(answer: Answer<'_>) -> Result<ProbeReport, ParseError> {
    let text = answer.printed(WHAT, &[0])?;
    let mut report = ProbeReport::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        measured(&mut report, line)
            .or_else(|| take(&mut report, line))
            .ok_or_else(|| ParseError::malformed(WHAT, "an item's line", line))?;
        let ports = report.listen.len() + report.udp.len() + report.tcp.len();
        let refused: usize = report.unreachable.values().map(Vec::len).sum();
        let echoes = report.pings.len() + report.whole.len() + report.path_mtu.len() + refused;
        at_most(WHAT, ports + echoes + report.neighbours.len() + report.traffic.len(), ITEMS_MAX)?;
    }
    Ok(report)
}

/// Echo requests, neighbours and traffic; `None` for other lines.
fn measured(report: &mut ProbeReport, line: &str) -> Option<()> {
    let words: Vec<&str> = line.split(' ').collect();
    let address = |word: &str| word.parse::<IpAddr>().ok().map(|one| one.to_string());
    match words.as_slice() {
        ["ping", peer, sent, received, shortest, average, longest, jitter] => {
            let pings = Pings {
                sent: sent.parse().ok()?,
                received: received.parse().ok()?,
                min_us: shortest.parse().ok()?,
                avg_us: average.parse().ok()?,
                max_us: longest.parse().ok()?,
                jitter_us: jitter.parse().ok()?,
            };
            report.pings.insert(address(peer)?, pings);
        }
        ["whole", peer, bytes, sent, received] => {
            let whole =
                WholePackets { bytes: bytes.parse().ok()?, sent: sent.parse().ok()?, received: received.parse().ok()? };
            report.whole.insert(address(peer)?, whole);
        }
        ["mtu", peer, bytes] => {
            report.path_mtu.insert(address(peer)?, bytes.parse().ok()?);
        }
        ["unreachable", peer, code, by] => {
            let told = Unreachable { code: code.parse().ok()?, by: by.parse().ok()? };
            report.unreachable.entry(address(peer)?).or_default().push(told);
        }
        ["neighbour", peer, mac] => {
            report.neighbours.insert(address(peer)?, clean_text_within(mac, TEXT_MAX_CHARS));
        }
        ["traffic", name, millis, bytes, errors, drops] => {
            let traffic = Traffic {
                millis: millis.parse().ok()?,
                bytes: bytes.parse().ok()?,
                errors: errors.parse().ok()?,
                drops: drops.parse().ok()?,
            };
            report.traffic.insert(clean_text_within(name, TEXT_MAX_CHARS), traffic);
        }
        _ => return None,
    }
    Some(())
}

fn take(report: &mut ProbeReport, line: &str) -> Option<()> {
    let mut words = line.splitn(4, ' ');
    let kind = words.next()?;
    let address: SocketAddr = words.next()?.parse().ok()?;
    let result = words.next()?;
    let rest = clean_text_within(words.next().unwrap_or_default().trim(), TEXT_MAX_CHARS);
    let address = address.to_string();
    match kind {
        "listen" => {
            let text = match result {
                "ok" | "busy" => result.to_owned(),
                "fail" => rest,
                _ => return None,
            };
            report.listen.insert(address, text);
        }
        "udp" => {
            let (echoed, sent) = result.split_once('/')?;
            report.udp.insert(address, (echoed.parse().ok()?, sent.parse().ok()?));
        }
        "tcp" => {
            let found = match result {
                "open" => TcpProbe::Open { millis: rest.parse().ok()? },
                "refused" => TcpProbe::Refused,
                "timeout" => TcpProbe::Timeout,
                "fail" => TcpProbe::Failed { text: rest },
                _ => return None,
            };
            report.tcp.insert(address, found);
        }
        _ => return None,
    }
    Some(())
}
