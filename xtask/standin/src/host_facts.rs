//! What the prerequisites ask for and a bare Debian does not have: chrony, Proxmox VE's firewall and subscription, the
//! kernel's rules, and certificates and database of `/etc/pve`, told from the state of this node.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::certificates::{AUTHORITY_DAYS, NODE_DAYS, OPENSSL};
use crate::pmxcfs::store::Store;
use crate::{paths, words};

/// The console's side of the lab, which keeps the time.
const TIME_SERVER: &str = "10.0.1.1";
/// Exit code of OpenSSL for a file that is not there.
const NO_FILE: u8 = 1;
const MICROS_PER_S: f64 = 1e6;

/// `chronyc -n -c tracking` and `sources`: one kernel and one clock, unless the lab has moved this node's.
pub fn chronyc(args: &[String]) -> anyhow::Result<u8> {
    let moved = words::clock_offset_us();
    #[expect(clippy::cast_precision_loss, reason = "a clock that is off by so much is off anyway")]
    let seconds = moved as f64 / MICROS_PER_S;
    let (state, leap) = if moved == 0 { ('*', "Normal") } else { ('?', "Not synchronised") };
    match args.last().map(String::as_str) {
        Some("tracking") => {
            println!(
                "0A000101,{TIME_SERVER},2,1795336910.1,{seconds:.9},0.00001,0.00003,1.2,0.0,0.03,0.002,0.001,64.2,{leap}"
            );
        }
        Some("sources") => println!("^,{state},{TIME_SERVER},1,6,377,22,0.000013,0.000012,0.000200"),
        _ => anyhow::bail!("Unrecognized command"),
    }
    Ok(0)
}

pub fn pve_firewall(args: &[String]) -> anyhow::Result<u8> {
    anyhow::ensure!(args == ["status"], "ERROR: unknown command 'pve-firewall'");
    println!("Status: disabled/running");
    Ok(0)
}

pub fn pvesubscription(args: &[String]) -> anyhow::Result<u8> {
    anyhow::ensure!(args == ["get"], "ERROR: unknown command 'pvesubscription'");
    println!("message: There is no subscription key\nstatus: notfound\nurl: https://www.proxmox.com/");
    Ok(0)
}

/// The real one where there is one; else what it says of a namespace whose only rules are the lab's faults.
pub fn nft(args: &[String]) -> anyhow::Result<u8> {
    const REAL: &str = "/usr/sbin/nft";
    if Path::new(REAL).exists() {
        return real(REAL, args);
    }
    let drops = std::fs::read_to_string("/proc/net/ip_tables_names").is_ok_and(|names| names.contains("filter"))
        && words::quietly_text("iptables", &["-S", "INPUT"]).contains("-P INPUT DROP");
    let chain = if drops {
        ", {\"chain\": {\"family\": \"ip\", \"table\": \"filter\", \"name\": \"INPUT\", \"hook\": \"input\", \"policy\": \"drop\"}}"
    } else {
        ""
    };
    println!("{{\"nftables\": [{{\"metainfo\": {{\"version\": \"1.0.6\", \"json_schema_version\": 1}}}}{chain}]}}");
    Ok(0)
}

/// The certificates of `/etc/pve`: the real ones of a member; those that an installation leaves on a bare node, which the
/// lab does not make, are told from the node's name and addresses.
pub fn openssl(args: &[String]) -> anyhow::Result<u8> {
    let Some(file) = args.iter().rfind(|arg| arg.starts_with("/etc/pve/")) else { return real(OPENSSL, args) };
    if Path::new(file).exists() {
        return real(OPENSSL, args);
    }
    if !Path::new("/etc/pve/nodes").is_dir() {
        eprintln!("Could not open file or uri for loading certificate from {file}: No such file or directory");
        return Ok(NO_FILE);
    }
    if args.first().is_some_and(|verb| verb == "verify") {
        println!("{file}: OK");
        return Ok(0);
    }
    let authority = file.ends_with("pve-root-ca.pem");
    let days = if authority { AUTHORITY_DAYS } else { NODE_DAYS };
    let until = words::quietly_text("date", &["-u", &format!("-d+{days} days"), "+%b %e %H:%M:%S %Y GMT"]);
    println!("notAfter={}", until.trim());
    if !authority && args.iter().any(|arg| arg == "subjectAltName") {
        let name = words::quietly_text("hostname", &[]);
        let name = name.trim();
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        let own = hosts.lines().find(|line| line.split_whitespace().skip(1).any(|word| word == name));
        let address = own.and_then(|line| line.split_whitespace().next()).unwrap_or("127.0.0.1");
        println!("X509v3 Subject Alternative Name: ");
        println!("    IP Address:127.0.0.1, DNS:localhost, IP Address:{address}, DNS:{name}, DNS:{name}.lab.local");
    }
    Ok(0)
}

/// pmxcfs' stand-in keeps its entries in a format of its own: soundness, number and size are told of that, and a dump is made
/// from it.
pub fn sqlite3(args: &[String]) -> anyhow::Result<u8> {
    const REAL: &str = "/usr/bin/sqlite3";
    if !args.iter().any(|arg| arg == paths::DATABASE) {
        return real(REAL, args);
    }
    match Store::load(Path::new(paths::DATABASE)) {
        Ok(store) if args.iter().any(|arg| arg == ".dump") => print!("{}", store.dump()),
        Ok(store) => {
            let (entries, bytes) = store.size();
            println!("ok\n{entries}|{bytes}");
        }
        Err(error) => println!("{error:#}"),
    }
    Ok(0)
}

fn real(program: &str, args: &[String]) -> anyhow::Result<u8> {
    let status = Command::new(program).args(args).stdin(Stdio::null()).status();
    let code = status.context(program.to_owned())?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
