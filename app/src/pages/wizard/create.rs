//! Step 3: the cluster is created on its first node.

use super::context::Wizard;
use super::foot::Foot;
use super::progress::LastOperation;
use super::runner::PlanRunner;
use super::steps::{NotYet, blocked};
use crate::api::Wish;
use crate::components::{Card, Field, Message, Select, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::inventory::Purpose;
use model::name::ClusterName;
use model::problem::Problem;
use model::wizard::WizardStep;

const STEP: WizardStep = WizardStep::Create;

#[component]
pub fn Create() -> impl IntoView {
    let wizard = Wizard::here();
    let done = memo(move |_| wizard.is_done(STEP));
    let problem = memo(move |_| blocked(wizard, STEP));
    // While it runs the checks may grow stale; its progress is shown all the same.
    let runs = memo(move |_| wizard.runs(STEP));
    let content = part(move || match (done.get(), problem.get().filter(|_| !runs.get())) {
        (true, _) => view! { <Created/> }.into_any(),
        (false, Some(problem)) => view! { <NotYet problem/> }.into_any(),
        (false, None) => view! { <Choose/> }.into_any(),
    });
    view! {
        {content}
        <Foot step=STEP/>
    }
}

#[component]
fn Created() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    view! {
        <Show when=move || !wizard.runs(STEP)>
            <Message tone=Tone::Good><p role="status">{text!(i18n, wizard.create_done, name = wizard.name())}</p></Message>
        </Show>
        <LastOperation step=STEP/>
    }
}

#[component]
fn Choose() -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let name = RwSignal::new(wizard.name());
    let nodes = memo(move |_| wizard.nodes(Purpose::Member));
    let first =
        RwSignal::new(nodes.with_untracked(|nodes| nodes.first().map(|node| node.id.to_string()).unwrap_or_default()));
    let options = derived(move || {
        nodes.get().iter().map(|node| (node.id.to_string(), node.label().to_owned())).collect::<Vec<_>>()
    });
    let wrong = derived(move || {
        name.with(|text| text.trim().parse::<ClusterName>()).err().map(|error| words.problem(&Problem::from(error)))
    });
    let wish = derived(move || {
        let name = name.with(|text| text.trim().parse::<ClusterName>()).ok()?.to_string();
        let first = first.with(|text| text.parse()).ok()?;
        Some(Wish::Create { name, first })
    });
    view! {
        <PlanRunner step=STEP wish why=wrong label=text!(i18n, wizard.create_run)>
            <Card title=text!(i18n, wizard.create_title)>
                <div class="stack">
                    <p class="muted">{word!(i18n, wizard.create_text)}</p>
                    <div class="wizard-fields">
                        <Field label=text!(i18n, wizard.cluster_name) value=name mono=true error=wrong hint=derived(move || Some(said!(i18n, wizard.cluster_name_hint).to_owned()))/>
                        <Select label=text!(i18n, wizard.first_node) value=first options/>
                    </div>
                    <p class="muted small">{word!(i18n, wizard.first_node_text)}</p>
                </div>
            </Card>
        </PlanRunner>
    }
}
