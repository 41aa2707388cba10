//! Links as a table: of the whole cluster, or of one node.

use super::looks;
use crate::components::{Badge, Source};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use crate::words::use_words;
use leptos::prelude::*;
use model::topology::PairLink;

/// The links of `node`, or all of them.
#[component]
pub fn LinksTable(live: LiveCluster, #[prop(into)] node: Signal<Option<String>>) -> impl IntoView {
    let i18n = use_i18n();
    let links = memo(move |_| {
        let node = node.get();
        let of_node = |link: &&PairLink| node.as_ref().is_none_or(|name| link.from == *name || link.to == *name);
        live.believed.with(|one| one.links.iter().filter(of_node).cloned().collect::<Vec<_>>())
    });
    let rows =
        part(move || links.get().into_iter().map(|link| view! { <Row link seen_from=node.get()/> }).collect_view());
    view! {
        <div class="table-scroll">
            <table class="table">
                <caption class="visually-hidden">{word!(i18n, pages.links)}</caption>
                <thead>
                    <tr>
                        <th scope="col">{word!(i18n, pages.column_pair)}</th>
                        <th scope="col" class="number">{word!(i18n, pages.column_link)}</th>
                        <th scope="col">{word!(i18n, pages.column_state)}</th>
                        <th scope="col">{word!(i18n, pages.column_told_by)}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(link: PairLink, seen_from: Option<String>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let tone = looks::of_link(&link);
    let PairLink { link: number, from, to, health, preferred, told_by, .. } = link;
    let pair = match seen_from {
        Some(name) if name == from => to,
        Some(_) => from,
        None => format!("{from} – {to}"),
    };
    let role = part(move || match (health, preferred) {
        (model::topology::LinkHealth::Up, true) => Some(said!(i18n, pages.link_in_use)),
        (model::topology::LinkHealth::Up, false) => Some(said!(i18n, pages.link_standby)),
        _ => None,
    });
    view! {
        <tr>
            <th scope="row">{pair}</th>
            <td class="number">{number}</td>
            <td>
                <Badge tone word=derived(move || words.plain("link", health.word()))/>
                " "<span class="muted small">{role}</span>
            </td>
            <td>{told_by.into_iter().map(|fact| view! { <span class="told"><Source fact/></span> }).collect_view()}</td>
        </tr>
    }
    .into_any()
}
