//! Network cards, addresses and names of a node.

use std::net::IpAddr;

/// One network card with the address that it carries.
#[derive(Debug, Clone)]
pub(crate) struct Nic {
    /// The card, e.g. `eno1`.
    pub(crate) port: String,
    /// The bridge on top of it that carries the address, e.g. `vmbr0`.
    pub(crate) bridge: Option<String>,
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
    pub(crate) mac: String,
    /// Number of the wire that it is plugged into.
    pub(crate) network: usize,
    /// The cable is in.
    pub(crate) up: bool,
    /// What the node sends here arrives nowhere.
    pub(crate) deaf: bool,
    /// What the others send does not arrive here.
    pub(crate) unheard: bool,
    /// Packets that are lost here.
    pub(crate) loss_percent: u8,
    /// How much longer a packet takes through here to another node and back, in milliseconds.
    pub(crate) delay_ms: u16,
    /// The largest packet, in bytes.
    pub(crate) mtu: u16,
}

impl Nic {
    /// Interface that holds the address.
    pub(crate) fn holder(&self) -> &str {
        self.bridge.as_deref().unwrap_or(&self.port)
    }

    /// The network in CIDR notation (IPv4), e.g. `10.0.1.0/24`.
    pub(crate) fn subnet(&self) -> String {
        match self.address {
            IpAddr::V4(address) => {
                let bits = u32::from(address);
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                format!("{}/{}", std::net::Ipv4Addr::from(bits & mask), self.prefix)
            }
            IpAddr::V6(address) => format!("{address}/{}", self.prefix),
        }
    }
}

/// Addresses that a name has in a hosts file, in the file's order, with the line's first name.
pub(crate) fn lookup(hosts: &[u8], name: &str) -> Vec<(IpAddr, String)> {
    let text = String::from_utf8_lossy(hosts);
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
        let names: Vec<&str> = words.collect();
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            found.push((address, names.first().copied().unwrap_or(name).to_owned()));
        }
    }
    found
}
