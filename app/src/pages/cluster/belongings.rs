//! What a person still has to do with the machines of a cluster, and the way out of it.

use crate::api::ClusterView;
use crate::components::{Card, Message, Tone};
use crate::i18n::*;
use crate::reactive::part;
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::inventory::{LogIn, Purpose};

/// Members of the list that the console has never been let in to: nothing of theirs is seen by their own eyes.
#[component]
pub fn Waiting(view: ClusterView) -> impl IntoView {
    let i18n = use_i18n();
    let waits = |log_in: &LogIn| matches!(log_in, LogIn::KeyUnconfirmed | LogIn::NeedsKey);
    let names: Vec<String> = view
        .nodes
        .iter()
        .filter(|node| node.purpose == Purpose::Member && waits(&node.log_in))
        .map(|node| node.label().to_owned())
        .collect();
    let to = format!("/clusters/{}/import", view.cluster.id);
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        view! {
            <Message tone=Tone::Look>
                <p>{text!(i18n, import.waiting, nodes = names.clone())}" "<a href=to>{word!(i18n, import.waiting_go)}</a></p>
            </Message>
        }
    })
}

/// Withdrawing is an admin's; everybody else reads why not.
#[component]
pub fn WayOut(view: ClusterView) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let id = view.cluster.id;
    let refusal = move || session.and_then(|one| one.refusal(Deed::ForgetCluster, Some(id)));
    let action = part(move || match refusal() {
        Some(problem) => {
            let sentence = words.problem(&problem);
            view! { <p class="muted small">{sentence}</p> }.into_any()
        }
        None => {
            let to = format!("/clusters/{id}/withdraw");
            view! { <div class="row"><a class="button button-danger" href=to>{word!(i18n, import.withdraw_go)}</a></div> }
                .into_any()
        }
    });
    view! {
        <Card title=text!(i18n, import.danger)>
            <div class="stack">
                <p class="muted">{word!(i18n, import.danger_text)}</p>
                {action}
            </div>
        </Card>
    }
    .into_any()
}
