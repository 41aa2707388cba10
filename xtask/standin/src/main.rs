//! One program under many names: what a lab node has instead of Proxmox VE's own programs.
//!
//! The lab runs the real OpenSSH and the real corosync; what is missing on a bare Debian are `pvecm`, `pveversion`,
//! the file system at `/etc/pve`, and systemd's tools (a namespace has no systemd as PID 1).
//! Each of them is a small stand-in here that does its work for real; words and exit codes follow recordings of
//! Proxmox VE 9.2.

mod answers;
mod boot;
mod certificates;
mod conf;
mod dmi;
mod guests;
mod ha;
mod host_facts;
mod init;
mod journal;
mod packages;
mod paths;
mod pmxcfs;
mod pvecm;
mod pveversion;
mod seed;
mod sudo;
mod systemd;
mod words;

use std::process::ExitCode;

/// Exit code of a command that failed before it could do anything, as Perl's `die` gives it.
const EXIT_DIED: u8 = 255;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().collect();
    let mut name = words::pop_name(&mut args);
    if name == "standin" {
        name = words::pop_name(&mut args);
    }
    match run(&name, &args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(EXIT_DIED)
        }
    }
}

fn run(name: &str, args: &[String]) -> anyhow::Result<u8> {
    match name {
        "node-boot" => boot::run(args),
        "init" => init::run(),
        "boot-sequence" => systemd::boot_sequence(),
        "listen" => init::listen(args),
        "idle" => words::wait_for_ever(),
        "systemctl" => systemd::systemctl(args),
        "systemd-run" => systemd::run::systemd_run(args),
        "journalctl" => journal::reader::journalctl(args),
        "timedatectl" => systemd::timedatectl(args),
        "pmxcfs" => pmxcfs::run(),
        "pvecm" => pvecm::run(args),
        "pveversion" => pveversion::run(args),
        "qm" => guests::run(guests::Kind::Machine, args),
        "pct" => guests::run(guests::Kind::Container, args),
        "ha-manager" => ha::run(args),
        "dpkg-query" => packages::dpkg_query(args),
        "dmidecode" => dmi::run(args),
        "corosync-quorumtool" | "corosync-cfgtool" | "corosync-cmapctl" => answers::run(name, args),
        "seed" => seed::run(args),
        "chronyc" => host_facts::chronyc(args),
        "pve-firewall" => host_facts::pve_firewall(args),
        "pvesubscription" => host_facts::pvesubscription(args),
        "nft" => host_facts::nft(args),
        "openssl" => host_facts::openssl(args),
        "sqlite3" => host_facts::sqlite3(args),
        "sudo" => sudo::run(args),
        other => anyhow::bail!("no stand-in has the name '{other}'"),
    }
}
