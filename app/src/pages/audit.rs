//! The audit: a question as a filter, the answer at once, and the whole story of one entry beside it.

mod detail;
mod filter;
mod list;

use crate::api;
use crate::api::{ApiResult, ClusterLine, Reading};
use crate::components::{Badge, Card, PageTitle, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo};
use filter::FilterBar;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::audit::{AuditPage as Page, ChainState, ChainedEntry};

#[component]
pub fn AuditPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.audit).to_owned());
    let query = use_query_map();
    // The filter lives in the address: an answer can be sent to a colleague.
    let asked = memo(move |_| query.with(filter::of_query));
    let page: Reading<ApiResult<Page>> = api::reading(move || asked.get(), api::audit);
    let clusters: Reading<ApiResult<Vec<ClusterLine>>> = api::reading(|| (), |()| api::clusters());
    let chosen = RwSignal::new(None::<ChainedEntry>);
    view! {
        <PageTitle text=text!(i18n, pages.audit) badges=view! { <Chain/> }.into_any()/>
        <div class="stack">
            <FilterBar asked clusters/>
            <div class="split split-audit">
                <Card><Loaded resource=page view=move |page| view! { <list::Entries page asked chosen/> }/></Card>
                <detail::Entry chosen/>
            </div>
        </div>
    }
    .into_any()
}

/// Whether the chain of hashes is whole, and when that was checked.
#[component]
fn Chain() -> impl IntoView {
    let i18n = use_i18n();
    let chain: Reading<ApiResult<ChainState>> = api::reading(|| (), |()| api::audit_chain());
    view! {
        <Loaded resource=chain view=move |state| {
            let (tone, at) = match &state {
                ChainState::Whole { verified_at, .. } => (Tone::Good, *verified_at),
                ChainState::Broken { verified_at, .. } => (Tone::Bad, *verified_at),
            };
            let word = derived(move || match &state {
                ChainState::Whole { entries, .. } => said!(i18n, pages.chain_whole, entries = *entries).to_string(),
                ChainState::Broken { at_index, .. } => said!(i18n, pages.chain_broken, index = *at_index).to_string(),
            });
            view! { <Badge tone word/><span class="muted small">{word!(i18n, pages.chain_checked)}" "<When at/></span> }
        }/>
    }
    .into_any()
}
