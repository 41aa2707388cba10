//! Questions that are asked again and again: ready ones, and those that a person keeps; and the way to take the answer away.

use crate::api::{self, ApiError, ApiResult, Reading};
use crate::components::{Button, Field, Refusal};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::audit::SavedFilter;

/// The ready ones, as the query part of the page's address.
const DESTRUCTIVE: &str = "risk=destructive";
const FAILED: &str = "outcome=failed";

#[component]
pub fn Questions() -> impl IntoView {
    let i18n = use_i18n();
    let query = use_query_map();
    // The page of the list does not belong to the question.
    let asked = memo(move |_| {
        let mut map = query.get();
        map.remove("before");
        map.to_query_string().trim_start_matches('?').to_owned()
    });
    let again = RwSignal::new(0_u32);
    let kept: Reading<ApiResult<Vec<SavedFilter>>> = api::reading(move || again.get(), |_| api::saved_filters());
    let ready = move |query: &'static str, word: Signal<String>| {
        view! { <a class="chip" href=format!("/audit?{query}")>{part(move || word.get())}</a> }
    };
    view! {
        <div class="row questions">
            <nav class="chips" aria-label=text!(i18n, pages.audit_questions)>
                <a class="chip" href="/audit/expected">{word!(i18n, pages.question_expected)}</a>
                {ready(DESTRUCTIVE, text!(i18n, pages.question_destructive))}
                {ready(FAILED, text!(i18n, pages.question_failed))}
                <Suspense>
                    {part(move || {
                        let all = kept.get().and_then(Result::ok).unwrap_or_default();
                        all.into_iter().map(|one| view! { <Kept one again/> }).collect_view()
                    })}
                </Suspense>
            </nav>
            <Keep asked again/>
            <Export asked/>
        </div>
    }
    .into_any()
}

#[component]
fn Kept(one: SavedFilter, again: RwSignal<u32>) -> impl IntoView {
    let i18n = use_i18n();
    let name = StoredValue::new(one.name.clone());
    let forget = Action::new(move |(): &()| async move {
        if api::drop_filter(name.get_value()).await.is_ok() {
            again.update(|count| *count += 1);
        }
    });
    let label = text!(i18n, pages.question_forget, name = name.get_value());
    view! {
        <span class="chip">
            <a href=format!("/audit?{}", one.query)>{one.name}</a>
            <button type="button" class="link-button" aria-label=label on:click=move |_| { forget.dispatch(()); }>
                <span aria-hidden="true">"✕"</span>
            </button>
        </span>
    }
}

/// Keeps what is asked now; nothing is asked, nothing to keep.
#[component]
fn Keep(asked: Memo<String>, again: RwSignal<u32>) -> impl IntoView {
    let i18n = use_i18n();
    let name = RwSignal::new(String::new());
    let keep = Action::new(move |(): &()| async move {
        match api::save_filter(name.get_untracked(), asked.get_untracked()).await {
            Ok(()) => {
                name.set(String::new());
                again.update(|count| *count += 1);
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !keep.pending().get_untracked() {
            keep.dispatch(());
        }
    };
    view! {
        <Show when=move || asked.with(|query| !query.is_empty())>
            <details class="questions-keep">
                <summary>{word!(i18n, pages.question_keep)}</summary>
                <form class="row" on:submit=submit>
                    <Field label=text!(i18n, pages.question_name) value=name name="question"/>
                    <Button submit=true busy=keep.pending()>{word!(i18n, pages.question_keep)}</Button>
                </form>
                <Refusal problem=derived(move || keep.value().get().flatten())/>
            </details>
        </Show>
    }
}

/// Links and no scripts: the browser saves what the server streams.
#[component]
fn Export(asked: Memo<String>) -> impl IntoView {
    let i18n = use_i18n();
    let at = move |format: &'static str| {
        derived(move || {
            let query = asked.get();
            let rest = if query.is_empty() { String::new() } else { format!("&{query}") };
            format!("/audit/export?format={format}{rest}")
        })
    };
    view! {
        <span class="row row-end" title=text!(i18n, pages.audit_export_note)>
            <span class="muted small">{word!(i18n, pages.audit_export)}</span>
            <a class="button" rel="external" download href=at("csv")>{word!(i18n, pages.audit_export_csv)}</a>
            <a class="button" rel="external" download href=at("jsonl")>{word!(i18n, pages.audit_export_jsonl)}</a>
        </span>
    }
}
