//! Who ran `pvecm expected`: one answer per run, with everybody and everything around it.

mod run;

use crate::api;
use crate::api::{ApiResult, Reading};
use crate::components::{Card, Empty, PageTitle};
use crate::i18n::*;
use crate::pages::audit::Unreads;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::memo;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::lowering::Lowerings;

/// The commands themselves, as entries of the audit.
const ENTRIES: &str = "/audit?words=pvecm+expected&code=command_finished";

/// `/audit/expected`
#[component]
pub fn ExpectedPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.lowered_title).to_owned());
    let query = use_query_map();
    let before = memo(move |_| query.with(|query| query.get("before").and_then(|index| index.parse::<u64>().ok())));
    let told: Reading<ApiResult<Lowerings>> = api::reading(move || before.get(), api::lowerings);
    view! {
        <PageTitle text=text!(i18n, team.lowered_title)/>
        <div class="stack">
            <p class="muted">{word!(i18n, team.lowered_what)}</p>
            <nav class="row">
                <a href="/audit">{word!(i18n, pages.audit)}</a>
                <a href=ENTRIES>{word!(i18n, team.lowered_commands)}</a>
            </nav>
            <Loaded resource=told view=|told| view! { <Runs told/> }/>
        </div>
    }
    .into_any()
}

#[component]
fn Runs(told: Lowerings) -> impl IntoView {
    let i18n = use_i18n();
    let Lowerings { runs, next, unread } = told;
    let missing = view! { <Unreads all=unread/> };
    if runs.is_empty() {
        return view! {
            {missing}
            <Card><Empty title=text!(i18n, team.lowered_none)><p>{word!(i18n, team.lowered_none_text)}</p></Empty></Card>
        }
        .into_any();
    }
    let older = next.map(|index| {
        view! { <a class="button" href=format!("/audit/expected?before={index}")>{word!(i18n, team.lowered_older)}</a> }
    });
    view! {
        {missing}
        {runs.into_iter().map(|run| view! { <run::Run run/> }).collect_view()}
        <nav class="row">{older}</nav>
    }
    .into_any()
}
