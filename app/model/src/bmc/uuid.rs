//! The UUID of a system (SMBIOS type 1), which a machine and its BMC both tell.

use ::uuid::Uuid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What boards tell that nobody gave a UUID: they would bind any BMC to any machine. FreeBSD's list (`libexec/rc/rc.d/hostid`),
/// and example values that count up; each stands for its other arrangements too.
const PLACEHOLDERS: [u128; 8] = [
    // AMI's example value, on many boards.
    0x0002_0003_0004_0005_0006_0007_0008_0009,
    0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f,
    0x0709_0201_0103_0301_0807_0605_0403_0201,
    0x1111_1111_2222_3333_4444_5555_5555_5555,
    0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc,
    0x890e_2d14_cacd_45d1_ae66_bc80_e8bf_eb0f,
    0x8e27_5844_178f_44a8_aceb_a7d7_e517_8c63,
    0xdc69_8397_fa54_4cf2_82c8_b1b5_307a_6a7f,
];
/// So many bytes at the front are told apart by boards that leave the rest at `ff`.
const BOARD_BYTES: usize = 6;
/// Dell writes its name (in the order of the table: `DELL`) and the service tag into the UUID, here at these places.
const DELL: &[u8] = b"LLED";
const DELL_TAG_AT: [usize; 7] = [5, 6, 9, 10, 13, 14, 15];
/// The lengths of its parts, in hexadecimal digits.
const PARTS: [usize; 5] = [8, 4, 4, 4, 12];
/// The length of all of them.
const DIGITS: usize = 32;

type Bytes = [u8; 16];

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

    /// The same bytes in any order in which they are sent and printed: a BMC sends them in the order of SMBIOS, of RFC 4122 or
    /// of IPMI (the last byte first), and `ipmitool mc guid` guesses which (`ipmi_parse_guid`), often wrongly.
    #[must_use]
    pub fn is_same_machine(&self, other: &Self) -> bool {
        self.arrangements().contains(&other.bytes())
    }

    /// Many machines have it: it says nothing of who somebody is. One that was kept before it was known as such is still read.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.arrangements().iter().any(is_placeholder)
    }

    /// As it is; with the first three parts the other way around; the whole the other way around; and both, one before the other.
    /// With each of them the way back is there, so it does not matter whose arrangements are looked through.
    fn arrangements(&self) -> [Bytes; 5] {
        let own = self.bytes();
        [own, turned(own), reversed(own), turned(reversed(own)), reversed(turned(own))]
    }

    /// Only a text that is a UUID comes in here.
    fn bytes(&self) -> Bytes {
        Uuid::try_parse(&self.0).unwrap_or_default().into_bytes()
    }

    /// Five parts, or 32 digits without any dash: what `ipmitool` prints where it finds no arrangement with a version.
    fn formed(text: &str) -> Result<Self, UuidFault> {
        let text = text.trim();
        let dashed = text.split('-').map(str::len).eq(PARTS);
        let digits = text.replace('-', "");
        if !dashed && (text != digits || digits.len() != DIGITS) {
            return Err(UuidFault::Form);
        }
        let uuid = Uuid::try_parse(&digits).map_err(|_| UuidFault::Form)?;
        Ok(Self(uuid.hyphenated().to_string()))
    }
}

const fn turned(bytes: Bytes) -> Bytes {
    Uuid::from_bytes(bytes).to_bytes_le()
}

fn reversed(mut bytes: Bytes) -> Bytes {
    bytes.reverse();
    bytes
}

fn is_placeholder(bytes: &Bytes) -> bool {
    let alike = bytes.iter().all(|byte| bytes.first() == Some(byte));
    let unset = bytes.iter().skip(BOARD_BYTES).all(|byte| *byte == 0xff);
    // Spaces or nothing; one of them has its highest bit set.
    let blank = |at: &usize| bytes.get(*at).is_some_and(|byte| matches!(byte & 0x7f, 0 | b' '));
    let no_tag = bytes.starts_with(DELL) && DELL_TAG_AT.iter().all(blank);
    alike || unset || no_tag || PLACEHOLDERS.contains(&u128::from_be_bytes(*bytes))
}

impl FromStr for SystemUuid {
    type Err = UuidFault;

    fn from_str(text: &str) -> Result<Self, UuidFault> {
        let uuid = Self::formed(text)?;
        if uuid.is_placeholder() { Err(UuidFault::Placeholder) } else { Ok(uuid) }
    }
}

impl TryFrom<String> for SystemUuid {
    type Error = UuidFault;

    /// What was kept: a placeholder too, or a list that has grown would make the store unreadable.
    fn try_from(text: String) -> Result<Self, UuidFault> {
        Self::formed(&text)
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
