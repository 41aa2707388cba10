//! Figures out of samples, and their one line of JSON.

use serde_json::json;
use std::time::Duration;

/// What a figure has to reach.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The value itself, in the figure's unit.
    AtMost(f64),
    /// So many times better than the rival.
    TimesBetter(f64),
    /// Printed to be seen.
    None,
}

/// Another program that did the same in the same run; its value is in the figure's unit.
#[derive(Debug, Clone, Copy)]
pub struct Rival<'a> {
    pub name: &'a str,
    pub value: f64,
}

/// One result; less is better for all of them.
#[derive(Debug, Clone, Copy)]
pub struct Figure<'a> {
    pub name: &'a str,
    pub value: f64,
    pub unit: &'a str,
    pub samples: usize,
    pub target: Target,
    pub rival: Option<Rival<'a>>,
}

impl<'a> Figure<'a> {
    pub fn new(name: &'a str, value: f64, unit: &'a str, samples: usize) -> Self {
        Self { name, value, unit, samples, target: Target::None, rival: None }
    }

    pub fn at_most(self, most: f64) -> Self {
        Self { target: Target::AtMost(most), ..self }
    }

    pub fn against(self, name: &'a str, value: f64) -> Self {
        Self { rival: Some(Rival { name, value }), ..self }
    }

    pub fn times_better(self, times: f64) -> Self {
        Self { target: Target::TimesBetter(times), ..self }
    }

    pub fn print(&self) {
        let mut line = json!({
            "name": self.name, "value": rounded(self.value), "unit": self.unit, "samples": self.samples,
        });
        let ratio = self.rival.map(|rival| rival.value / self.value);
        if let (Some(rival), Some(ratio)) = (self.rival, ratio) {
            line["rival"] = json!(rival.name);
            line["rival_value"] = json!(rounded(rival.value));
            line["ratio"] = json!(rounded(ratio));
        }
        match self.target {
            Target::AtMost(most) => {
                line["target"] = json!(format!("at most {most} {}", self.unit));
                line["met"] = json!(self.value <= most);
            }
            Target::TimesBetter(times) => {
                line["target"] = json!(format!("{times} times better"));
                line["met"] = json!(ratio.is_some_and(|ratio| ratio >= times));
            }
            Target::None => {}
        }
        println!("{line}");
    }
}

/// The value below which `percent` of the samples lie, in milliseconds; samples must not be empty.
pub fn percentile(samples: &[Duration], percent: usize) -> f64 {
    let millis: Vec<f64> = samples.iter().map(|one| one.as_secs_f64() * 1_000.0).collect();
    percentile_of(&millis, percent)
}

/// The same of plain numbers.
pub fn percentile_of(samples: &[f64], percent: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1).min(last);
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

pub fn print(name: &str, value: f64, unit: &str, samples: usize) {
    Figure::new(name, value, unit, samples).print();
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_200_has_two_above_it() {
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!((percentile_of(&samples, 99), percentile_of(&samples, 50)), (198.0, 100.0));
        assert_eq!(percentile(&[Duration::from_millis(7)], 99), 7.0);
    }
}
