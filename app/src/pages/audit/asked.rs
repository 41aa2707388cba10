//! What an address asks of the audit; the export and the command read the same parts, and take nothing for granted.

use jiff::{SignedDuration, Timestamp};
use leptos_router::params::ParamsMap;
use model::audit::{AuditCode, AuditFilter, Outcome, Unasked};
use model::risk::Risk;
use serde::de::DeserializeOwned;

/// The filter that the address asks for; what cannot be read is not asked.
#[must_use]
pub fn of_query(query: &ParamsMap) -> AuditFilter {
    let text = |name: &str| query.get(name).filter(|value| !value.is_empty());
    AuditFilter {
        who: text("who"),
        cluster: text("cluster").and_then(|id| id.parse().ok()),
        node: text("node"),
        code: text("code").and_then(|word| AuditCode::from_word(&word)),
        outcome: text("outcome").and_then(|word| of_word(&word)),
        operation: text("operation").and_then(|id| id.parse().ok()),
        risk: text("risk").and_then(|word| of_word(&word)),
        words: text("words"),
        output: text("output"),
        from: text("from").and_then(|at| time_of(&at, SignedDuration::ZERO)),
        // The end of a period is not in it: the last day is, as a whole.
        until: text("until").and_then(|at| time_of(&at, A_DAY)),
        before: text("before").and_then(|index| index.parse().ok()),
    }
}

/// Days are those of UTC: none of them is longer or shorter.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Everything that an address can ask.
const ASKED: [&str; 12] =
    ["who", "code", "cluster", "node", "outcome", "risk", "operation", "words", "output", "from", "until", "before"];

/// A part of a question that asks nothing that is understood: what is left out would make the answer a larger one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misread {
    #[error("{name} is no part of a filter; its parts are {}", ASKED.join(", "))]
    Name { name: String },
    #[error("{name} is there twice")]
    Twice { name: String },
    #[error("{name}={value} is not understood; {name} is {allowed}")]
    Value { name: &'static str, value: String, allowed: String },
    #[error(transparent)]
    Unasked(#[from] Unasked),
}

/// The filter that these parts ask for, all of them.
///
/// # Errors
/// The first part that is not understood, and what is allowed.
pub fn of_parts(parts: impl IntoIterator<Item = (String, String)>) -> Result<AuditFilter, Misread> {
    let mut query = ParamsMap::new();
    for (name, value) in parts {
        if !ASKED.contains(&name.as_str()) {
            return Err(Misread::Name { name });
        }
        if query.get_str(&name).is_some() {
            return Err(Misread::Twice { name });
        }
        query.insert(name, value);
    }
    let filter = of_query(&query);
    let read = [
        ("cluster", filter.cluster.is_some()),
        ("code", filter.code.is_some()),
        ("outcome", filter.outcome.is_some()),
        ("operation", filter.operation.is_some()),
        ("risk", filter.risk.is_some()),
        ("from", filter.from.is_some()),
        ("until", filter.until.is_some()),
        ("before", filter.before.is_some()),
    ];
    for (name, _) in read.into_iter().filter(|(_, read)| !read) {
        if let Some(value) = query.get(name).filter(|value| !value.is_empty()) {
            return Err(Misread::Value { name, value, allowed: allowed(name) });
        }
    }
    filter.check()?;
    Ok(filter)
}

/// What may stand there, for whoever typed something else.
fn allowed(name: &str) -> String {
    let one_of = |words: Vec<&str>| format!("one of {}", words.join(", "));
    match name {
        "code" => one_of(AuditCode::ALL.iter().map(|code| code.as_str()).collect()),
        "outcome" => one_of(Outcome::WORDS.to_vec()),
        "risk" => one_of(Risk::ALL.iter().map(|risk| risk.word()).collect()),
        "from" | "until" => "a day such as 2026-11-01, or a time such as 2026-11-01T08:00:00Z".to_owned(),
        "before" => "the number of an entry".to_owned(),
        other => format!("the id of one {other}"),
    }
}

/// Reads a word as the wire writes it.
fn of_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

/// A whole timestamp as it is; of a day, as the browser's field gives it, what comes so much later than its beginning in UTC.
fn time_of(text: &str, later: SignedDuration) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let midnight: Timestamp = format!("{text}T00:00:00Z").parse().ok()?;
    Some(midnight.checked_add(later).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_asks_and_nonsense_asks_nothing() {
        let mut query = ParamsMap::new();
        for (name, value) in [
            ("who", "ops-1"),
            ("code", "command_finished"),
            ("outcome", "success"),
            ("from", "2026-11-22"),
            ("cluster", "no-id"),
            ("node", ""),
            ("output", "\"not quorate\""),
        ] {
            query.insert(name, value.to_owned());
        }
        let filter = of_query(&query);
        assert_eq!(
            (filter.who.as_deref(), filter.code, filter.outcome),
            (Some("ops-1"), Some(AuditCode::CommandFinished), Some(Outcome::Success))
        );
        assert_eq!(filter.from.map(|at| at.to_string()).as_deref(), Some("2026-11-22T00:00:00Z"));
        assert_eq!(filter.output.as_deref(), Some("\"not quorate\""));
        assert_eq!((filter.cluster, filter.node, filter.before), (None, None, None));
    }

    #[test]
    fn a_period_of_days_has_all_of_its_last_day() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let period = |from: &str, until: &str| {
            let mut query = ParamsMap::new();
            query.insert("from", from.to_owned());
            query.insert("until", until.to_owned());
            let filter = of_query(&query);
            (filter.from, filter.until)
        };
        let day = period("2026-12-31", "2026-12-31");
        assert_eq!(day, (Some(time("2026-12-31T00:00:00Z")), Some(time("2027-01-01T00:00:00Z"))));
        // The end is not in it, so what happens in the last second of the day is.
        assert!(day.1.is_some_and(|until| time("2026-12-31T23:59:59.999999Z") < until));
        // Who asks for a moment gets that moment.
        let moments = period("2026-12-31T08:00:00Z", "2026-12-31T09:30:00+01:00");
        assert_eq!(moments, (Some(time("2026-12-31T08:00:00Z")), Some(time("2026-12-31T08:30:00Z"))));
        assert_eq!(period("31.12.2026", "2026-12-31T08:00:00"), (None, None));
    }

    #[test]
    fn whoever_takes_the_answer_away_asks_nothing_by_mistake() {
        let asked = |parts: &[(&str, &str)]| {
            of_parts(parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        };
        let filter = asked(&[("who", "ops-1"), ("code", "signed_in"), ("from", "2026-11-01"), ("risk", "")]);
        let filter = filter.expect("understood");
        assert_eq!((filter.who.as_deref(), filter.code, filter.risk), (Some("ops-1"), Some(AuditCode::SignedIn), None));
        for (parts, words) in [
            (&[("code", "expected")][..], "code=expected is not understood; code is one of "),
            (&[("from", "01.11.2026")], "from is a day such as 2026-11-01"),
            (&[("form", "2026-11-01")], "form is no part of a filter; its parts are who, code"),
            (&[("outcome", "good")], "outcome is one of success, refused"),
            (&[("risk", "high")], "risk is one of read-only"),
            (&[("cluster", "prod")], "cluster is the id of one cluster"),
            (&[("operation", "7")], "operation is the id of one operation"),
            (&[("before", "now")], "before is the number of an entry"),
            (&[("who", "anna"), ("who", "bert")], "who is there twice"),
            (&[("words", "a b c d e f g h i")], "words are 8 at most, and these are 9"),
            (&[("output", "a b c d e f g h i")], "output has 8 words at most, and these are 9"),
            (&[("output", "quorum"), ("from", "2026-11-01")], "output is looked for within a period alone"),
        ] {
            let said = asked(parts).expect_err("refused").to_string();
            assert!(said.contains(words), "{said}");
        }
        let period = [("output", "lost quorum"), ("from", "2026-11-01"), ("until", "2026-11-02")];
        assert_eq!(asked(&period).expect("understood").output.as_deref(), Some("lost quorum"));
        assert!(asked(&[("words", "a b c d e f g h")]).is_ok());
    }
}
