//! Links as a table: of the whole cluster, or of one node.

use super::looks;
use crate::api::FactSource;
use crate::components::{Badge, Column, SourceOf, Table, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use crate::words::use_words;
use leptos::prelude::*;
use model::topology::{LinkHealth, PairLink};
use std::collections::{BTreeMap, BTreeSet};

/// One pair's one link: the names of its nodes, and its number.
type Key = (String, String, u8);
type Links = Memo<BTreeMap<Key, PairLink>>;

/// The links of `node`, or all of them. A row stays while its facts change: with 32 nodes there are a thousand.
#[component]
pub fn LinksTable(live: LiveCluster, #[prop(into)] node: Signal<Option<String>>) -> impl IntoView {
    let i18n = use_i18n();
    let links: Links = memo(move |_| {
        let node = node.get();
        let of_node = |link: &&PairLink| node.as_ref().is_none_or(|name| link.from == *name || link.to == *name);
        let keyed = |link: &PairLink| ((link.from.clone(), link.to.clone(), link.link), link.clone());
        live.believed.with(|one| one.links.iter().filter(of_node).map(keyed).collect())
    });
    let keys = memo(move |_| links.with(|links| links.keys().cloned().collect::<Vec<_>>()));
    let rows = part(move || {
        let seen_from = node.get();
        let row = move |key: Key| view! { <Row links key seen_from=seen_from.clone()/> };
        view! { <For each=move || keys.get() key=Key::clone children=row/> }
    });
    let columns = vec![
        Column::text(text!(i18n, pages.column_pair)),
        Column::number(text!(i18n, pages.column_link)),
        Column::text(text!(i18n, pages.column_state)),
        Column::text(text!(i18n, pages.column_told_by)),
    ];
    view! {
        <Table caption=text!(i18n, pages.links) columns>
            {rows}
        </Table>
    }
    .into_any()
}

#[component]
fn Row(links: Links, key: Key, seen_from: Option<String>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let number = key.2;
    let pair = match &seen_from {
        Some(name) if *name == key.0 => key.1.clone(),
        Some(_) => key.0.clone(),
        None => format!("{} – {}", key.0, key.1),
    };
    let link = memo(move |_| links.with(|links| links.get(&key).cloned()));
    let state =
        memo(move |_| link.with(|link| link.as_ref().map(|link| (link.health, link.preferred, looks::of_link(link)))));
    let word = derived(move || state.get().map(|(health, ..)| words.plain("link", health.word())).unwrap_or_default());
    let tone = derived(move || state.get().map_or(Tone::Unknown, |(.., tone)| tone));
    let role = part(move || match state.get() {
        Some((LinkHealth::Up, true, _)) => Some(said!(i18n, pages.link_in_use)),
        Some((LinkHealth::Up, false, _)) => Some(said!(i18n, pages.link_standby)),
        _ => None,
    });
    // By name: the one that told last is the first of the facts, and that changes all the time.
    let tellers = memo(move |_| {
        link.with(|link| {
            link.iter().flat_map(|link| &link.told_by).map(|fact| fact.node.clone()).collect::<BTreeSet<_>>()
        })
    });
    let told = part(move || {
        let told = tellers.get().into_iter().filter_map(|teller| {
            let source = source_of(link, teller)?;
            Some(view! { <span class="told"><SourceOf source/></span> })
        });
        told.collect_view()
    });
    view! {
        <tr>
            <th scope="row">{pair}</th>
            <td class="number">{number}</td>
            <td><Badge tone word/>" "<span class="muted small">{role}</span></td>
            <td>{told}</td>
        </tr>
    }
    .into_any()
}

/// What this node told of the link, as it is told again and again; the last word of one that tells nothing any more.
fn source_of(link: Memo<Option<PairLink>>, teller: String) -> Option<Signal<FactSource>> {
    let now = move |link: &Option<PairLink>| {
        let fact = link.as_ref()?.told_by.iter().find(|fact| fact.node == teller)?;
        Some(FactSource { node: fact.node.clone(), command: fact.command.clone(), at: fact.at })
    };
    let first = link.with_untracked(&now)?;
    let last =
        memo(move |before: Option<&FactSource>| link.with(&now).unwrap_or_else(|| before.unwrap_or(&first).clone()));
    Some(last.into())
}
