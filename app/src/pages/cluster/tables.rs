//! The drawing as tables: the same facts for readers, for printers and for 32 nodes.

use super::links_table::LinksTable;
use super::{Selected, Selection, looks};
use crate::components::{Badge, Column, Source, Table};
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::state::live::LiveCluster;
use crate::words::use_words;
use leptos::prelude::*;
use model::topology::{MayStop, NodeState};

#[component]
pub fn Tables(live: LiveCluster, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let rows = part(move || {
        live.believed.with(|one| one.nodes.iter().cloned().map(|node| view! { <Row node selection/> }).collect_view())
    });
    let columns = vec![
        Column::text(text!(i18n, pages.column_node)),
        Column::text(text!(i18n, pages.column_state)),
        Column::number(text!(i18n, pages.column_votes)),
        Column::text(text!(i18n, pages.column_restart)),
        Column::text(text!(i18n, pages.column_source)),
    ];
    view! {
        <div class="stack">
            <Table caption=text!(i18n, pages.column_nodes) columns>
                {rows}
            </Table>
            <h3>{word!(i18n, pages.links)}</h3>
            <LinksTable live node=None/>
        </div>
    }
    .into_any()
}

#[component]
fn Row(node: NodeState, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let tone = looks::of_node(&node);
    let NodeState { name, membership, votes, may_stop, membership_source, .. } = node;
    let own = Selected::Node(name.clone());
    let on = {
        let own = own.clone();
        move || selection.now.with(|now| now.as_ref() == Some(&own))
    };
    let restart = part(move || {
        match may_stop {
            MayStop::Yes { .. } => said!(i18n, common.yes),
            MayStop::No { .. } => said!(i18n, common.no),
            MayStop::AlreadyDown => said!(i18n, pages.already_down),
            MayStop::NotKnown => said!(i18n, common.not_known),
        }
        .to_owned()
    });
    view! {
        <tr aria-current=move || on().then_some("true")>
            <th scope="row"><button type="button" class="link-button" on:click=move |_| selection.choose(own.clone())>{name}</button></th>
            <td><Badge tone word=derived(move || words.plain("membership", membership.word()))/></td>
            <td class="number">{votes.map_or_else(|| "?".to_owned(), |count| count.to_string())}</td>
            <td>{restart}</td>
            <td>{membership_source.map(|fact| view! { <Source fact/> })}</td>
        </tr>
    }
    .into_any()
}
