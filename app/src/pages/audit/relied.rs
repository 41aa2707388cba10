//! What a request for somebody's agreement rests on: the nodes' own answers, kept with it.

use crate::api::{self, ApiError, FactSource};
use crate::components::{Button, Refusal, When, address};
use crate::i18n::*;
use crate::reactive::{derived, part};
use leptos::prelude::*;
use model::ids::{ClusterId, RequestId};

/// Asked for by a button: there may be as many as nodes have commands.
#[component]
pub fn Relied(request: RequestId, cluster: ClusterId) -> impl IntoView {
    let i18n = use_i18n();
    let ask = Action::new(move |(): &()| async move { api::relied_on(request).await });
    let list = part(move || {
        let sources = ask.value().get().and_then(Result::ok)?;
        if sources.is_empty() {
            return Some(view! { <p class="muted">{word!(i18n, pages.relied_none)}</p> }.into_any());
        }
        let rows = sources.into_iter().map(|source| view! { <Answer source cluster/> }).collect_view();
        Some(view! { <ul class="readings">{rows}</ul> }.into_any())
    });
    let problem = derived(move || ask.value().get().and_then(Result::err).map(|ApiError(problem)| problem));
    view! {
        <div class="stack">
            <div class="row">
                <Button busy=ask.pending() on_press=Callback::new(move |()| drop(ask.dispatch(())))>
                    {word!(i18n, pages.relied)}
                </Button>
            </div>
            <Refusal problem/>
            {list}
        </div>
    }
    .into_any()
}

#[component]
fn Answer(source: FactSource, cluster: ClusterId) -> impl IntoView {
    let to = address(cluster, &source);
    let FactSource { node, command, at } = source;
    view! { <li><a href=to>{node}" · "<code>{command}</code></a>" · "<When at/></li> }.into_any()
}
