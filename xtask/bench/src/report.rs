//! Figures out of samples, and their one line of JSON.

use serde_json::json;
use std::time::Duration;

/// The value below which `percent` of the samples lie, in milliseconds; samples must not be empty.
pub fn percentile(samples: &[Duration], percent: usize) -> f64 {
    let mut sorted: Vec<f64> = samples.iter().map(|one| one.as_secs_f64() * 1_000.0).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1).min(last);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

pub fn print(name: &str, value: f64, unit: &str, samples: usize) {
    println!("{}", json!({ "name": name, "value": rounded(value), "unit": unit, "samples": samples }));
}

/// `ratio` is times better than the rival: above 1 is better, for values of which less is better.
pub fn print_against(name: &str, value: f64, unit: &str, samples: usize, rival: &str, rival_value: f64) {
    let ratio = rounded(rival_value / value);
    println!(
        "{}",
        json!({
            "name": name, "value": rounded(value), "unit": unit, "samples": samples,
            "rival": rival, "rival_value": rounded(rival_value), "ratio": ratio,
        })
    );
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
