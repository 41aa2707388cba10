//! Every reader of the crate on the same bytes; a tidy test of the tasks holds the list against the sources.
#![allow(dead_code, reason = "each test file and the fuzzer use their part")]

use model::bmc::BmcKind;
use model::facts::GuestKind;
use model::preflight::NodeEvidence;
use model::problem::ProblemCode;
use pve::Answer;
use pve::systemd::Service;

/// What one reader made of the bytes.
pub struct Read {
    pub reader: &'static str,
    /// `Debug` of its result.
    pub shown: String,
}

/// Readers that hand on bytes as they are: what takes them cleans them.
pub const RAW: [&str; 1] = ["pve::files::content"];

macro_rules! each {
    ($out:ident, $answer:ident: $($reader:path $(, $more:expr)?;)*) => {
        $($out.push(Read { reader: stringify!($reader), shown: format!("{:?}", $reader($answer $(, $more)?)) });)*
    };
}

/// Every reader of an answer, and the ones of a text or a stream.
pub fn read_all(stdout: &[u8], stderr: &[u8], exit: i32) -> Vec<Read> {
    let answer = Answer::new(stdout, stderr, exit);
    let mut out = Vec::new();
    each! { out, answer:
        pve::bmc::own_uuid_told;
        pve::cfgtool::link_lines;
        pve::cfgtool::link_rows;
        pve::cmap::conf;
        pve::cmap::entries;
        pve::corosync_conf::conf;
        pve::files::content;
        pve::files::digests;
        pve::files::names;
        pve::files::names_all;
        pve::files::one_word;
        pve::files::writable;
        pve::files::yes_or_no;
        pve::ha::services;
        pve::ha::moving;
        pve::outcome::create;
        pve::outcome::expected;
        pve::outcome::join;
        pve::outcome::qdevice;
        pve::outcome::qdevice_removal;
        pve::pmxcfs::guests;
        pve::pmxcfs::members;
        pve::pmxcfs::mounted;
        pve::pmxcfs::state;
        pve::pmxcfs::versions;
        pve::pvecm::api_version;
        pve::pvecm::cluster_status;
        pve::pvecm::members;
        pve::qdevice::clients;
        pve::qdevice::guest_paths;
        pve::qdevice::listens;
        pve::qdevice::qdevice;
        pve::qdevice::store_digest;
        pve::quorumtool::members;
        pve::quorumtool::options;
        pve::quorumtool::quorum;
        pve::remedy::firewall_state;
        pve::remedy::tracking;
    }
    read_of_the_machine(answer, &mut out);
    read_texts(stdout, answer, &mut out);
    out
}

/// Those of what any Linux machine says of itself.
fn read_of_the_machine(answer: Answer<'_>, out: &mut Vec<Read>) {
    each! { out, answer:
        pve::host::clock_time;
        pve::host::guests, GuestKind::Qemu;
        pve::host::kernel_release;
        pve::host::node_name;
        pve::host::time;
        pve::host::user_number;
        pve::host_keys::public_key;
        pve::journal::entries;
        pve::network::addresses;
        pve::network::interfaces;
        pve::network::resolved;
        pve::network::routes;
        pve::packages::install_fault;
        pve::packages::installed;
        pve::prerequisites::devices;
        pve::probe::report;
        pve::ssh_keys::node_to_node;
        pve::ssh_keys::scanned;
        pve::systemd::activity, &[Service::Corosync, Service::Ssh];
        pve::systemd::run_of;
        pve::systemd::states;
        pve::unit::started;
        pve::unit::state;
        pve::version::packages;
        pve::version::short;
    }
}

/// Those of a text, of a stream, and of more than one answer.
fn read_texts(stdout: &[u8], answer: Answer<'_>, out: &mut Vec<Read>) {
    for kind in BmcKind::ALL {
        let told = format!("{:?}", pve::bmc::told_uuid(answer, kind));
        for (reader, shown) in [
            ("pve::bmc::power", format!("{:?}", pve::bmc::power(answer, kind))),
            ("pve::bmc::done", format!("{:?}", pve::bmc::done(answer, kind))),
            ("pve::bmc::told_uuid", told),
        ] {
            out.push(Read { reader, shown });
        }
    }
    let text = String::from_utf8_lossy(stdout);
    let links = pve::cmap::entries(answer).map(|map| pve::cmap::knet_links(&map, 1));
    out.push(Read { reader: "pve::cmap::knet_links", shown: format!("{links:?}") });
    out.push(Read { reader: "pve::corosync_conf::read", shown: format!("{:?}", pve::corosync_conf::read(&text)) });
    let key = pve::host_keys::PublicKey::parse(&text);
    out.push(Read { reader: "pve::host_keys::PublicKey::parse", shown: format!("{key:?}") });
    // Bytes of a program's output: the engine cuts them into lines and cleans each.
    let bytes = pve::unit::new_output(answer).map(|bytes| bytes.len());
    out.push(Read { reader: "pve::unit::new_output", shown: format!("{bytes:?}") });
    out.push(Read {
        reader: "pve::journal::entry",
        shown: lines(stdout, |line| format!("{:?}", pve::journal::entry(line))),
    });
    out.push(Read { reader: "pve::journal::LineReader", shown: entries(stdout) });
    out.push(Read { reader: "pve::prerequisites::fill", shown: prerequisites(answer) });
    out.push(Read { reader: "pve::quorumtool::BlockReader", shown: format!("{:?}", blocks(&[stdout])) });
}

/// What all questions of the prerequisites make of one answer.
fn prerequisites(answer: Answer<'_>) -> String {
    let id = model::ids::NodeId::from_uuid(uuid::Uuid::nil());
    let mut found = NodeEvidence::missing(id, "", false, &ProblemCode::Garbage.into());
    for round in [pve::prerequisites::first, pve::prerequisites::second, pve::prerequisites::third] {
        for question in round(&found) {
            let before = found.clone();
            if question.fill(answer, &mut found).is_err() {
                found = before;
            }
        }
    }
    format!("{found:?}")
}

fn lines(bytes: &[u8], read: impl Fn(&[u8]) -> String) -> String {
    bytes.split(|byte| *byte == b'\n').take(LINES_MAX).map(read).collect()
}

/// What the reader of the journal gives for bytes that arrive in small pieces.
fn entries(bytes: &[u8]) -> String {
    let mut reader = pve::journal::LineReader::default();
    bytes.chunks(997).flat_map(|piece| reader.push(piece)).take(LINES_MAX).map(|entry| format!("{entry:?}")).collect()
}

/// The most lines that are read one by one.
const LINES_MAX: usize = 2_000;

/// What the block reader gives for bytes that arrive in these pieces.
pub fn blocks(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = pve::quorumtool::BlockReader::default();
    pieces.iter().flat_map(|piece| reader.push(piece)).map(|block| format!("{block:?}")).collect()
}

/// The bytes cut at these places, in order.
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}
