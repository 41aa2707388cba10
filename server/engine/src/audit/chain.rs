//! The hash chain over the exact stored bytes: pure, so that anybody can compute it again.

use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub type Hash = [u8; HASH_BYTES];

/// Length of a hash, in bytes.
pub const HASH_BYTES: usize = 32;

/// What stands in the place of the hash before the first entry.
pub const GENESIS: Hash = [0; HASH_BYTES];

/// Separates these hashes from all others; raised when the meaning of the bytes changes.
const DOMAIN: &[u8] = b"audit-entry/v1\0";

/// The hash of one entry: SHA-256 over domain, previous hash, index, length and bytes.
///
/// Index (from 1 on) and length are unsigned 64-bit numbers, most significant byte first.
#[must_use]
pub fn entry_hash(previous: &Hash, bytes: &[u8], index: u64) -> Hash {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(previous);
    hasher.update(index.to_be_bytes());
    hasher.update(length.to_be_bytes());
    hasher.update(bytes);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn anybody_can_compute_it_again() {
        // printf 'audit-entry/v1\0' and 32 zero bytes, 8 bytes of index, 8 bytes of length, the bytes; all through sha256sum.
        assert_eq!(
            hex::encode(entry_hash(&GENESIS, b"{}", 1)),
            "29bf6e0a6cc8f0a8ee25caadba63cc938d396d00ae2ee43bfdad44cd2fa12a63"
        );
        let first = entry_hash(&GENESIS, b"{}", 1);
        assert_eq!(
            hex::encode(entry_hash(&first, b"", 2)),
            "bd1ea47ed224c7a07a8449ff4ecfac78f0610a27e93392fcc91053d8da1f0a0c"
        );
    }

    proptest! {
        #[test]
        fn one_changed_byte_changes_every_hash_after_it(
            entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..12),
            place in any::<prop::sample::Index>(),
            flip in 1_u8..,
        ) {
            let place = place.index(entries.len());
            let mut changed = entries.clone();
            match changed[place].first_mut() {
                Some(byte) => *byte ^= flip,
                None => changed[place].push(flip),
            }
            let before = chain(&entries);
            let after = chain(&changed);
            prop_assert_eq!(&before[..place], &after[..place]);
            prop_assert!(before[place..].iter().zip(&after[place..]).all(|(one, other)| one != other));
        }

        #[test]
        fn index_and_previous_hash_are_covered(bytes in proptest::collection::vec(any::<u8>(), 0..40), index in 1_u64.., other in any::<Hash>()) {
            prop_assume!(other != GENESIS);
            let hashes: BTreeSet<Hash> = [
                entry_hash(&GENESIS, &bytes, index),
                entry_hash(&GENESIS, &bytes, index - 1),
                entry_hash(&other, &bytes, index),
            ]
            .into();
            prop_assert_eq!(hashes.len(), 3);
        }
    }

    fn chain(entries: &[Vec<u8>]) -> Vec<Hash> {
        let mut head = GENESIS;
        let mut hashes = Vec::new();
        for (bytes, index) in entries.iter().zip(1..) {
            head = entry_hash(&head, bytes, index);
            hashes.push(head);
        }
        hashes
    }
}
