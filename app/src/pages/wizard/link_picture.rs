//! A small picture: every link as a line, every node hanging on the lines that it has an address in.

use super::link_draft::preferred;
use crate::i18n::*;
use crate::reactive::part;
use leptos::prelude::*;
use model::ids::NodeId;
use model::links::LinkPlan;

/// Everything in pixels of the picture.
const LEFT: usize = 150;
const COLUMN: usize = 150;
const NODE_WIDTH: usize = 130;
const NODE_HEIGHT: usize = 34;
const FIRST_LINE: usize = 84;
const LINE: usize = 46;
const DROP_FIRST: usize = 10;
const DROP: usize = 8;

/// `nodes` are ids with the words on their boxes.
#[component]
pub fn LinkPicture(
    #[prop(into)] links: Signal<Vec<LinkPlan>>,
    #[prop(into)] nodes: Signal<Vec<(NodeId, String)>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let picture = part(move || {
        let (links, nodes) = (links.get(), nodes.get());
        let (width, height) = (LEFT + nodes.len() * COLUMN, FIRST_LINE + links.len() * LINE);
        let label = said!(i18n, wizard.picture_label, nodes = nodes.len(), links = links.len()).to_string();
        let used = preferred(&links);
        let boxes = nodes.iter().enumerate().map(|(index, (_, name))| node_box(index, name.clone())).collect_view();
        let lines = links
            .iter()
            .enumerate()
            .map(|(row, link)| line(i18n, (row, links.len()), link, &nodes, used == Some(link.number)))
            .collect_view();
        view! {
            <svg class="link-picture" viewBox=format!("0 0 {width} {height}") width=width height=height role="img" aria-label=label>
                {lines}
                {boxes}
            </svg>
        }
    });
    view! { <div class="table-scroll">{picture}</div> }
}

fn node_box(index: usize, name: String) -> impl IntoView + use<> {
    let x = LEFT + index * COLUMN;
    view! {
        <g>
            <rect class="link-node" x=x y=8 width=NODE_WIDTH height=NODE_HEIGHT rx=6></rect>
            <text class="link-node-name" x=x + NODE_WIDTH / 2 y=8 + NODE_HEIGHT / 2 + 5 text-anchor="middle">{name}</text>
        </g>
    }
}

/// `row` of so many `links`.
fn line(
    i18n: I18n,
    (row, links): (usize, usize),
    link: &LinkPlan,
    nodes: &[(NodeId, String)],
    used: bool,
) -> impl IntoView + use<> {
    let y = FIRST_LINE + row * LINE;
    let right = LEFT + nodes.len() * COLUMN - (COLUMN - NODE_WIDTH);
    let network = link.network.map(|network| network.to_string()).unwrap_or_default();
    let name = said!(i18n, wizard.link, number = link.number).to_string();
    let priority = link
        .priority
        .map(|priority| format!(" · {}", said!(i18n, wizard.picture_priority, priority = priority)))
        .unwrap_or_default();
    // Drops stand side by side and addresses right of all of them, so that no line runs over a text.
    let (shift, text) = (DROP_FIRST + row * DROP, DROP_FIRST + links * DROP);
    let drops = nodes
        .iter()
        .enumerate()
        .filter_map(|(index, (id, _))| {
            let address = link.addresses.get(id)?.to_string();
            let x = LEFT + index * COLUMN + shift;
            Some(view! {
                <line class="link-drop" x1=x y1=8 + NODE_HEIGHT x2=x y2=y></line>
                <circle class="link-dot" cx=x cy=y r=3></circle>
                <text class="link-address" x=LEFT + index * COLUMN + text y=y - 6>{address}</text>
            })
        })
        .collect_view();
    view! {
        <g class=if used { "link-line link-used" } else { "link-line" }>
            <line x1=LEFT y1=y x2=right y2=y></line>
            <text class="link-name" x=0 y=y - 2>{name}{priority}</text>
            <text class="link-network" x=0 y=y + 13>{network}</text>
            {drops}
        </g>
    }
}
