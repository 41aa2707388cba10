//! An address that leads nowhere.

use crate::components::Empty;
use crate::i18n::*;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    let i18n = use_i18n();
    view! {
        <Title text=move || said!(i18n, common.not_found)/>
        <Empty title=text!(i18n, common.not_found)>
            <p><a href="/">{word!(i18n, common.to_clusters)}</a></p>
        </Empty>
    }
    .into_any()
}
