//! Step 1: the nodes, their keys, and the checks.

use super::add_node::AddNode;
use super::checks::Checks;
use super::context::Wizard;
use super::foot::Foot;
use super::jump_hosts::JumpHosts;
use super::node_row::NodeRow;
use crate::components::{Card, Empty, Message, Tone};
use crate::i18n::*;
use crate::reactive::{memo, part};
use leptos::prelude::*;
use model::inventory::Purpose;
use model::wizard::WizardStep;

#[component]
pub fn Prerequisites() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let ids = memo(move |_| wizard.nodes(Purpose::Member).iter().map(|node| node.id).collect::<Vec<_>>());
    let live = memo(move |_| wizard.is_live());
    view! {
        <JumpHosts/>
        <Card title=text!(i18n, wizard.nodes)>
            {part(move || live.get().then(|| view! { <Message tone=Tone::Act><p>{word!(i18n, wizard.nodes_live)}</p></Message> }))}
            <Show when=move || ids.with(Vec::is_empty)>
                <Empty title=text!(i18n, wizard.nodes_empty)><p>{word!(i18n, wizard.nodes_empty_text)}</p></Empty>
            </Show>
            <ul class="wizard-nodes">
                <For each=move || ids.get() key=|id| *id children=move |id| view! { <NodeRow id/> }/>
            </ul>
            <AddNode qnetd=false/>
        </Card>
        <Checks/>
        <Foot step=WizardStep::Prerequisites/>
    }
}
