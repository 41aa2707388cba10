//! A link to a file that the server makes.

use crate::i18n::*;
use crate::reactive::part;
use leptos::prelude::*;
use leptos_i18n::Locale as _;

/// The language of the page, as an address has it.
#[must_use]
pub fn language(i18n: I18n) -> &'static str {
    i18n.get_locale().as_str()
}

/// The plan at an address of `/export`, as a shell script; `address` ends with a query or has none.
#[component]
pub fn ExportPlan(#[prop(into)] address: String) -> impl IntoView {
    let i18n = use_i18n();
    let mark = if address.contains('?') { '&' } else { '?' };
    // Without `external` the pages' own router would look for a page there.
    view! {
        <a class="button" rel="external" download="" href=move || format!("{address}{mark}language={}", language(i18n))>
            {part(move || said!(i18n, wizard.script_export).to_owned())}
        </a>
    }
    .into_any()
}
