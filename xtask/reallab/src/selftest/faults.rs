//! Every fault is injected, proven, taken back and proven to be over; then the cluster is whole again.

use anyhow::ensure;

use super::cluster;
use super::scenes::three;
use super::wait::{must, until, until_says, words};
use crate::access;
use crate::faults::{self, Fault, Kind};
use crate::layout::{Host, Lab};

/// A node without quorum must not write within this time; with it, within the same.
const SOON_S: u64 = 30;

/// Injects and takes back; `between` looks at what others see meanwhile.
fn through(lab: &Lab, fault: &Fault, between: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let start = std::time::Instant::now();
    let took = faults::inject(lab, fault)?;
    ensure!(faults::in_force()?.contains(fault), "{} is not on the list", fault.words());
    let again = faults::inject(lab, fault);
    ensure!(again.is_err(), "{} can be injected twice", fault.words());
    between()?;
    let over = faults::revert(lab, fault)?;
    ensure!(!faults::in_force()?.contains(fault), "{} is still on the list", fault.words());
    println!("   {:>5.1} s  {}: {took}; then: {over}", start.elapsed().as_secs_f64(), fault.words());
    Ok(())
}

pub fn machine(lab: &Lab) -> anyhow::Result<()> {
    let (first, _, last) = three(lab)?;
    let new = |kind| Fault::new(kind, last);
    through(lab, &new(Kind::BreakHosts), || Ok(()))?;
    through(lab, &new(Kind::FillDisk), || must(first, "date > /root/still-room").map(|_| ()))?;
    through(lab, &new(Kind::StopSshd), || {
        ensure!(!access::remote(last, "true")?.status.success(), "SSH answers");
        Ok(())
    })?;
    through(lab, &new(Kind::ChangeHostKey), || Ok(()))?;
    through(lab, &Fault { millis: Some(-90_000), ..new(Kind::SkewClock) }, || clock_over_ssh(first, last))?;
    through(lab, &new(Kind::StopPmxcfs), || {
        until("the file system is gone", SOON_S, || {
            Ok((!access::remote(last, "test -e /etc/pve/.version")?.status.success()).then(String::new))
        })
        .map(|_| ())
    })?;
    through(lab, &new(Kind::Freeze), || {
        let answer = access::remote(last, "true")?;
        ensure!(!answer.status.success(), "a frozen node answered");
        until_says(first, "corosync-quorumtool -s", &["Nodes:            2"], SOON_S).map(|_| ())
    })?;
    println!("   {}", faults::inject(lab, &new(Kind::PowerCycle))?);
    ensure!(faults::in_force()?.is_empty(), "a power cycle is over at once");
    through(lab, &new(Kind::Kill), || Ok(()))?;
    cluster::whole(lab)
}

/// What the console sees over SSH, not only what the node's own processes see.
fn clock_over_ssh(right: &Host, wrong: &Host) -> anyhow::Result<()> {
    let seconds = |host: &Host| -> anyhow::Result<i64> { Ok(must(host, "date +%s")?.trim().parse()?) };
    let off = seconds(wrong)? - seconds(right)?;
    ensure!((-92..=-88).contains(&off), "the clock is {off} s off over SSH");
    Ok(())
}

pub fn links(lab: &Lab) -> anyhow::Result<()> {
    let (first, _, last) = three(lab)?;
    let new = |kind| Fault::new(kind, last).on_link(1);
    let seen_down = |by: &Host, id: usize| {
        let line = format!("nodeid: {id:>10}:\tdisconnected");
        until_says(by, "timeout 4 corosync-cfgtool -s", &[&line], SOON_S).map(|_| ())
    };
    through(lab, &new(Kind::CutLink), || seen_down(first, 3))?;
    through(lab, &new(Kind::CutOneWayIn), || seen_down(last, 1))?;
    through(lab, &new(Kind::CutOneWay), || seen_down(first, 3))?;
    through(lab, &Fault { percent: Some(40), ..new(Kind::Loss) }, || Ok(()))?;
    through(lab, &Fault { mtu: Some(1000), ..new(Kind::Mtu) }, || Ok(()))?;
    cluster::whole(lab)
}

pub fn corosync(lab: &Lab) -> anyhow::Result<()> {
    let (first, _, last) = three(lab)?;
    let new = |kind| Fault::new(kind, last);
    let two = || until_says(first, "corosync-quorumtool -s", &["Nodes:            2"], SOON_S).map(|_| ());
    through(lab, &new(Kind::StopCorosync), two)?;
    cluster::whole(lab)?;
    through(lab, &new(Kind::ChangeAuthkey), || {
        let refused = access::remote(last, "date > /etc/pve/nodes/alone")?;
        ensure!(words(&refused).contains("Permission denied"), "a node alone wrote: {}", words(&refused));
        two()
    })?;
    cluster::whole(lab)?;
    through(lab, &new(Kind::RaiseConfigVersion), || Ok(()))?;
    cluster::whole(lab)
}

/// Both halves write, and the halves differ; healed, all have the same again.
pub fn split(lab: &Lab) -> anyhow::Result<()> {
    let (first, second, last) = three(lab)?;
    let note = "/etc/pve/nodes/halves";
    through(lab, &Fault::new(Kind::SplitBrain, last), || {
        // pmxcfs hears of the votes a moment after corosync.
        until("the node alone writes", SOON_S, || {
            let alone = access::inside(last, &format!("echo alone > {note} && cat {note}"))?;
            Ok((words(&alone).trim() == "alone").then(String::new))
        })?;
        must(first, &format!("echo majority > {note}"))?;
        let there = must(second, &format!("cat {note}"))?;
        let here = words(&access::inside(last, &format!("cat {note}"))?);
        ensure!(there.trim() == "majority" && here.trim() == "alone", "{there} and {here}");
        Ok(())
    })?;
    cluster::whole(lab)?;
    let texts: Vec<String> =
        lab.nodes().into_iter().map(|node| must(node, &format!("cat {note}"))).collect::<anyhow::Result<_>>()?;
    ensure!(texts.iter().all(|text| *text == texts[0]), "the halves did not meet: {texts:?}");
    until_says(first, "corosync-quorumtool -s", &["Expected votes:   3"], SOON_S).map(|_| ())
}
