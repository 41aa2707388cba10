//! The card with the drawing, or with the same as tables.

use super::Selection;
use super::drawing::Drawing;
use super::tables::Tables;
use crate::components::{Card, Empty, Tabs};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;

const DRAWING: &str = "drawing";
const TABLE: &str = "table";

#[component]
pub fn Topology(live: LiveCluster, selection: Selection) -> impl IntoView {
    let i18n = use_i18n();
    let chosen = RwSignal::new(DRAWING);
    let options = derived(move || {
        vec![(DRAWING, said!(i18n, pages.as_drawing).to_owned()), (TABLE, said!(i18n, pages.as_table).to_owned())]
    });
    let tabs = view! { <Tabs label=text!(i18n, pages.topology) chosen options/> }.into_any();
    let nobody = memo(move |_| live.believed.with(|one| one.nodes.is_empty()));
    let content = part(move || {
        if nobody.get() {
            view! {
                <Empty title=text!(i18n, pages.no_nodes)>
                    <p>{word!(i18n, pages.no_nodes_text)}</p>
                </Empty>
            }
            .into_any()
        } else if chosen.get() == TABLE {
            view! { <Tables live selection/> }.into_any()
        } else {
            view! { <Drawing live selection/> }.into_any()
        }
    });
    view! { <Card title=text!(i18n, pages.topology) extra=tabs>{content}</Card> }.into_any()
}
