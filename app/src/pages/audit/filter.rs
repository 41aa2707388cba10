//! The question: fields, chips of what is asked, and the address that says the same.

use crate::api::{ApiResult, ClusterLine, Reading};
use crate::components::{Button, ButtonKind, Card, Field, Select};
use crate::i18n::*;
use crate::reactive::derived;
use crate::words::{Words, use_words};
use jiff::Timestamp;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;
use model::audit::{AuditCode, AuditFilter, Outcome};
use model::risk::Risk;
use serde::de::DeserializeOwned;

/// Names of the address's parameters, in the order of the chips.
const PARAMETERS: [&str; 9] = ["who", "code", "cluster", "node", "outcome", "risk", "words", "from", "until"];

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
        from: text("from").and_then(|at| time_of(&at, "T00:00:00Z")),
        until: text("until").and_then(|at| time_of(&at, "T23:59:59Z")),
        before: text("before").and_then(|index| index.parse().ok()),
    }
}

/// Everything that an address can ask.
const ASKED: [&str; 11] =
    ["who", "code", "cluster", "node", "outcome", "risk", "operation", "words", "from", "until", "before"];

/// A part of a question that asks nothing that is understood: what is left out would make the answer a larger one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misread {
    #[error("{name} is no part of a filter; its parts are {}", ASKED.join(", "))]
    Name { name: String },
    #[error("{name} is there twice")]
    Twice { name: String },
    #[error("{name}={value} is not understood; {name} is {allowed}")]
    Value { name: &'static str, value: String, allowed: String },
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

/// A day as the browser's field gives it, or a whole timestamp.
fn time_of(text: &str, rest: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}{rest}").parse()).ok()
}

/// One field's value per parameter, as the address has it.
#[derive(Clone, Copy)]
struct Asked([RwSignal<String>; PARAMETERS.len()]);

impl Asked {
    fn new(query: &ParamsMap) -> Self {
        Self(PARAMETERS.map(|name| RwSignal::new(query.get(name).unwrap_or_default())))
    }

    fn of(self, name: &str) -> RwSignal<String> {
        let place = PARAMETERS.iter().position(|one| *one == name).unwrap_or(0);
        self.0.get(place).copied().unwrap_or_else(|| RwSignal::new(String::new()))
    }

    /// What the address asks now: a link on the page itself changes it too.
    fn follow(self, query: &ParamsMap) {
        for (name, value) in PARAMETERS.iter().zip(self.0) {
            let text = query.get(name).unwrap_or_default();
            if value.with_untracked(|now| *now != text) {
                value.set(text);
            }
        }
    }

    /// The address of the same question, from the first page on.
    fn address(self) -> String {
        let mut map = ParamsMap::new();
        for (name, value) in PARAMETERS.iter().zip(self.0) {
            let value = value.get_untracked();
            if !value.trim().is_empty() {
                map.insert(*name, value.trim().to_owned());
            }
        }
        format!("/audit{}", map.to_query_string())
    }
}

#[component]
pub fn FilterBar(asked: Memo<AuditFilter>, clusters: Reading<ApiResult<Vec<ClusterLine>>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let query = leptos_router::hooks::use_query_map();
    let fields = Asked::new(&query.get_untracked());
    Effect::new(move |_| query.with(|query| fields.follow(query)));
    let navigate = use_navigate();
    let search = Callback::new(move |()| {
        navigate(&fields.address(), NavigateOptions { scroll: false, ..NavigateOptions::default() })
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        search.run(());
    };
    let codes = derived(move || options(i18n, words, "audit", AuditCode::ALL.iter().map(|code| code.as_str())));
    let outcomes = derived(move || options(i18n, words, "outcome", Outcome::WORDS.iter().copied()));
    let cluster_names = derived(move || {
        let mut all = vec![(String::new(), said!(i18n, pages.filter_any).to_owned())];
        let known = clusters.get().and_then(Result::ok).unwrap_or_default();
        all.extend(known.into_iter().map(|line| (line.cluster.id.to_string(), line.cluster.name.to_string())));
        all
    });
    view! {
        <Card>
            <form class="filter" role="search" on:submit=submit>
                <div class="filter-wide"><Field label=text!(i18n, pages.filter_words) value=fields.of("words") kind="search" name="words"/></div>
                <Field label=text!(i18n, pages.filter_who) value=fields.of("who") name="who"/>
                <Select label=text!(i18n, pages.filter_code) value=fields.of("code") options=codes/>
                <Field label=text!(i18n, pages.filter_node) value=fields.of("node") name="node"/>
                <Suspense><Select label=text!(i18n, pages.filter_cluster) value=fields.of("cluster") options=cluster_names/></Suspense>
                <Select label=text!(i18n, pages.filter_outcome) value=fields.of("outcome") options=outcomes/>
                <Field label=text!(i18n, pages.filter_from) value=fields.of("from") kind="date" name="from"/>
                <Field label=text!(i18n, pages.filter_until) value=fields.of("until") kind="date" name="until"/>
                <Button kind=ButtonKind::Primary submit=true>{word!(i18n, pages.filter_apply)}</Button>
            </form>
            <Chips asked fields search/>
        </Card>
    }
    .into_any()
}

fn options<'a>(i18n: I18n, words: Words, family: &str, all: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let any = (String::new(), said!(i18n, pages.filter_any).to_owned());
    std::iter::once(any).chain(all.map(|word| (word.to_owned(), words.plain(family, word)))).collect()
}

/// What is asked, each with a way to take it back.
#[component]
fn Chips(asked: Memo<AuditFilter>, fields: Asked, search: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let chips = move || {
        // The chips say what has been asked, not what is being typed.
        asked.track();
        let shown = PARAMETERS.iter().zip(fields.0).filter_map(move |(name, value)| {
            let text = value.get_untracked();
            (!text.trim().is_empty()).then(|| {
                let shown = match *name {
                    "code" => words.plain("audit", &text),
                    "outcome" => words.plain("outcome", &text),
                    "risk" => words.plain("risk", &text),
                    _ => text,
                };
                let clear = move |_| {
                    value.set(String::new());
                    search.run(());
                };
                let label = said!(i18n, pages.filter_remove, what = shown.clone()).to_string();
                view! { <button type="button" class="chip" aria-label=label on:click=clear>{shown}<span aria-hidden="true">" ✕"</span></button> }
            })
        });
        shown.collect_view()
    };
    view! { <div class="chips">{chips}</div> }.into_any()
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
        ] {
            query.insert(name, value.to_owned());
        }
        let filter = of_query(&query);
        assert_eq!(
            (filter.who.as_deref(), filter.code, filter.outcome),
            (Some("ops-1"), Some(AuditCode::CommandFinished), Some(Outcome::Success))
        );
        assert_eq!(filter.from.map(|at| at.to_string()).as_deref(), Some("2026-11-22T00:00:00Z"));
        assert_eq!((filter.cluster, filter.node, filter.before), (None, None, None));
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
        ] {
            let said = asked(parts).expect_err("refused").to_string();
            assert!(said.contains(words), "{said}");
        }
    }
}
