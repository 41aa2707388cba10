//! The audit: a question as a filter, the answer at once, and the whole story of one entry beside it.

mod asked;
mod detail;
mod filter;
mod list;
mod questions;
mod relied;
mod unread;

use crate::api;
use crate::api::{ApiResult, ClusterLine, Reading};
use crate::components::{Badge, Card, PageTitle, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo};
use crate::words::use_words;
pub use asked::{Misread, of_parts};
use filter::FilterBar;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::audit::{AuditPage as Page, ChainState, ChainView, ChainedEntry, Judged};
use model::checkpoint::CheckpointFault;
pub use relied::Relied;
pub use unread::Unreads;

#[component]
pub fn AuditPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.audit).to_owned());
    let query = use_query_map();
    // The filter lives in the address: an answer can be sent to a colleague.
    let asked = memo(move |_| query.with(asked::of_query));
    let page: Reading<ApiResult<Page>> = api::reading(move || asked.get(), |filter| api::audit(filter, false));
    let clusters: Reading<ApiResult<Vec<ClusterLine>>> = api::reading(|| (), |()| api::clusters());
    let chosen = RwSignal::new(None::<ChainedEntry>);
    view! {
        <PageTitle text=text!(i18n, pages.audit) badges=view! { <Chain/> }.into_any()/>
        <div class="stack">
            <questions::Questions/>
            <FilterBar asked clusters/>
            <div class="split split-audit">
                <Card><Loaded resource=page view=move |page| view! { <list::Entries page asked chosen/> }/></Card>
                <detail::Entry chosen/>
            </div>
        </div>
    }
    .into_any()
}

/// Whether the chain of hashes is whole, when that was checked, and up to where it is signed.
#[component]
fn Chain() -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let chain: Reading<ApiResult<ChainView>> = api::reading(|| (), |()| api::audit_chain());
    view! {
        <Loaded resource=chain view=move |view| {
            let ChainView { chain, read_whole_at, checkpoint, judged } = view;
            let (tone, at) = match &chain {
                ChainState::Whole { verified_at, .. } => (Tone::Good, *verified_at),
                ChainState::Broken { verified_at, .. } | ChainState::Lost { verified_at, .. } => (Tone::Bad, *verified_at),
            };
            let word = derived(move || match (&chain, judged) {
                (ChainState::Whole { entries, .. }, _) => said!(i18n, pages.chain_whole, entries = *entries).to_string(),
                (ChainState::Broken { at_index, .. }, Some(Judged::Against { fault })) => {
                    said!(i18n, pages.chain_against, index = *at_index, why = against(i18n, fault)).to_string()
                }
                (ChainState::Broken { at_index, .. }, _) => {
                    said!(i18n, pages.chain_broken, index = *at_index).to_string()
                }
                (ChainState::Lost { unread, .. }, _) => {
                    let why = words.plain("segment", unread.fault.as_str());
                    said!(i18n, pages.chain_lost, first = unread.first, last = unread.last, why = why).to_string()
                }
            });
            let signed = match checkpoint {
                Some(_) if matches!(judged, Some(Judged::Against { .. })) => {
                    view! { {word!(i18n, pages.chain_unfit)} }.into_any()
                }
                Some(one) => {
                    let unknown = (judged == Some(Judged::SignerUnknown))
                        .then(|| view! { ", "{word!(i18n, pages.chain_signer_unknown)} });
                    view! { {text!(i18n, pages.chain_signed, size = one.size)}" "<When at=one.at/>{unknown} }.into_any()
                }
                None => view! { {word!(i18n, pages.chain_unsigned)} }.into_any(),
            };
            view! {
                <Badge tone word/>
                <span class="muted small" title=text!(i18n, pages.chain_what)>
                    {word!(i18n, pages.chain_checked)}" "<When at/>" ("{word!(i18n, pages.chain_read)}" "<When at=read_whole_at/>") · "{signed}
                </span>
            }
        }/>
    }
    .into_any()
}

/// Why the newest checkpoint does not fit.
fn against(i18n: I18n, fault: CheckpointFault) -> String {
    match fault {
        CheckpointFault::Unreadable => said!(i18n, pages.chain_fault_unreadable).to_owned(),
        CheckpointFault::OtherKey => said!(i18n, pages.chain_fault_other_key).to_owned(),
        CheckpointFault::Signature => said!(i18n, pages.chain_fault_signature).to_owned(),
        CheckpointFault::CutOff { size, entries } => {
            said!(i18n, pages.chain_fault_cut_off, size = size, entries = entries).to_string()
        }
        CheckpointFault::OtherHead { size } => said!(i18n, pages.chain_fault_other_head, size = size).to_string(),
    }
}
