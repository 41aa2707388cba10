//! The power of every machine from outside: how it is reached, what was read last, and the plans that change it.

mod entry;
mod machine;

use crate::api::{self, ApiResult, PowerView, Reading, WizardView};
use crate::components::{Card, Message, PageTitle, Tone};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::pages::wizard::context::Wizard;
use leptos::prelude::*;
use machine::Machine;
pub use machine::Read;

/// `/clusters/:id/power`
#[component]
pub fn PowerPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::open(view);
    Around::is_about(&wizard.name(), wizard.live);
    Around::is_called(move || said!(i18n, recover.power_title).to_owned());
    let id = wizard.id;
    let seen: Reading<ApiResult<PowerView>> = api::reading(|| (), move |()| api::power(id));
    view! {
        <PageTitle text=text!(i18n, recover.power_title_of, name = wizard.name())/>
        <div class="stack wizard">
            <Message tone=Tone::Look><p>{word!(i18n, recover.power_what)}</p></Message>
            <Loaded resource=seen view=|seen| view! { <Machines seen/> }/>
        </div>
    }
    .into_any()
}

#[component]
fn Machines(seen: PowerView) -> impl IntoView {
    let outer = StoredValue::new(seen.outer);
    let lines = seen.lines.into_iter().map(|line| view! { <Machine line outer/> }).collect_view();
    view! { <Card><ul class="wizard-nodes">{lines}</ul></Card> }.into_any()
}
