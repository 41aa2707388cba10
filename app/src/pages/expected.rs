//! Who ran `pvecm expected`: one answer per run, with everybody and everything around it.

mod run;

use crate::api;
use crate::api::{ApiResult, Reading};
use crate::components::{Card, Empty, PageTitle};
use crate::i18n::*;
use crate::pages::audit::Unreads;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{memo, part};
use crate::state::poll::{EXPECTED_EVERY, poll};
use leptos::prelude::*;
use leptos::task::spawn_local;
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
    let told: Reading<ApiResult<Lowerings>> =
        api::reading(move || before.get(), |before| api::lowerings(before, false));
    view! {
        <PageTitle text=text!(i18n, team.lowered_title)/>
        <div class="stack">
            <p class="muted">{word!(i18n, team.lowered_what)}</p>
            <nav class="row">
                <a href="/audit">{word!(i18n, pages.audit)}</a>
                <a href=ENTRIES>{word!(i18n, team.lowered_commands)}</a>
            </nav>
            <Loaded resource=told view=move |told| view! { <Runs told before/> }/>
        </div>
    }
    .into_any()
}

#[component]
fn Runs(told: Lowerings, before: Memo<Option<u64>>) -> impl IntoView {
    let i18n = use_i18n();
    let page = followed(told, before);
    let unread = memo(move |_| page.with(|told| told.unread.clone()));
    let nothing = memo(move |_| page.with(|told| told.runs.is_empty()));
    let next = memo(move |_| page.with(|told| told.next));
    let runs = move || page.with(|told| told.runs.clone());
    let list = part(move || {
        if nothing.get() {
            let text = view! { <p>{word!(i18n, team.lowered_none_text)}</p> };
            return view! { <Card><Empty title=text!(i18n, team.lowered_none)>{text}</Empty></Card> }.into_any();
        }
        // By operation: what somebody has unfolded in one stays so while another one is told of.
        view! { <For each=runs key=|run| run.operation let:run><run::Run run page/></For> }.into_any()
    });
    let older = part(move || {
        let to = |index: u64| format!("/audit/expected?before={index}");
        next.get().map(|index| view! { <a class="button" href=to(index)>{word!(i18n, team.lowered_older)}</a> })
    });
    view! {
        {part(move || view! { <Unreads all=unread.get()/> })}
        {list}
        <nav class="row">{older}</nav>
    }
    .into_any()
}

/// What the page came with, then what a look every few seconds finds: votes rise at any time, also those of an old run.
fn followed(first: Lowerings, before: Memo<Option<u64>>) -> RwSignal<Lowerings> {
    let page = RwSignal::new(first);
    poll(EXPECTED_EVERY, move || {
        let Some(asked) = before.try_get_untracked() else { return };
        spawn_local(async move {
            let Ok(new) = api::lowerings(asked, true).await else { return };
            // The person may have gone elsewhere by now.
            if before.try_get_untracked() == Some(asked) && page.try_with_untracked(|old| *old != new) == Some(true) {
                page.set(new);
            }
        });
    });
    page
}
