//! Another operation has the cluster's place: which one, and why it may not be ended where that is so.

use crate::api::Place;
use crate::components::Card;
use crate::i18n::*;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;

/// `children` is the way to end it, for who may.
#[component]
pub fn TakenBy(place: Place, children: ChildrenFn) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Place { operation, intent, state, proposed_by, may_overtake } = place;
    let way = match may_overtake {
        Some(problem) => view! { <p class="muted">{part(move || words.problem(&problem))}</p> }.into_any(),
        None => view! {
            <p>{word!(i18n, team.place_text)}</p>
            <p class="muted">{word!(i18n, team.place_left)}</p>
            {children()}
        }
        .into_any(),
    };
    view! {
        <Card title=text!(i18n, team.place_taken)>
            <div class="stack">
                <p>
                    <a href=format!("/operations/{operation}")>{part(move || words.plain("intent", &intent))}</a>" · "
                    {part(move || words.plain("operation", &state))}" · "{proposed_by}
                </p>
                {way}
            </div>
        </Card>
    }
    .into_any()
}
