//! The UUID of a system (SMBIOS type 1), which a machine and its BMC both tell.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What boards tell that nobody gave a UUID: they would bind any BMC to any machine.
const PLACEHOLDERS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    // AMI's example value, on many boards.
    "03000200-0400-0500-0006-000700080009",
];
/// The lengths of its parts, in hexadecimal digits.
const PARTS: [usize; 5] = [8, 4, 4, 4, 12];

/// 32 hexadecimal digits in five parts, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemUuid(String);

/// Why a text is no UUID that tells machines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UuidFault {
    #[error("this is no UUID")]
    Form,
    #[error("this UUID is a placeholder that many machines have")]
    Placeholder,
}

impl SystemUuid {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same digits, or the same bytes with the first three parts the other way around: BMCs send them in the order of
    /// SMBIOS or in that of RFC 4122 (`ipmitool mc guid` guesses which).
    #[must_use]
    pub fn is_same_machine(&self, other: &Self) -> bool {
        self == other || self.turned() == other.0
    }

    fn turned(&self) -> String {
        let turn = |part: &str| {
            let digits: Vec<char> = part.chars().collect();
            digits.chunks(2).rev().flatten().collect::<String>()
        };
        let parts: Vec<String> =
            self.0.split('-').enumerate().map(|(at, part)| if at < 3 { turn(part) } else { part.to_owned() }).collect();
        parts.join("-")
    }
}

impl FromStr for SystemUuid {
    type Err = UuidFault;

    fn from_str(text: &str) -> Result<Self, UuidFault> {
        let text = text.trim().to_ascii_lowercase();
        let fits = |(part, length): (&str, usize)| part.len() == length && part.chars().all(|c| c.is_ascii_hexdigit());
        let count = text.split('-').count();
        if count != PARTS.len() || !text.split('-').zip(PARTS).all(fits) {
            return Err(UuidFault::Form);
        }
        let uuid = Self(text);
        let turned = uuid.turned();
        if PLACEHOLDERS.iter().any(|one| *one == uuid.0 || *one == turned) {
            return Err(UuidFault::Placeholder);
        }
        Ok(uuid)
    }
}

impl TryFrom<String> for SystemUuid {
    type Error = UuidFault;

    fn try_from(text: String) -> Result<Self, UuidFault> {
        text.parse()
    }
}

impl From<SystemUuid> for String {
    fn from(uuid: SystemUuid) -> Self {
        uuid.0
    }
}

impl fmt::Display for SystemUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
