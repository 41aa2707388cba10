//! The faces that every page has before it has its content: loading, refused, failed.

use crate::api::{self, ApiError, ApiResult, ClusterView, Reading, WizardView};
use crate::components::{Button, Notice, Spinner, encode};
use crate::i18n::*;
use crate::reactive::memo;
use leptos::prelude::*;
use leptos::suspense::Unsuspend;
use leptos_router::components::Redirect;
use leptos_router::hooks::{use_location, use_params_map};
use model::ids::ClusterId;
use model::problem::{Problem, ProblemCode};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;

/// Shows a resource: a wheel while it is on its way, its problem in words with *Try again*, the sign-in page when nobody
/// is signed in, else what `view` makes of the value. While it is read again the old content stays.
#[component]
pub fn Loaded<T, V, F>(resource: Reading<ApiResult<T>>, view: F) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    V: IntoView + 'static,
    F: Fn(T) -> V + Clone + Send + Sync + 'static,
{
    let i18n = use_i18n();
    let content = move || {
        let view = view.clone();
        Suspend::new(async move {
            let answer = resource.await;
            let owner = Owner::current();
            let shown = move || match answer {
                Ok(value) => view(value).into_any(),
                Err(error) => view! { <Failed error on_retry=Callback::new(move |()| resource.refetch())/> }.into_any(),
            };
            Unsuspend::new(move || match owner {
                Some(owner) => owner.with(shown),
                None => shown(),
            })
        })
    };
    // The server walks over what it will send up to three times before it sends it. Without `Unsuspend`, and with a closure
    // here, the resources inside would be made anew each time: their numbers would not be those that the browser counts,
    // and the nodes would be asked several times for one page.
    #[cfg(feature = "ssr")]
    let content = content();
    view! { <Transition fallback=move || view! { <Spinner word=text!(i18n, common.loading)/> }>{content}</Transition> }
        .into_any()
}

/// A page that could not be read.
#[component]
pub fn Failed(error: ApiError, on_retry: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    if error.0.code == ProblemCode::NotSignedIn {
        return view! { <ToSignIn/> }.into_any();
    }
    view! {
        <div class="failed">
            <Notice problem=error.0/>
            <Button on_press=on_retry>{word!(i18n, common.try_again)}</Button>
        </div>
    }
    .into_any()
}

/// To the sign-in page, and back here afterwards.
#[component]
pub fn ToSignIn() -> impl IntoView {
    let location = use_location();
    let (mut here, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    if !search.is_empty() {
        here = format!("{here}?{}", search.trim_start_matches('?'));
    }
    let path = if here == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={}", encode(&here)) };
    view! { <Redirect path/> }.into_any()
}

/// The id in the address, or why there is none.
#[must_use]
pub fn id_in_address<T: FromStr + Send + Sync + PartialEq + Clone + 'static>() -> Memo<Result<T, Problem>> {
    let params = use_params_map();
    memo(move |_| {
        params.with(|map| map.get("id")).and_then(|text| text.parse().ok()).ok_or_else(|| ProblemCode::NotFound.into())
    })
}

/// Reads the cluster whose id is in the address.
#[must_use]
pub fn cluster_in_address() -> Reading<ApiResult<ClusterView>> {
    let id = id_in_address::<ClusterId>();
    api::reading(move || id.get(), |id| async move { api::cluster(id.map_err(ApiError)?).await })
}

/// Reads what the wizard, and every page that plans, needs of the cluster in the address.
#[must_use]
pub fn wizard_in_address() -> Reading<ApiResult<WizardView>> {
    let id = id_in_address::<ClusterId>();
    api::reading(move || id.get(), |id| async move { api::wizard(id.map_err(ApiError)?).await })
}
