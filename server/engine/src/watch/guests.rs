//! How many guests each node of a cluster has, from the list that pmxcfs keeps of the whole cluster.

use jiff::Timestamp;
use model::approval::GuestCounts;
use model::ids::ClusterId;
use model::observation::{AGE_FILES, Freshness};
use pve::pmxcfs::PmxGuest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The newest list of each cluster. Cheap to clone.
#[derive(Clone, Default)]
pub struct Guests(Arc<Mutex<BTreeMap<ClusterId, Told>>>);

struct Told {
    at: Timestamp,
    counts: GuestCounts,
}

impl Guests {
    /// What a member told; an answer that was asked for earlier than the known one says nothing.
    pub(super) fn seen(&self, cluster: ClusterId, at: Timestamp, list: &BTreeMap<u32, PmxGuest>) {
        let mut counts = GuestCounts::new();
        for guest in list.values() {
            let count = counts.entry(guest.node.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(&cluster).is_none_or(|known| known.at <= at) {
            all.insert(cluster, Told { at, counts });
        }
    }

    pub(super) fn forget(&self, cluster: ClusterId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cluster);
    }

    /// Node -> guests, as far as that is still believed.
    #[must_use]
    pub fn of(&self, cluster: ClusterId, now: Timestamp) -> Option<GuestCounts> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&cluster)?;
        (AGE_FILES.judge(known.at, now) != Freshness::Unknown).then(|| known.counts.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn the_newest_list_counts_until_it_is_too_old() {
        let (guests, cluster) = (Guests::default(), ClusterId::from_uuid(Uuid::from_u128(1)));
        let one = |node: &str| PmxGuest { node: node.into(), kind: "qemu".into() };
        assert_eq!(guests.of(cluster, at(0)), None);
        guests.seen(cluster, at(10), &[(100, one("pve1")), (101, one("pve1")), (102, one("pve2"))].into());
        guests.seen(cluster, at(9), &BTreeMap::new());
        let counts: GuestCounts = [("pve1".to_owned(), 2), ("pve2".to_owned(), 1)].into();
        assert_eq!(guests.of(cluster, at(11)), Some(counts));
        assert_eq!(guests.of(cluster, at(101)), None);
        guests.forget(cluster);
        assert_eq!(guests.of(cluster, at(11)), None);
    }
}
