//! The figures of a measured way as short texts.

use model::facts::host::Pings;

/// From so many microseconds on one digit behind the point is enough.
const COARSE_US: u32 = 10_000;

/// `0.18` or `12.2` of microseconds.
pub fn millis(us: u32) -> String {
    if us < COARSE_US { format!("{:.2}", f64::from(us) / 1_000.0) } else { format!("{:.1}", f64::from(us) / 1_000.0) }
}

/// Lost ones in whole percent; what was lost at all is never nought.
pub fn lost_percent(pings: &Pings) -> u32 {
    let lost = pings.sent.saturating_sub(pings.received);
    (lost * 100).div_ceil(pings.sent.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_times_have_two_digits_and_large_ones_one() {
        assert_eq!([180, 9_999, 10_000, 12_180].map(millis), ["0.18", "10.00", "10.0", "12.2"]);
    }

    #[test]
    fn one_lost_packet_is_not_rounded_away() {
        let of = |received| lost_percent(&Pings { sent: 200, received, min_us: 1, avg_us: 1, max_us: 1, jitter_us: 0 });
        assert_eq!([of(200), of(199), of(100), of(0)], [0, 1, 50, 100]);
    }
}
