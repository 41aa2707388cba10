//! The machines in between: each has its key confirmed and lets the console in, like any other.

use super::context::Wizard;
use super::node_row::NodeRow;
use crate::components::Card;
use crate::i18n::*;
use crate::reactive::memo;
use leptos::prelude::*;
use model::inventory::Purpose;

/// Nothing where there are none.
#[component]
pub fn JumpHosts() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let ids = memo(move |_| wizard.nodes(Purpose::Jump).iter().map(|node| node.id).collect::<Vec<_>>());
    let some = memo(move |_| ids.with(|ids| !ids.is_empty()));
    view! {
        <Show when=move || some.get()>
            <Card title=text!(i18n, wizard.jump_hosts)>
                <p class="muted">{word!(i18n, wizard.jump_hosts_text)}</p>
                <ul class="wizard-nodes">
                    <For each=move || ids.get() key=|id| *id children=move |id| view! { <NodeRow id/> }/>
                </ul>
            </Card>
        </Show>
    }
    .into_any()
}
