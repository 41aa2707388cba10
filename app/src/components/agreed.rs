//! On whose word an operation went on.

use super::age::When;
use super::layout::FactRow;
use crate::i18n::*;
use leptos::prelude::*;
use model::lowering::AgreedAnew;

/// Who agreed once more after the first agreement had grown too old, by going on with it; nothing where nobody had to.
#[component]
pub fn AgreedAnewRow(anew: Vec<AgreedAnew>) -> impl IntoView {
    let i18n = use_i18n();
    if anew.is_empty() {
        return ().into_any();
    }
    let lines = anew.into_iter().map(|AgreedAnew { by, at }| view! { <p>{by}" · "<When at/></p> });
    view! { <FactRow name=text!(i18n, pages.agreed_anew)>{lines.collect_view()}</FactRow> }.into_any()
}
