//! From bare nodes to a proven cluster in six steps that any person of the team can pick up.

mod acknowledge;
pub mod add_node;
mod cell;
mod check_groups;
mod checks;
mod consent;
pub mod context;
mod create;
mod figures;
mod foot;
mod grid;
mod host_key;
mod join;
pub mod jump_hosts;
mod key_way;
mod link_choice;
mod link_draft;
mod link_picture;
mod measured;
mod mending;
mod midway;
mod network;
pub mod node_row;
mod pair_grid;
mod prerequisites;
mod progress;
mod qdevice;
mod qdevice_host;
pub mod runner;
mod steps;
mod verify;
mod verify_report;
mod way_panel;

use crate::api::WizardView;
use crate::components::PageTitle;
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::reactive::{memo, part};
use crate::state::clock::use_clock;
use context::Wizard;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::inventory::ClusterPhase;
use model::wizard::WizardStep;

/// `/clusters/:id/build/:step?`
#[component]
pub fn WizardPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::open(view);
    Around::is_about(&wizard.name(), wizard.live);
    Around::is_called(move || said!(i18n, wizard.title).to_owned());
    let params = use_params_map();
    // Without a step in the address: the one that was current when the page was opened. It must not jump under the eyes.
    let step = memo(move |_| {
        let word = params.with(|map| map.get("step"));
        word.and_then(|word| WizardStep::from_word(&word))
            .unwrap_or_else(|| wizard.view.with_untracked(|view| view.current))
    });
    // A new step begins at its top, for eyes and for screen readers.
    Effect::new(move |before: Option<WizardStep>| {
        let now = step.get();
        if before.is_some_and(|before| before != now) {
            to_the_top();
        }
        now
    });
    let content = part(move || match step.get() {
        WizardStep::Prerequisites => view! { <prerequisites::Prerequisites/> }.into_any(),
        WizardStep::Network => view! { <network::Network/> }.into_any(),
        WizardStep::Create => view! { <create::Create/> }.into_any(),
        WizardStep::Join => view! { <join::Join/> }.into_any(),
        WizardStep::Verify => view! { <verify::Verify/> }.into_any(),
        WizardStep::Qdevice => view! { <qdevice::Qdevice/> }.into_any(),
    });
    let title = text!(i18n, wizard.build_name, name = wizard.name());
    view! {
        <PageTitle text=title badges=view! { <Touched/> }.into_any()/>
        <div class="stack wizard">
            <steps::StepBar step/>
            {content}
        </div>
    }
}

fn to_the_top() {
    use wasm_bindgen::JsCast;
    window().scroll_to_with_x_and_y(0.0, 0.0);
    let main = document().get_element_by_id("main").and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(main) = main {
        // Without focus the page works all the same.
        let _ = main.focus();
    }
}

/// Whose draft it is, and who worked on it last.
#[component]
fn Touched() -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let wizard = Wizard::here();
    let sentence = part(move || {
        wizard.view.with(|view| {
            let cluster = &view.view.cluster;
            if cluster.phase == ClusterPhase::Live {
                return said!(i18n, wizard.created_already).to_owned();
            }
            let own = || said!(i18n, wizard.draft_of, name = cluster.created_by.clone()).to_string();
            let Some((by, at)) = view.draft.touched_by.clone().zip(view.draft.touched_at) else { return own() };
            if wizard.is_me(&by) {
                return own();
            }
            let ago = crate::components::short(clock.age_s(at));
            said!(i18n, wizard.draft_taken_over, name = cluster.created_by.clone(), by = by, ago = ago).to_string()
        })
    });
    view! { <span class="muted">{sentence}</span> }
}
