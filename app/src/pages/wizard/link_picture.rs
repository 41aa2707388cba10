//! A small picture: every link as a line, every node hanging on the lines that it has an address in.
//!
//! Once the links are measured, a line has the colour and the pattern of its worst way, and a node's end that of the node
//! there: colour alone says nothing, so the sign stands at the line too.

use super::link_draft::preferred;
use super::measured::Seen;
use crate::components::Tone;
use crate::i18n::*;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;
use model::ids::NodeId;
use model::links::LinkPlan;
use model::preflight::Verdict;

/// Everything in pixels of the picture.
const LEFT: usize = 150;
const COLUMN: usize = 150;
/// With more nodes than [`WIDE_MAX`] they stand closer.
const COLUMN_CLOSE: usize = 112;
const WIDE_MAX: usize = 8;
const BETWEEN: usize = 20;
const NODE_HEIGHT: usize = 34;
const FIRST_LINE: usize = 84;
const LINE: usize = 46;
const DROP_FIRST: usize = 10;
const DROP: usize = 8;
/// Right of the last node: the sign of a link.
const SIGN: usize = 28;

/// `nodes` are ids with the words on their boxes.
#[component]
pub fn LinkPicture(
    #[prop(into)] links: Signal<Vec<LinkPlan>>,
    #[prop(into)] nodes: Signal<Vec<(NodeId, String)>>,
    seen: Seen,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let picture = part(move || {
        let (links, nodes) = (links.get(), nodes.get());
        let frame = Frame::of(nodes.len(), links.len());
        let (width, height) = (frame.right() + SIGN, FIRST_LINE + links.len() * LINE);
        let measured: Vec<Option<Verdict>> = links.iter().map(|link| of_link(seen, link)).collect();
        let mut label = said!(i18n, wizard.picture_label, nodes = nodes.len(), links = links.len()).to_string();
        for (link, verdict) in links.iter().zip(&measured).filter_map(|(link, verdict)| Some((link, (*verdict)?))) {
            let name = said!(i18n, wizard.link, number = link.number).to_string();
            label.push_str(&format!("; {name}: {}", words.plain("verdict", verdict.word())));
        }
        let used = preferred(&links);
        let boxes =
            nodes.iter().enumerate().map(|(index, (_, name))| node_box(frame, index, name.clone())).collect_view();
        let lines = links
            .iter()
            .zip(measured)
            .enumerate()
            .map(|(row, (link, verdict))| {
                let tone = verdict.map(|verdict| seen.tone(verdict));
                line(i18n, frame, row, link, &nodes, seen, Look { used: used == Some(link.number), tone })
            })
            .collect_view();
        view! {
            <svg class="link-picture" viewBox=format!("0 0 {width} {height}") width=width height=height role="img" aria-label=label>
                {lines}
                {boxes}
            </svg>
        }
    });
    view! {
        <div class="table-scroll" role="region" tabindex="0" aria-label=text!(i18n, wizard.links_picture)>{picture}</div>
    }
}

fn of_link(seen: Seen, link: &LinkPlan) -> Option<Verdict> {
    seen.measurement.with(|one| one.as_ref()?.of_link(link))
}

/// How much there is to draw, and where that puts it.
#[derive(Clone, Copy)]
struct Frame {
    column: usize,
    nodes: usize,
    links: usize,
}

impl Frame {
    const fn of(nodes: usize, links: usize) -> Self {
        Self { column: if nodes > WIDE_MAX { COLUMN_CLOSE } else { COLUMN }, nodes, links }
    }

    const fn node_width(self) -> usize {
        self.column - BETWEEN
    }

    const fn right(self) -> usize {
        (LEFT + self.nodes * self.column).saturating_sub(BETWEEN)
    }
}

/// How a link looks; without a tone it was not measured.
#[derive(Clone, Copy)]
struct Look {
    used: bool,
    tone: Option<Tone>,
}

impl Look {
    fn class(self) -> String {
        let tone = self.tone.map(|tone| format!(" way-{}", tone.word())).unwrap_or_default();
        format!("link-line{}{tone}", if self.used { " link-used" } else { "" })
    }
}

fn node_box(frame: Frame, index: usize, name: String) -> impl IntoView + use<> {
    let (x, width) = (LEFT + index * frame.column, frame.node_width());
    view! {
        <g>
            <rect class="link-node" x=x y=8 width=width height=NODE_HEIGHT rx=6></rect>
            <text class="link-node-name" x=x + width / 2 y=8 + NODE_HEIGHT / 2 + 5 text-anchor="middle">{name}</text>
        </g>
    }
}

fn line(
    i18n: I18n,
    frame: Frame,
    row: usize,
    link: &LinkPlan,
    nodes: &[(NodeId, String)],
    seen: Seen,
    look: Look,
) -> impl IntoView + use<> {
    let y = FIRST_LINE + row * LINE;
    let network = link.network.map(|network| network.to_string()).unwrap_or_default();
    let name = said!(i18n, wizard.link, number = link.number).to_string();
    let priority = link
        .priority
        .map(|priority| format!(" · {}", said!(i18n, wizard.picture_priority, priority = priority)))
        .unwrap_or_default();
    // Drops stand side by side and addresses right of all of them, so that no line runs over a text.
    let (shift, text) = (DROP_FIRST + row * DROP, DROP_FIRST + frame.links * DROP);
    let drops = nodes
        .iter()
        .enumerate()
        .filter_map(|(index, (id, _))| {
            let address = link.addresses.get(id)?.to_string();
            let left = LEFT + index * frame.column;
            let x = left + shift;
            let verdict = seen.measurement.with(|one| one.as_ref()?.of_node(link, *id));
            let tone = verdict.map(|verdict| seen.tone(verdict));
            let class = tone.map_or_else(String::new, |tone| format!("way-end way-{}", tone.word()));
            let sign = tone.filter(|tone| *tone != Tone::Good).map(|tone| {
                view! { <text class="link-sign" x=left + text y=y + 13>{tone.icon()}</text> }
            });
            Some(view! {
                <g class=class>
                    <line class="link-drop" x1=x y1=8 + NODE_HEIGHT x2=x y2=y></line>
                    <circle class="link-dot" cx=x cy=y r=3></circle>
                    <text class="link-address" x=left + text y=y - 6>{address}</text>
                    {sign}
                </g>
            })
        })
        .collect_view();
    let sign = look.tone.map(|tone| view! { <text class="link-sign" x=frame.right() + 8 y=y + 5>{tone.icon()}</text> });
    view! {
        <g class=look.class()>
            <line class="link-bus" x1=LEFT y1=y x2=frame.right() y2=y></line>
            <text class="link-name" x=0 y=y - 2>{name}{priority}</text>
            <text class="link-network" x=0 y=y + 13>{network}</text>
            {sign}
            {drops}
        </g>
    }
}
