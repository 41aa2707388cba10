//! Lines of `/etc/hosts` (hosts(5)).

use std::net::IpAddr;

/// One entry: an address and the names that stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsLine<'a> {
    pub address: IpAddr,
    pub names: Vec<&'a str>,
    /// The line itself, without the space around it.
    pub text: &'a str,
}

impl<'a> HostsLine<'a> {
    /// `None` for comments, empty lines, and what the resolver would skip too.
    pub fn parse(line: &'a str) -> Option<Self> {
        let text = line.trim();
        let entry = text.split('#').next().unwrap_or_default();
        let mut words = entry.split_whitespace();
        // A zone such as `fe80::1%eno1` does not change which kind of address it is.
        let address = words.next()?.split('%').next()?.parse().ok()?;
        let names: Vec<&str> = words.collect();
        (!names.is_empty()).then_some(Self { address, names, text })
    }

    pub fn names(&self, name: &str) -> bool {
        self.names.iter().any(|one| one.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_broken_lines_are_no_entries() {
        let line = HostsLine::parse("  127.0.1.1\tpve1.example.net PVE1 # old").unwrap();
        assert!(line.names("pve1") && !line.names("old"));
        for text in ["", "# 10.0.0.1 pve1", "10.0.0.1", "10.0.0 pve1", "pve1 10.0.0.1"] {
            assert_eq!(HostsLine::parse(text), None, "{text}");
        }
        assert!(HostsLine::parse("fe80::1%eno1 pve1").is_some());
    }
}
