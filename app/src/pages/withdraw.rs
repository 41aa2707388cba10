//! Taking the console off a cluster: what will be removed where, which machines keep its key, and the plan.

use crate::api::{Wish, WizardView};
use crate::components::{Badge, Button, ButtonKind, Card, Dialog, Message, PageTitle, Refusal, Tone};
use crate::i18n::*;
use crate::pages::forget::forgetting;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::pages::sign_in_again::SignInAgain;
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::runner::Planning;
use crate::reactive::{derived, memo};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::ids::{NodeId, OperationId};
use model::inventory::{LogIn, Node};
use model::problem::ProblemCode;
use model::topology::Contact;

/// `/clusters/:id/withdraw`
#[component]
pub fn WithdrawPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::open(view);
    let navigate = use_navigate();
    Around::is_about(&wizard.name(), wizard.live);
    Around::is_called(move || said!(i18n, import.withdraw).to_owned());
    // Where no key was ever confirmed the console has never logged in.
    let machines: Vec<Node> =
        wizard.view.with_untracked(|view| view.view.nodes.iter().filter(|node| node.pin.is_some()).cloned().collect());
    let leave: Vec<(NodeId, RwSignal<bool>)> = machines.iter().map(|node| (node.id, RwSignal::new(false))).collect();
    let choices = StoredValue::new(leave.clone());
    let left = move || {
        choices.with_value(|all| all.iter().filter(|(_, left)| left.get()).map(|(id, _)| *id).collect::<Vec<_>>())
    };
    let refusal = wizard.refusal(Deed::ForgetCluster);
    let nobody = machines.is_empty();
    let why = derived(move || {
        let all = nobody || left().len() == choices.with_value(Vec::len);
        refusal.get().or_else(|| all.then(|| said!(i18n, import.withdraw_nobody).to_owned()))
    });
    let wish = derived(move || Some(Wish::Withdraw { leave: left() }));
    let rows = machines.into_iter().zip(leave).map(|(node, (_, left))| view! { <Machine node left/> }).collect_view();
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    view! {
        <PageTitle text=text!(i18n, import.withdraw_name, name = wizard.name())/>
        <div class="stack wizard">
            <Card title=text!(i18n, import.withdraw)>
                <div class="stack">
                    <p>{word!(i18n, import.withdraw_text)}</p>
                    <ul class="wizard-nodes">{rows}</ul>
                </div>
            </Card>
            <Planning wish why label=text!(i18n, import.withdraw_run) on_started=started/>
            <Card title=text!(i18n, import.forget)><ForgetOnly/></Card>
        </div>
    }
    .into_any()
}

/// Whether a machine answers, and what shall become of the key on one that does not.
#[component]
fn Machine(node: Node, left: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let (id, log_in) = (node.id, node.log_in.clone());
    let silent = memo(move |_| {
        let lost = wizard.live.believed.with(|one| {
            let state = one.nodes.iter().find(|state| state.id == Some(id))?;
            match &state.contact {
                Contact::Lost { problem, .. } => Some(problem.code),
                Contact::Untried | Contact::Connected { .. } => None,
            }
        });
        match &log_in {
            // A machine that refuses the key answers, and keeps nothing.
            LogIn::Fails { problem, .. } => problem.code != ProblemCode::KeyRefused,
            LogIn::KeyChanged { .. } => true,
            _ => lost.is_some_and(|code| code != ProblemCode::KeyRefused),
        }
    });
    let tone = derived(move || if silent.get() { Tone::Bad } else { Tone::Good });
    let word = derived(move || {
        if silent.get() { said!(i18n, import.silent).to_owned() } else { said!(i18n, import.answers).to_owned() }
    });
    let label = node.label().to_owned();
    let name = label.clone();
    let keep = text!(i18n, import.leave_key, node = name.clone());
    view! {
        <li class="wizard-node" aria-label=label.clone()>
            <div class="row">
                <span class="strong">{label.clone()}</span>
                <code class="muted">{node.address.to_string()}</code>
                <Badge tone word/>
            </div>
            <Show when=move || silent.get() || left.get()>
                <div class="wizard-node-work">
                    <label class="check">
                        <input type="checkbox" prop:checked=move || left.get() on:change=move |event| left.set(event_target_checked(&event))/>
                        <span>{keep}</span>
                    </label>
                </div>
            </Show>
        </li>
    }
    .into_any()
}

/// Where no machine can be reached any more: nothing is taken away, and that is said.
#[component]
fn ForgetOnly() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let open = RwSignal::new(false);
    let refusal = wizard.refusal(Deed::ForgetCluster);
    let forget = forgetting(wizard.id);
    view! {
        <div class="stack">
            <p class="muted">{word!(i18n, import.forget_text)}</p>
            <div class="row">
                <Button kind=ButtonKind::Danger disabled_reason=refusal show_reason=true on_press=Callback::new(move |()| open.set(true))>{word!(i18n, import.forget_button)}</Button>
            </div>
        </div>
        <Dialog open title=text!(i18n, import.forget_question, name = wizard.name())>
            <Message tone=Tone::Bad><p>{word!(i18n, import.forget_warning)}</p></Message>
            <Refusal problem=forget.refused/>
            <div class="dialog-end">
                <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                <Button kind=ButtonKind::Danger busy=forget.busy on_press=forget.press>
                    {text!(i18n, import.forget_yes, name = wizard.name())}
                </Button>
            </div>
        </Dialog>
        <SignInAgain open=forget.asking second=true then=forget.press/>
    }
    .into_any()
}
