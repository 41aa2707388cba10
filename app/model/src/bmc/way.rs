//! How a machine's power is reached.

use crate::ids::NodeId;
use crate::name::{AddressError, SshAddress};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// The port of IPMI over LAN (RMCP+).
pub const IPMI_PORT: u16 = 623;
/// The cipher suite that is used unless another is configured: HMAC-SHA1 and AES-CBC-128, which every BMC has.
/// Without one, `ipmitool` asks for the list first, which takes many BMCs some ten seconds.
pub const CIPHER_USUAL: u8 = 3;
/// The highest number of a cipher suite (IPMI 2.0 errata 7, table 22-20).
pub const CIPHER_MAX: u8 = 17;
/// The longest account name of a BMC, in characters (IPMI 2.0, *Set User Name*).
pub const IPMI_USER_MAX_CHARS: usize = 16;
/// The longest password of a BMC, in bytes (IPMI 2.0, *Set User Password*).
pub const IPMI_PASSWORD_MAX_BYTES: usize = 20;
/// Numbers of guests in Proxmox VE.
pub const VMID_MIN: u32 = 100;
pub const VMID_MAX: u32 = 999_999_999;
/// The longest name of a libvirt domain that is taken, in characters.
pub const DOMAIN_MAX_CHARS: usize = 64;

/// What kind of thing tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BmcKind {
    Ipmi,
    Qm,
    Virsh,
}

impl BmcKind {
    pub const ALL: [Self; 3] = [Self::Ipmi, Self::Qm, Self::Virsh];
    pub const WORDS: &'static [&'static str] = &["ipmi", "qm", "virsh"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipmi => "ipmi",
            Self::Qm => "qm",
            Self::Virsh => "virsh",
        }
    }

    /// Reads the word that `word` writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How a machine's power is reached, without any password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum BmcWay {
    /// A BMC on the network, asked by `fence_ipmilan` on the console's own machine.
    Ipmi { host: String, port: u16, user: String, lanplus: bool, cipher: u8 },
    /// A guest of a Proxmox VE host: `qm` there, over the console's own pinned SSH.
    Qm { outer: NodeId, outer_name: String, vmid: u32 },
    /// A guest of a libvirt host: `virsh` there.
    Virsh { outer: NodeId, outer_name: String, domain: String },
}

/// Why a way cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WayFault {
    #[error("the address: {0}")]
    Address(AddressError),
    #[error("the account name")]
    User,
    #[error("the password")]
    Password,
    #[error("the cipher suite")]
    Cipher,
    #[error("the number of the guest")]
    Vmid,
    #[error("the name of the domain")]
    Domain,
}

impl BmcWay {
    #[must_use]
    pub const fn kind(&self) -> BmcKind {
        match self {
            Self::Ipmi { .. } => BmcKind::Ipmi,
            Self::Qm { .. } => BmcKind::Qm,
            Self::Virsh { .. } => BmcKind::Virsh,
        }
    }

    /// The host that a guest's power is asked of.
    #[must_use]
    pub const fn outer(&self) -> Option<NodeId> {
        match self {
            Self::Ipmi { .. } => None,
            Self::Qm { outer, .. } | Self::Virsh { outer, .. } => Some(*outer),
        }
    }

    #[must_use]
    pub fn outer_name(&self) -> Option<String> {
        match self {
            Self::Ipmi { .. } => None,
            Self::Qm { outer_name, .. } | Self::Virsh { outer_name, .. } => Some(outer_name.clone()),
        }
    }

    /// The same, as it may be written down: nothing in it can become more than one word of a command or of the agent's input.
    ///
    /// # Errors
    /// The first part that cannot.
    pub fn checked(self) -> Result<Self, WayFault> {
        match self {
            Self::Ipmi { host, port, user, lanplus, cipher } => {
                let address = SshAddress::parse(&host, port, "root").map_err(WayFault::Address)?;
                let user = user.trim().to_owned();
                let starts = user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                if !starts || user.len() > IPMI_USER_MAX_CHARS || !user.chars().all(is_of_account) {
                    return Err(WayFault::User);
                }
                if cipher > CIPHER_MAX {
                    return Err(WayFault::Cipher);
                }
                Ok(Self::Ipmi { host: address.host, port: address.port, user, lanplus, cipher })
            }
            Self::Qm { vmid, .. } if !(VMID_MIN..=VMID_MAX).contains(&vmid) => Err(WayFault::Vmid),
            Self::Virsh { outer, outer_name, domain } => {
                let domain = domain.trim().to_owned();
                let starts = domain.starts_with(|c: char| c.is_ascii_alphanumeric());
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
                if !starts || domain.len() > DOMAIN_MAX_CHARS || !domain.chars().all(fits) {
                    return Err(WayFault::Domain);
                }
                Ok(Self::Virsh { outer, outer_name, domain })
            }
            Self::Qm { .. } => Ok(self),
        }
    }

    /// The name that its sealed password is bound to: with another address, account or session it does not open, so that
    /// nobody sends a kept password elsewhere, or less well hidden, by changing how it goes.
    #[must_use]
    pub fn secret_name(&self, node: NodeId) -> String {
        match self.session() {
            // As the usual one has always been called.
            None | Some((true, CIPHER_USUAL)) => format!("bmc/{node}/{self}"),
            Some(session) => format!("bmc/{node}/{self}/{}", session_word(session)),
        }
    }

    /// How a BMC on the network is spoken to: `lanplus, cipher 3`.
    #[must_use]
    pub fn spoken(&self) -> Option<String> {
        self.session().map(session_word)
    }

    const fn session(&self) -> Option<(bool, u8)> {
        match self {
            Self::Ipmi { lanplus, cipher, .. } => Some((*lanplus, *cipher)),
            Self::Qm { .. } | Self::Virsh { .. } => None,
        }
    }
}

fn session_word((lanplus, cipher): (bool, u8)) -> String {
    format!("{}, cipher {cipher}", if lanplus { "lanplus" } else { "lan" })
}

impl fmt::Display for BmcWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipmi { host, port, user, .. } if host.contains(':') => write!(f, "ipmi {user}@[{host}]:{port}"),
            Self::Ipmi { host, port, user, .. } => write!(f, "ipmi {user}@{host}:{port}"),
            Self::Qm { outer_name, vmid, .. } => write!(f, "qm {vmid} @ {outer_name}"),
            Self::Virsh { outer_name, domain, .. } => write!(f, "virsh {domain} @ {outer_name}"),
        }
    }
}

const fn is_of_account(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+')
}

/// Whether a BMC can have this password, and an environment variable hold it.
///
/// # Errors
/// `Password`: empty, too long, or with something that is not printable ASCII.
pub fn check_ipmi_password(password: &str) -> Result<(), WayFault> {
    let fits = (1..=IPMI_PASSWORD_MAX_BYTES).contains(&password.len());
    if fits && password.bytes().all(|byte| (0x20..0x7f).contains(&byte)) { Ok(()) } else { Err(WayFault::Password) }
}
