//! However much a node says, a reader's work and memory have a limit: too many items are refused, never cut in silence.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

#[path = "support/readers.rs"]
mod readers;

use pve::{Answer, INPUT_MAX_BYTES, ParseError, Reason};
use std::fmt::Write as _;

type Count = Result<usize, ParseError>;

/// One format: how an answer with many items looks, and how many of them its reader takes.
struct Format {
    name: &'static str,
    head: &'static str,
    item: fn(usize) -> String,
    tail: &'static str,
    read: fn(Answer<'_>) -> Count,
    /// The reader's named cap, less what head and tail use of it.
    max: usize,
}

const QUORUM_HEAD: &str = "Quorum information\n---\nNodes: 1\nNode ID: 1\nRing ID: 1.5\nQuorate: Yes\n\nExpected votes: 1\n\
    Highest expected: 1\nTotal votes: 1\nQuorum: 1\nFlags: Quorate\n\n    Nodeid      Votes Name\n";
const CONF_HEAD: &str = "totem {\n  cluster_name: a\n  config_version: 1\n}\nnodelist {\n  node {\n    nodeid: 1\n\
    ring0_addr: a\n  }\n}\nquorum {\n";
/// Lines of head and tail that count.
const CONF_OVERHEAD: usize = 12;

fn formats() -> Vec<Format> {
    let mut all = corosync();
    all.extend(pmxcfs());
    all.extend(network());
    all.extend(host());
    all
}

fn corosync() -> Vec<Format> {
    vec![
        Format {
            name: "corosync-quorumtool -s",
            head: QUORUM_HEAD,
            item: |at| format!("{} 1 n\n", at + 1),
            tail: "",
            read: |answer| pve::quorumtool::quorum(answer).map(|status| status.members.len()),
            max: 1024,
        },
        Format {
            name: "corosync-cfgtool -s",
            head: "Local node ID 1, transport knet\nLINK ID 0 udp\n",
            item: |at| format!("nodeid: {}: connected\n", at + 2),
            tail: "",
            read: |answer| pve::cfgtool::link_rows(answer).map(|status| status.links.len()),
            max: 8192,
        },
        Format {
            name: "corosync-cfgtool -n",
            head: "Local node ID 1, transport knet\nnodeid: 2 reachable\n",
            item: |_| "LINK: 0 udp (a->b) enabled mtu: 1\n".to_owned(),
            tail: "",
            read: |answer| pve::cfgtool::link_lines(answer).map(|status| status.links.len()),
            max: 8192,
        },
        Format {
            name: "corosync-cmapctl",
            head: "",
            item: |at| format!("k.{at} (u8) = 1\n"),
            tail: "",
            read: |answer| pve::cmap::entries(answer).map(|map| map.len()),
            max: 1 << 15,
        },
        Format {
            name: "corosync.conf",
            head: CONF_HEAD,
            item: |at| format!("k{at}: v\n"),
            tail: "}\n",
            read: |answer| pve::corosync_conf::conf(answer).map(|conf| conf.expect("a file").quorum_options.len()),
            max: (1 << 14) - CONF_OVERHEAD,
        },
        Format {
            name: "journalctl -o json",
            head: "",
            item: |at| format!("{{\"__REALTIME_TIMESTAMP\":\"{at}\"}}\n"),
            tail: "",
            read: |answer| pve::journal::entries(answer).map(|list| list.len()),
            max: 1 << 14,
        },
    ]
}

fn pmxcfs() -> Vec<Format> {
    vec![
        Format {
            name: ".members",
            head: "{\"nodename\":\"a\",\"nodelist\":{",
            item: |at| format!("{}\"n{at}\":{{\"id\":{at},\"online\":1}}", comma(at)),
            tail: "}}",
            read: |answer| pve::pmxcfs::members(answer).map(|members| members.nodes.len()),
            max: 1024,
        },
        Format {
            name: ".version",
            head: "{\"clinfo\":1",
            item: |at| format!(",\"v{at}\":1"),
            tail: "}",
            read: |answer| pve::pmxcfs::versions(answer).map(|versions| versions.versions.len() - 1),
            max: (1 << 14) - 1,
        },
        Format {
            name: ".vmlist",
            head: "{\"version\":1,\"ids\":{",
            item: |at| format!("{}\"{at}\":{{\"node\":\"a\",\"type\":\"lxc\"}}", comma(at)),
            tail: "}}",
            read: |answer| pve::pmxcfs::guests(answer).map(|guests| guests.len()),
            max: 1 << 14,
        },
    ]
}

fn network() -> Vec<Format> {
    vec![
        Format {
            name: "ip -j addr",
            head: "[{\"ifname\":\"a\",\"addr_info\":[",
            item: |at| format!("{}{{\"local\":\"10.0.0.1\"}}", comma(at)),
            tail: "]}]",
            read: |answer| pve::network::addresses(answer).map(|list| list.len()),
            max: 1 << 14,
        },
        Format {
            name: "ip -j link",
            head: "[",
            item: |at| format!("{}{{\"ifname\":\"i{at}\"}}", comma(at)),
            tail: "]",
            read: |answer| pve::network::interfaces(answer).map(|list| list.len()),
            max: 1 << 14,
        },
        Format {
            name: "ip -j route",
            head: "[",
            item: |at| format!("{}{{\"dst\":\"{at}\"}}", comma(at)),
            tail: "]",
            read: |answer| pve::network::routes(answer).map(|list| list.len()),
            max: 1 << 14,
        },
        Format {
            name: "probe",
            head: "",
            item: |at| format!("tcp 10.0.0.1:{} refused\n", at + 1),
            tail: "",
            read: |answer| pve::probe::report(answer).map(|report| report.tcp.len()),
            max: 1 << 14,
        },
    ]
}

fn host() -> Vec<Format> {
    vec![
        Format {
            name: "cat",
            head: "",
            item: |_| "x\n".to_owned(),
            tail: "",
            read: |answer| pve::files::content(answer).map(|lines| lines.expect("a file").len()),
            max: 1 << 16,
        },
        Format {
            name: "ls -1A",
            head: "",
            item: |at| format!("{at}.conf\n"),
            tail: "",
            read: |answer| pve::files::names(answer).map(|names| names.expect("a folder").len()),
            max: 1 << 15,
        },
        Format {
            name: "sha256sum",
            head: "",
            item: |at| format!("{:064x}  /f{at}\n", at),
            tail: "",
            read: |answer| pve::files::digests(answer).map(|digests| digests.len()),
            max: 4096,
        },
        Format {
            name: "dpkg-query -W",
            head: "",
            item: |at| format!("p{at} 1 installed\n"),
            tail: "",
            read: |answer| pve::packages::installed(answer).map(|packages| packages.len()),
            max: 4096,
        },
        Format {
            name: "pveversion -v",
            head: "",
            item: |at| format!("p{at}: 1\n"),
            tail: "",
            read: |answer| pve::version::packages(answer).map(|packages| packages.len()),
            max: 4096,
        },
        Format {
            name: "systemctl show",
            head: "",
            item: |_| "ActiveState=active\n\n".to_owned(),
            tail: "",
            read: |answer| pve::systemd::states(answer).map(|states| states.len()),
            max: 1024,
        },
    ]
}

fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { "," }
}

impl Format {
    fn text(&self, items: usize) -> String {
        let mut text = self.head.to_owned();
        (0..items).for_each(|at| write!(text, "{}", (self.item)(at)).expect("a string takes everything"));
        text + self.tail
    }

    fn read(&self, items: usize) -> Result<usize, Reason> {
        (self.read)(Answer::ok(self.text(items).as_bytes())).map_err(|error| error.reason)
    }
}

#[test]
fn every_format_has_a_cap_and_reaches_it() {
    for format in formats() {
        let name = format.name;
        assert!(format.text(format.max + 1).len() <= INPUT_MAX_BYTES, "{name}: the cap is never reached");
        assert_eq!(format.read(format.max), Ok(format.max), "{name}");
        let refused = format.read(format.max + 1);
        assert!(matches!(refused, Err(Reason::TooMany { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn a_hundred_thousand_items_are_refused() {
    const MANY: usize = 100_000;
    for format in formats() {
        let refused = format.read(MANY);
        assert!(
            matches!(refused, Err(Reason::TooMany { .. } | Reason::TooLong { .. })),
            "{}: {refused:?}",
            format.name
        );
    }
}

/// Twice the items bring twice the result: nothing is kept more than once.
#[test]
fn results_grow_with_the_input_and_no_faster() {
    for format in formats() {
        let shown = |items: usize| {
            let text = format.text(items);
            let reads = readers::read_all(text.as_bytes(), b"", 0);
            (text.len(), reads.iter().map(|read| read.shown.len()).sum::<usize>())
        };
        let (half, whole) = (shown(format.max / 8), shown(format.max / 4));
        let (input, output) = (whole.0 - half.0, whole.1.saturating_sub(half.1));
        // Every reader together show an input of plain words less than so often.
        const TIMES_MAX: usize = 64;
        assert!(output <= TIMES_MAX * input, "{}: {input} bytes more bring {output}", format.name);
    }
}

#[test]
fn deep_wide_and_endless_inputs_end() {
    // Long enough for the caps, and short enough to give it to every reader.
    const LENGTH: usize = INPUT_MAX_BYTES / 8;
    let deep = "a {\n".repeat(100_000);
    assert!(matches!(
        pve::corosync_conf::read(&deep).map_err(|error| error.reason),
        Err(Reason::Malformed("the depth of blocks"))
    ));
    let inputs = [
        deep,
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "x".repeat(LENGTH),
        "\0".repeat(LENGTH),
        "\n".repeat(LENGTH),
        format!("Quorum information\n{}", "x".repeat(LENGTH)),
    ];
    for input in inputs {
        let reads = readers::read_all(input.as_bytes(), b"", 0);
        for read in reads.iter().filter(|read| !readers::RAW.contains(&read.reader)) {
            // Whatever is kept of a line without sense is an excerpt.
            assert!(read.shown.len() <= 4 * input.len(), "{}: {} bytes", read.reader, read.shown.len());
        }
    }
}
