//! `/etc/hosts` as it has to be: the own name at an own address, no loopback, the other nodes beside it.
//!
//! Only lines that are wrong change, and every name that is nobody's of the cluster stays where it is. The other nodes'
//! names need not be there (Proxmox VE, Cluster Manager, "Preparing Nodes"); with them the nodes find each other without DNS.

use super::HostsLook;
use crate::checks::hosts_line::HostsLine;
use std::net::IpAddr;

/// A larger file is not one that people keep by hand, in bytes.
pub const HOSTS_MAX_BYTES: usize = 64 * 1024;

/// The file as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Where the own name leads to.
    pub address: IpAddr,
    pub text: String,
    /// Nodes whose address nobody could tell.
    pub left_out: Vec<String>,
}

/// `None` where the machine has no address that its name could lead to.
#[must_use]
pub fn mended(look: &HostsLook) -> Option<Mended> {
    let address = address(look)?;
    let full = entries(&look.content).flat_map(|line| line.names).find(|name| is_full(name, &look.name));
    let mut out: Vec<String> = Vec::new();
    let (mut own_at, mut removed_at) = (None, None);
    for raw in look.content.lines() {
        let Some(line) = HostsLine::parse(raw) else {
            out.push(raw.to_owned());
            continue;
        };
        if own_at.is_none() && line.address == address && line.names(&look.name) {
            own_at = Some(out.len());
            let whole = full.is_none_or(|full| line.names(full));
            out.push(if whole { raw.to_owned() } else { with_full(raw, &line, full) });
            continue;
        }
        let kept: Vec<&str> = line.names.iter().copied().filter(|name| !is_wrong(look, line.address, name)).collect();
        if kept.len() < line.names.len() {
            removed_at = removed_at.or(Some(out.len()));
        }
        if kept.len() == line.names.len() {
            out.push(raw.to_owned());
        } else if !kept.is_empty() {
            out.push(rewritten(raw, &kept));
        }
    }
    let own_at = own_at.unwrap_or_else(|| {
        let at = removed_at.unwrap_or_else(|| behind_localhost(&out));
        let names = full.map_or_else(|| look.name.clone(), |full| format!("{full} {}", look.name));
        out.insert(at.min(out.len()), format!("{address} {names}"));
        at
    });
    let left_out = add_peers(look, own_at + 1, &mut out);
    let text = out.iter().map(|line| format!("{line}\n")).collect();
    Some(Mended { address, text, left_out })
}

fn entries(text: &str) -> impl Iterator<Item = HostsLine<'_>> {
    text.lines().filter_map(HostsLine::parse)
}

/// The best address that the machine really has, or its only one.
fn address(look: &HostsLook) -> Option<IpAddr> {
    let is_own =
        |address: &IpAddr| !address.is_loopback() && look.own.iter().any(|own| own.address == *address && own.global);
    let in_file = entries(&look.content).filter(|line| line.names(&look.name)).map(|line| line.address);
    let told = look.wanted.iter().copied().chain(in_file).find(is_own);
    // Of several that nothing speaks for, none is guessed.
    let mut all = look.own.iter().map(|own| own.address).filter(is_own);
    told.or_else(|| all.next().filter(|_| all.next().is_none()))
}

/// `NAME.DOMAIN`
fn is_full(name: &str, short: &str) -> bool {
    name.split_once('.').is_some_and(|(head, domain)| head.eq_ignore_ascii_case(short) && !domain.is_empty())
}

fn is_of(name: &str, short: &str) -> bool {
    name.eq_ignore_ascii_case(short) || is_full(name, short)
}

/// The own name at loopback or at a foreign address, and another node's at loopback.
fn is_wrong(look: &HostsLook, address: IpAddr, name: &str) -> bool {
    if is_of(name, &look.name) {
        return address.is_loopback() || !look.own.iter().any(|own| own.address == address);
    }
    address.is_loopback() && look.peers.iter().any(|(peer, _)| is_of(name, peer))
}

/// The line with only some of its names; its comment stays.
fn rewritten(raw: &str, names: &[&str]) -> String {
    let address = raw.split_whitespace().next().unwrap_or_default();
    let comment = raw.split_once('#').map(|(_, text)| format!(" #{text}")).unwrap_or_default();
    format!("{address} {}{comment}", names.join(" "))
}

/// The full name goes first: it is what `hostname -f` answers.
fn with_full(raw: &str, line: &HostsLine<'_>, full: Option<&str>) -> String {
    let names: Vec<&str> = full.into_iter().chain(line.names.iter().copied()).collect();
    rewritten(raw, &names)
}

fn behind_localhost(lines: &[String]) -> usize {
    let local =
        |line: &String| HostsLine::parse(line).is_some_and(|line| line.address.is_ipv4() && line.names("localhost"));
    lines.iter().rposition(local).map_or(0, |at| at + 1)
}

/// Puts the nodes that no line names behind the own one; gives those without an address.
fn add_peers(look: &HostsLook, mut at: usize, out: &mut Vec<String>) -> Vec<String> {
    let mut left_out = Vec::new();
    for (name, address) in look.peers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(&look.name)) {
        if out.iter().filter_map(|line| HostsLine::parse(line)).any(|line| line.names(name)) {
            continue;
        }
        match address {
            Some(address) => {
                out.insert(at.min(out.len()), format!("{address} {name}"));
                at += 1;
            }
            None => left_out.push(name.clone()),
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::InterfaceAddress;

    fn own(text: &str) -> InterfaceAddress {
        let address: IpAddr = text.parse().unwrap();
        let global = !address.is_loopback();
        InterfaceAddress { interface: "vmbr0".into(), address, prefix: 24, global, dynamic: false }
    }

    fn look(content: &str) -> HostsLook {
        HostsLook {
            name: "pve1".into(),
            content: content.into(),
            own: ["127.0.0.1", "10.0.1.11", "10.0.2.11"].map(own).into(),
            wanted: vec!["10.0.1.11".parse().unwrap()],
            peers: Vec::new(),
        }
    }

    fn text(content: &str) -> String {
        mended(&look(content)).unwrap().text
    }

    #[test]
    fn the_installers_line_gets_the_real_address_and_the_full_name_stays() {
        let found = text("127.0.0.1 localhost\n127.0.1.1 pve1.example.net pve1 # by hand\n\n::1 ip6-localhost\n");
        assert_eq!(found, "127.0.0.1 localhost\n10.0.1.11 pve1.example.net pve1\n\n::1 ip6-localhost\n");
    }

    #[test]
    fn what_is_right_stays_byte_for_byte() {
        let content = "# mine\n127.0.0.1\tlocalhost\n10.0.1.11\tpve1.example.net\tpve1 # ok\n10.9.9.9 storage\n";
        assert_eq!(text(content), content);
    }

    #[test]
    fn loopback_beside_a_good_line_goes_and_its_full_name_moves_there() {
        assert_eq!(text("127.0.1.1 pve1.lan pve1\n10.0.1.11 pve1\n"), "10.0.1.11 pve1.lan pve1\n");
        assert_eq!(text("::1 localhost pve1\n10.0.1.11 pve1\n"), "::1 localhost\n10.0.1.11 pve1\n");
    }

    #[test]
    fn a_foreign_address_goes_and_other_names_on_its_line_stay() {
        assert_eq!(text("10.0.1.99 old pve1 # rack 3\n"), "10.0.1.11 pve1\n10.0.1.99 old # rack 3\n");
    }

    #[test]
    fn a_missing_name_comes_behind_localhost() {
        assert_eq!(
            text("127.0.0.1 localhost\n::1 ip6-localhost\n"),
            "127.0.0.1 localhost\n10.0.1.11 pve1\n::1 ip6-localhost\n"
        );
        assert_eq!(text(""), "10.0.1.11 pve1\n");
    }

    #[test]
    fn the_other_nodes_follow_once_and_those_that_do_not_tell_are_named() {
        let mut look = look("127.0.0.1 localhost pve2\n10.0.1.11 pve1\n10.0.1.13 pve3.lan pve3\n");
        let peer = |name: &str, address: Option<&str>| (name.to_owned(), address.map(|text| text.parse().unwrap()));
        look.peers = vec![
            peer("pve2", Some("10.0.1.12")),
            peer("pve3", Some("10.0.1.13")),
            peer("pve4", None),
            peer("PVE1", None),
        ];
        let found = mended(&look).unwrap();
        assert_eq!(found.text, "127.0.0.1 localhost\n10.0.1.11 pve1\n10.0.1.12 pve2\n10.0.1.13 pve3.lan pve3\n");
        assert_eq!(found.left_out, ["pve4"]);
        assert_eq!(
            mended(&HostsLook { content: found.text.clone(), ..look }).unwrap().text,
            found.text,
            "once is enough"
        );
    }

    #[test]
    fn only_an_address_that_the_machine_has_is_taken() {
        let mut look = look("127.0.1.1 pve1\n10.0.2.11 pve1\n");
        look.wanted = vec!["192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        assert_eq!(mended(&look).unwrap().address.to_string(), "10.0.2.11", "the one in the file");
        look.content = String::new();
        assert_eq!(mended(&look), None, "nobody guesses which of two");
        look.own = ["127.0.0.1", "10.0.2.11"].map(own).into();
        assert_eq!(mended(&look).unwrap().address.to_string(), "10.0.2.11", "the only one");
        look.own = vec![own("127.0.0.1")];
        assert_eq!(mended(&look), None);
    }
}
