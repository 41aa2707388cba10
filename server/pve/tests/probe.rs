//! The probe's script on a real Perl, two processes on loopback.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use model::facts::TcpProbe;
use pve::Answer;
use pve::probe::ProbePlan;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

const SECONDS: u8 = 2;

#[test]
fn two_ends_hear_each_other_and_a_silent_one_is_told() {
    let first = free_port("127.0.0.2");
    let second = free_port("127.0.0.3");
    let six = free_port("[::1]");
    let silent = free_port("127.0.0.4");
    let listener = TcpListener::bind("127.0.0.3:0").expect("a port");
    let open = listener.local_addr().expect("an address");
    let closed = free_tcp_port("127.0.0.3");
    let one = ProbePlan {
        listen: vec![first],
        udp: vec![second, silent, six],
        tcp: vec![open, closed],
        ..ProbePlan::default()
    };
    let two = ProbePlan { listen: vec![second, six], udp: vec![first], ..ProbePlan::default() };

    let (one, two) = (start(&one), start(&two));
    let (one, two) = (finish(one), finish(two));

    assert_eq!(one.listen[&first.to_string()], "ok");
    assert_eq!(one.udp[&second.to_string()], (5, 5));
    assert_eq!(one.udp[&six.to_string()], (5, 5));
    assert_eq!(one.udp[&silent.to_string()], (0, 5));
    assert!(matches!(one.tcp[&open.to_string()], TcpProbe::Open { .. }), "{:?}", one.tcp);
    assert_eq!(one.tcp[&closed.to_string()], TcpProbe::Refused);
    assert_eq!(two.udp[&first.to_string()], (5, 5));
    assert_eq!(two.listen.len(), 2);
}

#[test]
fn a_taken_port_is_busy_and_a_foreign_address_fails() {
    let taken = UdpSocket::bind("127.0.0.5:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("an address");
    // TEST-NET-1 (RFC 5737): no machine has it, and binding sends nothing.
    let foreign: SocketAddr = "192.0.2.1:5405".parse().expect("an address");
    let plan = ProbePlan { listen: vec![taken.1, foreign], ..ProbePlan::default() };
    let report = finish(start_for(&plan, 1));
    assert_eq!(report.listen[&taken.1.to_string()], "busy");
    assert!(report.listen[&foreign.to_string()].contains("assign"), "{:?}", report.listen);
}

#[test]
fn echo_requests_are_measured_whole_packets_pass_and_traffic_is_counted() {
    // Without an address of its own the machine chooses the way itself.
    let (own, peer, six, anywhere, far) = ("127.0.0.6", "127.0.0.7", "::1", "0.0.0.0", "127.0.0.8");
    let echo = [(own, peer, 9_000), (six, six, 9_000), (anywhere, far, 84)];
    let echo = echo.map(|(own, peer, bytes)| (own.parse().expect("own"), peer.parse().expect("peer"), bytes)).to_vec();
    let report = finish(start_for(&ProbePlan { echo, ..ProbePlan::default() }, 1));
    for (address, bytes) in [(peer, 9_000), (six, 9_000), (far, 84)] {
        let pings = report.pings[address];
        // Without the right to raw sockets nothing is sent, and nothing may be claimed.
        if pings.sent == 0 {
            assert_eq!((pings.received, report.whole[address].received), (0, 0));
            continue;
        }
        assert_eq!((pings.sent, pings.received), (20, 20), "{address}");
        assert!(0 < pings.min_us && pings.min_us <= pings.avg_us && pings.avg_us <= pings.max_us, "{pings:?}");
        let whole = report.whole[address];
        assert_eq!((whole.bytes, whole.sent, whole.received), (bytes, 3, 3), "{address}");
        assert_eq!(report.path_mtu[address], bytes, "{address}");
    }
    assert!(report.traffic["lo"].millis >= 900, "{:?}", report.traffic);
}

#[test]
fn refusals_of_the_network_name_who_said_so() {
    let text = "tcp 10.0.1.1:22 fail No route to host\nunreachable 10.0.1.1 13 10.0.1.1\nunreachable 10.0.1.1 1 10.0.1.254\nunreachable fd00::1 1 fd00::fe\n";
    let report = pve::probe::report(Answer::ok(text.as_bytes())).expect("a report");
    let told = |host: &str| -> Vec<(String, bool)> {
        report.unreachable[host].iter().map(|one| (one.by.to_string(), one.is_prohibition())).collect()
    };
    assert_eq!(told("10.0.1.1"), [("10.0.1.1".to_owned(), true), ("10.0.1.254".to_owned(), false)]);
    assert_eq!(told("fd00::1"), [("fd00::fe".to_owned(), true)]);
}

#[test]
fn foreign_lines_are_no_report() {
    for text in [
        "",
        "\n",
        "udp 10.0.1.1:5405 many",
        "tcp 10.0.1.1:22 open",
        "hello",
        "udp nowhere 5/5",
        "ping 10.0.1.1 20",
        "unreachable 10.0.1.1 13",
        "unreachable 10.0.1.1 400 10.0.1.254",
        "unreachable 10.0.1.1 13 somebody",
        "ping 10.0.1.1 20 20 180 420 35",
        "whole x 1 2 3",
        "mtu 10.0.1.1",
        "mtu 10.0.1.1 large",
        "traffic lo 1 2 3",
    ] {
        assert!(pve::probe::report(Answer::ok(text.as_bytes())).is_err(), "{text:?}");
    }
    let timeout = pve::probe::report(Answer::ok(b"tcp 10.0.1.1:8006 timeout\n")).expect("a report");
    assert_eq!(timeout.tcp["10.0.1.1:8006"], TcpProbe::Timeout);
}

fn start(plan: &ProbePlan) -> Child {
    start_for(plan, SECONDS)
}

fn start_for(plan: &ProbePlan, seconds: u8) -> Child {
    let command = pve::probe::run(plan, seconds);
    // The very line that a node gets, through a shell as sshd starts it.
    Command::new("/bin/sh")
        .arg("-c")
        .arg(command.exec_line(false))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell")
}

fn finish(child: Child) -> model::facts::ProbeReport {
    let output = child.wait_with_output().expect("an end");
    let exit = output.status.code().expect("an exit code");
    let answer = Answer::new(&output.stdout, &output.stderr, exit);
    pve::probe::report(answer).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn free_port(host: &str) -> SocketAddr {
    UdpSocket::bind(format!("{host}:0")).expect("a port").local_addr().expect("an address")
}

fn free_tcp_port(host: &str) -> SocketAddr {
    TcpListener::bind(format!("{host}:0")).expect("a port").local_addr().expect("an address")
}
