//! The question: fields, chips of what is asked, and the address that says the same.

use super::asked::of_query;
use crate::api::{ApiResult, ClusterLine, Reading};
use crate::components::{Button, ButtonKind, Card, Field, Select};
use crate::i18n::*;
use crate::reactive::{derived, memo};
use crate::words::{Words, use_words};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;
use model::audit::{AuditCode, AuditFilter, Outcome, Unasked};
use model::ids::OperationId;
use model::problem::Problem;
use model::risk::Risk;

/// Names of the address's parameters, in the order of the chips. What has no field of its own is kept by a search all the same.
const PARAMETERS: [&str; 11] =
    ["who", "code", "cluster", "node", "outcome", "risk", "operation", "words", "output", "from", "until"];

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

    /// The parts of the same question, from the first page on.
    fn parts(self) -> ParamsMap {
        let mut map = ParamsMap::new();
        for (name, value) in PARAMETERS.iter().zip(self.0) {
            let value = value.get();
            if !value.trim().is_empty() {
                map.insert(*name, value.trim().to_owned());
            }
        }
        map
    }

    fn address(self) -> String {
        format!("/audit{}", untrack(|| self.parts()).to_query_string())
    }

    /// Why what stands in the fields cannot be asked.
    fn unasked(self) -> Option<Unasked> {
        of_query(&self.parts()).check().err()
    }
}

#[component]
pub fn FilterBar(asked: Memo<AuditFilter>, clusters: Reading<ApiResult<Vec<ClusterLine>>>) -> impl IntoView {
    let query = leptos_router::hooks::use_query_map();
    let fields = Asked::new(&query.get_untracked());
    Effect::new(move |_| query.with(|query| fields.follow(query)));
    let navigate = use_navigate();
    let go = Callback::new(move |()| {
        navigate(&fields.address(), NavigateOptions { scroll: false, ..NavigateOptions::default() })
    });
    // Said once somebody has asked it, here or by the address.
    let tried = RwSignal::new(false);
    let unasked = memo(move |_| {
        let shown = tried.get() || asked.with(|asked| asked.check().is_err());
        fields.unasked().filter(|_| shown)
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        // What was typed stays where it is.
        let refused = untrack(|| fields.unasked()).is_some();
        tried.set(refused);
        if !refused {
            go.run(());
        }
    };
    view! {
        <Card>
            <form class="filter" role="search" on:submit=submit>
                <Fields fields clusters unasked/>
            </form>
            <Chips asked fields go/>
        </Card>
    }
    .into_any()
}

#[component]
fn Fields(
    fields: Asked,
    clusters: Reading<ApiResult<Vec<ClusterLine>>>,
    unasked: Memo<Option<Unasked>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let codes = derived(move || options(i18n, words, "audit", AuditCode::ALL.iter().map(|code| code.as_str())));
    let outcomes = derived(move || options(i18n, words, "outcome", Outcome::WORDS.iter().copied()));
    let risks = derived(move || options(i18n, words, "risk", Risk::ALL.iter().map(|risk| risk.word())));
    let cluster_names = derived(move || {
        let mut all = vec![(String::new(), said!(i18n, pages.filter_any).to_owned())];
        let known = clusters.get().and_then(Result::ok).unwrap_or_default();
        all.extend(known.into_iter().map(|line| (line.cluster.id.to_string(), line.cluster.name.to_string())));
        all
    });
    let error = move |part: &'static str| {
        derived(move || unasked.get().filter(|one| one.part() == part).map(|one| words.problem(&Problem::from(one))))
    };
    view! {
        <div class="filter-wide"><Field label=text!(i18n, pages.filter_words) value=fields.of("words") error=error("words") kind="search" name="words"/></div>
        <div class="filter-wide"><Field label=text!(i18n, pages.filter_output) value=fields.of("output") error=error("output") kind="search" name="output"/></div>
        <div class="filter-wide"><Select label=text!(i18n, pages.filter_code) value=fields.of("code") options=codes/></div>
        <Field label=text!(i18n, pages.filter_who) value=fields.of("who") name="who"/>
        <Field label=text!(i18n, pages.filter_node) value=fields.of("node") name="node"/>
        <Suspense><Select label=text!(i18n, pages.filter_cluster) value=fields.of("cluster") options=cluster_names/></Suspense>
        <Select label=text!(i18n, pages.filter_risk) value=fields.of("risk") options=risks/>
        <Select label=text!(i18n, pages.filter_outcome) value=fields.of("outcome") options=outcomes/>
        <Field label=text!(i18n, pages.filter_from) value=fields.of("from") kind="date" name="from"/>
        <Field label=text!(i18n, pages.filter_until) value=fields.of("until") kind="date" name="until"/>
        <Button kind=ButtonKind::Primary submit=true>{word!(i18n, pages.filter_apply)}</Button>
    }
    .into_any()
}

fn options<'a>(i18n: I18n, words: Words, family: &str, all: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let any = (String::new(), said!(i18n, pages.filter_any).to_owned());
    std::iter::once(any).chain(all.map(|word| (word.to_owned(), words.plain(family, word)))).collect()
}

/// What is asked, each with a way to take it back.
#[component]
fn Chips(asked: Memo<AuditFilter>, fields: Asked, go: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let chips = move || {
        // The chips say what has been asked, not what is being typed.
        asked.track();
        let shown = PARAMETERS.iter().zip(fields.0).filter_map(move |(name, value)| {
            let text = value.get_untracked();
            (!text.trim().is_empty()).then(|| {
                let shown = on_chip(i18n, words, name, text);
                let clear = move |_| {
                    value.set(String::new());
                    go.run(());
                };
                let label = said!(i18n, pages.filter_remove, what = shown.clone()).to_string();
                view! { <button type="button" class="chip" aria-label=label on:click=clear>{shown}<span aria-hidden="true">" ✕"</span></button> }
            })
        });
        shown.collect_view()
    };
    view! { <div class="chips">{chips}</div> }.into_any()
}

/// What a chip says; a value that nobody would know by itself is said with its name.
fn on_chip(i18n: I18n, words: Words, name: &str, text: String) -> String {
    match name {
        "code" => words.plain("audit", &text),
        "outcome" => words.plain("outcome", &text),
        "risk" => words.plain("risk", &text),
        "operation" => {
            let id = text.parse::<OperationId>().map_or(text, |id| id.short());
            said!(i18n, pages.chip_operation, id = id).to_string()
        }
        "output" => said!(i18n, pages.chip_output, what = text).to_string(),
        _ => text,
    }
}
