//! Which guests each node of a cluster has, from the list that pmxcfs keeps of the whole cluster.

use jiff::Timestamp;
use model::approval::GuestList;
use model::clock;
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
    guests: GuestList,
}

impl Guests {
    /// What a member told; an answer that was asked for earlier than the known one says nothing.
    pub(super) fn seen(&self, cluster: ClusterId, at: Timestamp, list: &BTreeMap<u32, PmxGuest>) {
        let mut guests = GuestList::new();
        for (id, guest) in list {
            guests.entry(guest.node.clone()).or_default().insert(*id);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One from far in the future was told before the clock was set back.
        if all.get(&cluster).is_none_or(|known| known.at <= at || clock::is_set_back(known.at, at)) {
            all.insert(cluster, Told { at, guests });
        }
    }

    pub(super) fn forget(&self, cluster: ClusterId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cluster);
    }

    /// Node -> guests, as far as that is still believed.
    #[must_use]
    pub fn of(&self, cluster: ClusterId, now: Timestamp) -> Option<GuestList> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&cluster)?;
        (AGE_FILES.judge(known.at, now) != Freshness::Unknown).then(|| known.guests.clone())
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
        let all: GuestList = [("pve1".to_owned(), [100, 101].into()), ("pve2".to_owned(), [102].into())].into();
        assert_eq!(guests.of(cluster, at(11)), Some(all));
        assert_eq!(guests.of(cluster, at(101)), None);
        assert_eq!(guests.of(cluster, at(-60)), None, "told before the clock was set back");
        guests.seen(cluster, at(-3_600), &[(103, one("pve1"))].into());
        let since: GuestList = [("pve1".to_owned(), [103].into())].into();
        assert_eq!(guests.of(cluster, at(-3_590)), Some(since), "and told since");
        guests.forget(cluster);
        assert_eq!(guests.of(cluster, at(11)), None);
    }
}
