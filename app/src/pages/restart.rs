//! Restarting corosync on one node: a plan like any other, opened from the node's panel.

use crate::api::{Wish, WizardView};
use crate::components::{Card, Message, PageTitle, Tone};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::runner::Planning;
use crate::reactive::derived;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::ids::{NodeId, OperationId};

/// `/clusters/:id/restart/:node`
#[component]
pub fn RestartPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let params = use_params_map();
    let navigate = use_navigate();
    let node: Option<NodeId> = params.with_untracked(|map| map.get("node")).and_then(|text| text.parse().ok());
    let known = view.view.nodes.iter().find(|one| Some(one.id) == node).map(|one| one.label().to_owned());
    let wizard = Wizard::open(view);
    Around::is_about(&wizard.name(), wizard.live);
    Around::is_called(move || said!(i18n, pages.restart_title).to_owned());
    let name = known.unwrap_or_else(|| "?".to_owned());
    let wish = derived(move || node.map(|node| Wish::RestartCorosync { node }));
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    let label = name.clone();
    view! {
        <PageTitle text=text!(i18n, pages.restart_of, node = name.clone())/>
        <div class="stack wizard">
            <Message tone=Tone::Look><p>{word!(i18n, pages.restart_what)}</p></Message>
            <Card title=text!(i18n, pages.restart_title)>
                <div class="stack">
                    <p>{word!(i18n, pages.restart_text)}</p>
                    <Planning wish why=derived(|| None) label=text!(i18n, pages.restart_run, node = label.clone()) on_started=started/>
                </div>
            </Card>
        </div>
    }
    .into_any()
}
