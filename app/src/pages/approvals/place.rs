//! Another operation has the cluster's place: which one, and the way to end it for what cannot wait.

use super::decision::went_on;
use super::request::Watched;
use crate::api;
use crate::components::{Area, Button, ButtonKind, Refusal};
use crate::i18n::*;
use crate::pages::sign_in_again::SignInAgain;
use crate::pages::taken::TakenBy;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;

/// Nothing while the place is free.
#[component]
pub fn Taken(watched: Watched) -> impl IntoView {
    let place = memo(move |_| watched.view.with(|view| view.place.clone()));
    part(move || {
        place.get().map(|place| {
            let operation = place.operation;
            view! { <TakenBy place><End watched operation/></TakenBy> }
        })
    })
}

/// For the person who asked, and may do both.
#[component]
fn End(watched: Watched, operation: model::ids::OperationId) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let reason = RwSignal::new(String::new());
    let asking = RwSignal::new(false);
    let alone = memo(move |_| watched.view.with(|view| view.state != "approved"));
    let act = Action::new(move |(): &()| {
        let (reason, alone) = (reason.get_untracked(), alone.get_untracked());
        async move {
            let answer = api::overtake(watched.id, operation, reason, alone).await;
            watched.decided();
            answer
        }
    });
    let problem = went_on(derived(move || act.value().get()), asking);
    let not_now = derived(move || {
        let may =
            watched.view.with(|view| if alone.get() { view.may.break_glass.clone() } else { view.may.run.clone() });
        let missing = reason.with(|text| text.trim().is_empty()).then(|| said!(i18n, pages.reason_missing).to_owned());
        may.map(|problem| words.problem(&problem)).or(missing)
    });
    let label = derived(move || {
        if alone.get() { said!(i18n, team.overtake_alone) } else { said!(i18n, team.overtake) }.to_owned()
    });
    view! {
        <Area label=text!(i18n, team.place_reason) value=reason/>
        <Refusal problem/>
        <div class="row">
            <Button
                kind=ButtonKind::Danger
                busy=act.pending()
                disabled_reason=not_now
                show_reason=true
                on_press=Callback::new(move |()| drop(act.dispatch(())))
            >
                {part(move || label.get())}
            </Button>
        </div>
        <SignInAgain open=asking second=true then=Callback::new(move |()| drop(act.dispatch(())))/>
    }
    .into_any()
}
