//! Messages on their way out, behind the fence.

use super::FencedStore;
use async_trait::async_trait;
use engine::ports::{Delivery, Fate, NoticeStore, Outgoing, PlaceState, Queue, StoreError};
use jiff::Timestamp;
use model::audit::AuditEntry;

delegate!(NoticeStore {
    fn notice_cursor() -> Option<u64>;
    fn settle_places(places: &[String]) -> ();
    fn keep_notices(cursor: Option<u64>, outgoing: &[Outgoing], at: Timestamp, most: u32) -> u64;
    fn due_notice(place: &str, now: Timestamp) -> Option<Delivery>;
    fn notice_queue(place: &str) -> Queue;
    fn place_state(place: &str) -> PlaceState;
    fn put_place(place: &str, state: &PlaceState, fate: Fate, audit: Vec<AuditEntry>) -> ();
});
