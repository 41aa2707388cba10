//! Codes of an authenticator (TOTP, RFC 6238), its picture for a phone's camera, and recovery codes: pure, no store.

use qrcodegen::{QrCode, QrCodeEcc};
use rand::RngCore;
use std::fmt::Write;
use totp_rs::{Builder, Totp, TotpError};
use zeroize::Zeroizing;

/// Length of a secret in bytes (RFC 4226, section 4: 160 bits are recommended).
pub const SECRET_BYTES: usize = 20;
/// So long is one code shown, in seconds (RFC 6238, section 4.1).
pub const STEP_S: u64 = 30;
/// A code of so many steps before or after is taken too: clocks differ (RFC 6238, section 5.2).
pub const SKEW_STEPS: u16 = 1;
/// Recovery codes that a person gets.
pub const RECOVERY_CODES: usize = 10;
/// A secret that was shown waits so long for its first code, in minutes.
pub const ENROL_MIN: i64 = 15;
/// Whatever is longer is no code, in bytes.
const CODE_MAX_BYTES: usize = 64;
const DIGITS: usize = 6;
/// Letters of a recovery code: 80 bits, so that a keyed hash is enough and nobody guesses one.
const RECOVERY_CHARS: usize = 16;
const RECOVERY_GROUP: usize = 4;
/// Base32 (RFC 4648): 32 letters that 5 random bits choose without bias.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Empty modules around a QR code (ISO/IEC 18004: four).
const QUIET: i32 = 4;
const ISSUER: &str = "Quorate";

/// What a person typed into the field for the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Six digits of the authenticator.
    Code(Zeroizing<String>),
    /// A recovery code in capitals, without spaces and hyphens.
    Recovery(Zeroizing<String>),
    Neither,
}

/// Reads what was typed; people type groups and small letters.
#[must_use]
pub fn typed(text: &str) -> Typed {
    if text.len() > CODE_MAX_BYTES {
        return Typed::Neither;
    }
    let plain: Zeroizing<String> = Zeroizing::new(
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect(),
    );
    if plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Typed::Code(plain);
    }
    if plain.len() == RECOVERY_CHARS && plain.bytes().all(|byte| LETTERS.contains(&byte)) {
        return Typed::Recovery(plain);
    }
    Typed::Neither
}

/// A new secret.
#[must_use]
pub fn secret() -> Zeroizing<[u8; SECRET_BYTES]> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    rand::rng().fill_bytes(bytes.as_mut());
    bytes
}

/// The authenticator of an account, as the person's device has it.
///
/// # Errors
/// When the secret is too short or the name cannot stand in an address.
pub fn authenticator(secret: &[u8], account: &str) -> Result<Totp, TotpError> {
    Builder::new()
        .with_secret(secret)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_S)
        .with_account_name(account)
        .with_issuer(Some(ISSUER))
        .build()
}

/// Recovery codes as they are shown: `ABCD-EFGH-IJKL-MNOP`.
#[must_use]
pub fn recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| recovery_code()).collect()
}

fn recovery_code() -> String {
    let mut bytes = Zeroizing::new([0u8; RECOVERY_CHARS]);
    rand::rng().fill_bytes(bytes.as_mut());
    let mut code = String::with_capacity(RECOVERY_CHARS + RECOVERY_CHARS / RECOVERY_GROUP);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % RECOVERY_GROUP == 0 {
            code.push('-');
        }
        code.extend(LETTERS.get(usize::from(byte % 32)).map(|letter| char::from(*letter)));
    }
    code
}

/// The picture of an address: the side of its square in modules, and the dark ones as an SVG path.
///
/// It is drawn here and in the page, so that no other machine ever sees the secret.
#[must_use]
pub fn picture(address: &str) -> Option<(u32, String)> {
    let code = QrCode::encode_text(address, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let length = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
            let length = i32::try_from(length).ok()?;
            if length > 0 {
                write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET).ok()?;
            }
            x += length.max(1);
        }
    }
    Some((u32::try_from(code.size() + 2 * QUIET).ok()?, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1: the last six of the eight digits.
        let totp = authenticator(b"12345678901234567890", "anna").expect("a secret");
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(totp.check(code, second), Some(second / STEP_S), "{second}");
        }
    }

    #[test]
    fn one_step_before_and_after_are_taken_and_no_more() {
        let totp = authenticator(b"12345678901234567890", "anna").expect("a secret");
        let code = totp.generate(3_000).to_string();
        let taken: Vec<u64> = (2_880..3_180).step_by(30).filter(|now| totp.check(&code, *now).is_some()).collect();
        assert_eq!(taken, [2_970, 3_000, 3_030]);
    }

    #[test]
    fn people_type_groups_and_small_letters() {
        assert_eq!(typed(" 287 082 "), Typed::Code(Zeroizing::new("287082".to_owned())));
        let code = recovery_code();
        let Typed::Recovery(plain) = typed(&code.to_lowercase().replace('-', " ")) else { panic!("{code}") };
        assert_eq!(*plain, code.replace('-', ""));
        for neither in ["", "28708", "2870822", "28708x", "ABCD-EFGH-IJKL-MNO1", &"1".repeat(10_000), "２８７０８２"]
        {
            assert_eq!(typed(neither), Typed::Neither, "{neither}");
        }
    }

    #[test]
    fn recovery_codes_differ() {
        let all: BTreeSet<String> = (0..50).flat_map(|_| recovery_codes()).collect();
        assert_eq!(all.len(), 50 * RECOVERY_CODES);
    }

    #[test]
    fn the_picture_is_the_code_that_a_camera_reads() {
        let secret = secret();
        let address = authenticator(secret.as_ref(), "ops-1@example").expect("a secret").to_url().expect("an address");
        assert!(address.starts_with("otpauth://totp/Quorate:ops-1"), "{address}");
        let (side, path) = picture(&address).expect("it fits");
        let code = QrCode::encode_text(&address, QrCodeEcc::Medium).expect("it fits");
        assert_eq!(side, u32::try_from(code.size() + 8).expect("a side"));
        // Draws the path again, square by square.
        let mut drawn = BTreeSet::new();
        for run in path.split('M').skip(1) {
            let numbers: Vec<i32> = run.split([' ', 'h', 'v']).filter_map(|text| text.parse().ok()).collect();
            let [x, y, length, ..] = numbers[..] else { panic!("{run}") };
            drawn.extend((x..x + length).map(|at| (at - QUIET, y - QUIET)));
        }
        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark: BTreeSet<_> = all.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(drawn, dark);
    }
}
