//! corosync's tools on a node that has nothing but OpenSSH: they print a file, for figures about SSH and for nothing
//! else.

use std::io::Write;

use anyhow::Context;

use crate::{paths, words};

/// Exit code of a tool that does not find corosync.
const NO_COROSYNC: u8 = 1;

pub fn run(name: &str, args: &[String]) -> anyhow::Result<u8> {
    let follows = args.iter().any(|arg| arg == "-m") && name == "corosync-quorumtool";
    let asked: Vec<String> =
        args.iter().map(|arg| if follows && arg == "-m" { "-s".to_owned() } else { arg.clone() }).collect();
    let path = format!("{}/{}", paths::ANSWERS, file_name(name, &asked));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("Cannot initialize CMAP service");
        return Ok(NO_COROSYNC);
    };
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("output")?;
    if follows {
        // The membership of files never changes.
        words::wait_for_ever();
    }
    Ok(0)
}

/// `corosync-cfgtool_-n`.
pub fn file_name(program: &str, args: &[String]) -> String {
    std::iter::once(program.to_owned()).chain(args.iter().cloned()).collect::<Vec<_>>().join("_").replace('/', ".")
}

/// What corosync's tools say on a member `local` of a healthy cluster: file name and text. `links[member][link]`.
pub fn healthy(names: &[String], links: &[Vec<String>], local: usize) -> Vec<(String, String)> {
    let quorumtool = |args: &str| file_name("corosync-quorumtool", &[args.to_owned()]);
    let cfgtool = |args: &str| file_name("corosync-cfgtool", &[args.to_owned()]);
    let cmap =
        |args: &[&str]| file_name("corosync-cmapctl", &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
    let rows = members(names, local);
    vec![
        (quorumtool("-s"), quorum(names.len(), local, &rows)),
        (quorumtool("-l"), format!("\nMembership information\n----------------------\n{rows}")),
        (cfgtool("-n"), neighbours(links, local)),
        (cfgtool("-s"), statuses(links, local)),
        (cmap(&["totem.version"]), "totem.version (u32) = 2\n".to_owned()),
        (cmap(&["-m", "stats"]), String::new()),
        (cmap(&[]), "totem.version (u32) = 2\n".to_owned()),
    ]
}

fn quorum(count: usize, local: usize, rows: &str) -> String {
    let date = std::process::Command::new("date").args(["-u", "+%a %b %e %H:%M:%S %Y"]).output();
    let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!(
        "Quorum information\n------------------\nDate:             {date}\nQuorum provider:  corosync_votequorum\n\
         Nodes:            {count}\nNode ID:          {}\nRing ID:          1.d\nQuorate:          Yes\n\n\
         Votequorum information\n----------------------\nExpected votes:   {count}\nHighest expected: {count}\n\
         Total votes:      {count}\nQuorum:           {}  \nFlags:            Quorate \n\n\
         Membership information\n----------------------\n{rows}",
        local + 1,
        count / 2 + 1
    )
}

fn members(names: &[String], local: usize) -> String {
    let row = |(index, name): (usize, &String)| {
        let mark = if index == local { " (local)" } else { "" };
        format!("{:>10}          1 {name}{mark}\n", index + 1)
    };
    let rows: String = names.iter().enumerate().map(row).collect();
    format!("    Nodeid      Votes Name\n{rows}")
}

fn neighbours(links: &[Vec<String>], local: usize) -> String {
    let mut text = format!("Local node ID {}, transport knet\n", local + 1);
    let Some(own) = links.get(local) else { return text };
    for (index, theirs) in links.iter().enumerate().filter(|(index, _)| *index != local) {
        text.push_str(&format!("nodeid: {} reachable\n", index + 1));
        for (link, (from, to)) in own.iter().zip(theirs).enumerate() {
            text.push_str(&format!("   LINK: {link} udp ({from}->{to}) enabled connected mtu: 1397\n"));
        }
        text.push('\n');
    }
    text
}

fn statuses(links: &[Vec<String>], local: usize) -> String {
    let mut text = format!("Local node ID {}, transport knet\n", local + 1);
    for (link, address) in links.get(local).into_iter().flatten().enumerate() {
        text.push_str(&format!("LINK ID {link} udp\n\taddr\t= {address}\n\tstatus:\n"));
        for index in 0..links.len() {
            let state = if index == local { "localhost" } else { "connected" };
            text.push_str(&format!("\t\tnodeid: {:>10}:\t{state}\n", index + 1));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on Proxmox VE 9.2 with corosync 3.1, 2026-11-22, three healthy members.
    const RECORDED: &str = include_str!("../tests/fixtures/healthy-three.txt");

    #[test]
    fn three_members_look_as_they_were_recorded() {
        let names = ["pve1", "pve2", "pve3"].map(str::to_owned);
        let links = [11, 12, 13].map(|part| vec![format!("10.0.1.{part}"), format!("10.0.2.{part}")]);
        for (name, text) in healthy(&names, &links, 0) {
            let Some(recorded) = RECORDED.split(&format!("== {name}\n")).nth(1) else { continue };
            let recorded = recorded.split("== ").next().unwrap();
            let without_date = |text: &str| {
                text.lines()
                    .filter(|line| !line.starts_with("Date:"))
                    .map(|line| format!("{line}\n"))
                    .collect::<String>()
            };
            assert_eq!(without_date(&text), without_date(recorded), "{name}");
        }
        assert_eq!(RECORDED.matches("== ").count(), 4);
    }
}
