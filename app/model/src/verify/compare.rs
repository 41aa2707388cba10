//! One node's value against what most say.

use super::VerifyAnswer;
use std::collections::BTreeMap;

/// Somebody who says otherwise, with what they say.
///
/// `None` while the node is with the majority (more than half of those who answer), or nobody says anything else.
pub fn contradiction<'a, T: Ord + Clone>(
    own: &T,
    answers: &'a [VerifyAnswer],
    read: impl Fn(&'a VerifyAnswer) -> Option<T>,
) -> Option<(&'a VerifyAnswer, T)> {
    let values: Vec<(&VerifyAnswer, T)> =
        answers.iter().filter_map(|answer| read(answer).map(|value| (answer, value))).collect();
    let mut counts: BTreeMap<&T, usize> = BTreeMap::new();
    for (_, value) in &values {
        *counts.entry(value).or_default() += 1;
    }
    let majority = counts.into_iter().find(|(_, count)| count * 2 > values.len()).map(|(value, _)| value.clone());
    if majority.as_ref() == Some(own) {
        return None;
    }
    // The majority's word if there is one, else the first that differs.
    values.into_iter().find(|(_, value)| majority.as_ref().map_or(value != own, |most| value == most))
}
