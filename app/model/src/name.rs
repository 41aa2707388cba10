//! Names as Proxmox VE and corosync accept them, checked once at the edge.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;

/// The longest cluster name that `pvecm create` takes, in characters (`ClusterConfig.pm`).
pub const CLUSTER_NAME_MAX_CHARS: usize = 15;
/// The longest label of a host name, in characters (RFC 1123, the `pve-node` format).
pub const NODE_NAME_MAX_CHARS: usize = 63;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name is longer than {0} characters")]
    TooLong(u8),
    #[error("the name has a character other than a-z, A-Z, 0-9 and -")]
    Character,
    #[error("the name begins or ends with -")]
    Hyphen,
}

fn check_label(text: &str, max_chars: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().count() > max_chars {
        return Err(NameError::TooLong(u8::try_from(max_chars).unwrap_or(u8::MAX)));
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(NameError::Character);
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(NameError::Hyphen);
    }
    Ok(())
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                check_label(&text, $max)?;
                Ok(Self(text))
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_name!(
    /// A cluster's name: node-name rules, at most 15 characters, never changed after `pvecm create`.
    ClusterName,
    CLUSTER_NAME_MAX_CHARS
);
checked_name!(
    /// A node's name as `hostname` prints it: one label, no dot.
    NodeName,
    NODE_NAME_MAX_CHARS
);

/// Where the console reaches a machine over SSH.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SshAddress {
    /// An IP address or a host name.
    pub host: String,
    pub port: u16,
    /// `root`, or a user who may `sudo -n` everything.
    pub user: String,
}

/// Why an address for SSH was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressError {
    #[error("the host is empty")]
    EmptyHost,
    #[error("the host is neither an IP address nor a host name")]
    BadHost,
    #[error("the port is not between 1 and 65535")]
    BadPort,
    #[error("the user name has characters that no Unix account has")]
    BadUser,
}

impl SshAddress {
    /// Checks the parts as a person typed them; `host` may carry `:port`.
    pub fn parse(host: &str, port: u16, user: &str) -> Result<Self, AddressError> {
        let host = host.trim();
        let (host, port) = match host.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') && !digits.is_empty() => {
                (name, digits.parse().map_err(|_| AddressError::BadPort)?)
            }
            _ => (host, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(AddressError::EmptyHost);
        }
        if port == 0 {
            return Err(AddressError::BadPort);
        }
        if host.parse::<IpAddr>().is_err() && !is_host_name(host) {
            return Err(AddressError::BadHost);
        }
        let user = user.trim();
        let user = if user.is_empty() { "root" } else { user };
        if !is_unix_user(user) {
            return Err(AddressError::BadUser);
        }
        Ok(Self { host: host.to_owned(), port, user: user.to_owned() })
    }

    /// True where commands must go through `sudo -n`.
    #[must_use]
    pub fn needs_sudo(&self) -> bool {
        self.user != "root"
    }
}

impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "{}@[{}]:{}", self.user, self.host, self.port)
        } else {
            write!(f, "{}@{}:{}", self.user, self.host, self.port)
        }
    }
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|label| check_label(label, NODE_NAME_MAX_CHARS).is_ok())
}

fn is_unix_user(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names_follow_pvecm() {
        assert!("pve-prod".parse::<ClusterName>().is_ok());
        assert_eq!("bad_name!".parse::<ClusterName>(), Err(NameError::Character));
        assert_eq!("averyveryverylongclustername".parse::<ClusterName>(), Err(NameError::TooLong(15)));
        assert_eq!("-x".parse::<ClusterName>(), Err(NameError::Hyphen));
        assert_eq!("".parse::<ClusterName>(), Err(NameError::Empty));
    }

    #[test]
    fn addresses_take_a_port_after_the_host() {
        let address = SshAddress::parse("10.0.1.11:2222", 22, "").expect("valid");
        assert_eq!(address.to_string(), "root@10.0.1.11:2222");
        let six = SshAddress::parse("[fd00::1]", 22, "ops").expect("valid");
        assert_eq!(six.to_string(), "ops@[fd00::1]:22");
        assert!(six.needs_sudo());
        assert_eq!(SshAddress::parse("a b", 22, "root"), Err(AddressError::BadHost));
        assert_eq!(SshAddress::parse("h:99999", 22, "root"), Err(AddressError::BadPort));
        assert_eq!(SshAddress::parse("h", 22, "ro ot"), Err(AddressError::BadUser));
    }
}
