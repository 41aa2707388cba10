//! What a wall clock can tell of: it may be set, forwards and back, while something that has its time by it still counts.

use jiff::{SignedDuration, Timestamp};

/// By how much the clock may stand before something that was given its time by it, in seconds; clocks are corrected by less all
/// the time. Further back it was set, and how long ago that something was is not known any more.
pub const SET_BACK_S: i64 = 60;

/// Whether the clock has been set back since: nothing that was done is from the future.
#[must_use]
pub fn is_set_back(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < SignedDuration::from_secs(-SET_BACK_S)
}

/// Whether it was less than `limit` ago. What the clock cannot tell that of was not.
#[must_use]
pub fn is_within(at: Timestamp, now: Timestamp, limit: SignedDuration) -> bool {
    !is_set_back(at, now) && now.duration_since(at) < limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_from_the_future() {
        let at = |second| Timestamp::from_second(100_000 + second).expect("time");
        let good = |second| is_within(at(0), at(second), SignedDuration::from_secs(300));
        assert!(good(0) && good(299), "it was a moment ago");
        assert!(!good(300), "too long ago");
        assert!(good(-1) && good(-SET_BACK_S), "a clock that was corrected");
        assert!(!good(-SET_BACK_S - 1) && !good(-3_600), "a clock that was set back");
        assert!(!is_set_back(at(0), at(86_400)));
    }
}
