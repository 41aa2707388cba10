//! Step 6: a vote from outside, where the count of nodes asks for one.

use super::context::Wizard;
use super::foot::Foot;
use super::progress::LastOperation;
use super::qdevice_host::Host;
use super::runner::Planning;
use super::steps::{NotYet, blocked};
use crate::api::{self, ApiError, Wish};
use crate::components::{Badge, Button, Card, Column, Message, Refusal, Source, Table, Tone};
use crate::i18n::*;
use crate::pages::cluster::looks;
use crate::reactive::{derived, memo, part};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::ids::OperationId;
use model::observation::Freshness;
use model::quorum::{Forecast, QdeviceAdvice};
use model::wizard::{StepState, WizardStep};

const STEP: WizardStep = WizardStep::Qdevice;

#[component]
pub fn Qdevice() -> impl IntoView {
    let wizard = Wizard::here();
    let state = memo(move |_| wizard.state(STEP));
    // One that does not vote is no step done, but there is nothing else to set up beside it, and it can be removed.
    let there = memo(move |_| wizard.live.believed.with(|one| one.qdevice.is_some()) && !wizard.runs(STEP));
    let content = part(move || match state.get() {
        StepState::Done => view! { <Works/> }.into_any(),
        _ if there.get() => view! { <Works/> }.into_any(),
        StepState::Blocked { .. } => blocked(wizard, STEP).map(|problem| view! { <NotYet problem/> }).into_any(),
        StepState::Skipped => view! { <Skipped/> }.into_any(),
        StepState::Open => view! { <Advice/><Host/><Skip/> }.into_any(),
    });
    view! {
        {content}
        <Foot step=STEP/>
    }
}

/// The device that the cluster has: the votes that it casts now, as the nodes see them.
#[component]
fn Works() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let now = memo(move |_| {
        wizard.live.believed.with(|one| one.qdevice.clone().filter(|aged| aged.freshness != Freshness::Unknown))
    });
    let tone = derived(move || now.with(|one| one.as_ref().map_or(Tone::Unknown, looks::of_device)));
    let partial = memo(move |_| now.with(|one| one.as_ref().is_some_and(|aged| looks::votes_partly(&aged.fact.value))));
    let word = derived(move || match now.get().map(|aged| aged.fact.value) {
        Some(_) if partial.get() => said!(i18n, pages.qdevice_partial).to_owned(),
        Some(one) => {
            said!(i18n, wizard.qdevice_votes, votes = one.votes, configured = one.configured_votes).to_string()
        }
        None => said!(i18n, wizard.qdevice_unknown).to_owned(),
    });
    let silent = memo(move |_| now.with(|one| one.as_ref().is_some_and(|aged| !aged.fact.value.works())));
    let title = derived(move || {
        match (silent.get(), partial.get()) {
            (false, _) => said!(i18n, wizard.qdevice_done),
            (true, false) => said!(i18n, wizard.qdevice_silent),
            (true, true) => said!(i18n, wizard.qdevice_partial),
        }
        .to_owned()
    });
    let source = part(move || now.get().map(|aged| view! { <p class="muted small"><Source fact=aged.fact/></p> }));
    view! {
        <Card title extra=view! { <Badge tone word/> }.into_any()>
            <div class="stack">
                {source}
                <Show when=move || silent.get()>
                    <Message tone=Tone::Look><p>{word!(i18n, wizard.qdevice_silent_text)}</p></Message>
                </Show>
                <Votes/>
            </div>
        </Card>
        <LastOperation step=STEP/>
        <Show when=move || silent.get()><Start/></Show>
        <Remove/>
    }
}

/// What a set-up that stopped, or a daemon that died, leaves to be done.
#[component]
fn Start() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Folded
            wish=Wish::StartQdevice
            title=text!(i18n, wizard.qdevice_start)
            about=text!(i18n, wizard.qdevice_start_text)
            label=text!(i18n, wizard.qdevice_start_run)
        />
    }
}

#[component]
fn Remove() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Folded
            wish=Wish::RemoveQdevice
            title=text!(i18n, wizard.qdevice_remove)
            about=text!(i18n, wizard.qdevice_remove_text)
            label=text!(i18n, wizard.qdevice_remove_run)
        />
    }
}

/// A plan of its own; it opens only when somebody asks for it.
#[component]
fn Folded(wish: Wish, title: Signal<String>, about: Signal<String>, label: Signal<String>) -> impl IntoView {
    let navigate = use_navigate();
    let wish = derived(move || Some(wish.clone()));
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    view! {
        <details class="wizard-more">
            <summary>{title}</summary>
            <div class="stack">
                <p class="muted">{about}</p>
                <Planning wish why=derived(|| None) label on_started=started/>
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn Skipped() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let refused = wizard.view.with_untracked(|view| view.qdevice == QdeviceAdvice::Refused);
    let sentence =
        move || if refused { said!(i18n, wizard.qdevice_refused) } else { said!(i18n, wizard.qdevice_skipped) };
    view! {
        <Card title=text!(i18n, wizard.qdevice_title)>
            <div class="stack">
                <Message tone=Tone::Act><p role="status">{sentence}</p></Message>
                <Votes/>
            </div>
        </Card>
        {refused.then(|| view! { <AgainstAdvice/> })}
    }
}

/// Somebody may know better, and says why; it opens only when asked for, or while its plan is under way.
#[component]
fn AgainstAdvice() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    // The votes are counted over all nodes of the draft, so they all have to be in it first.
    let live = memo(move |_| wizard.is_live() && wizard.is_done(WizardStep::Join));
    // Once anything has run it stays open: the key of the host is installed by an operation too, and ends in between.
    let open = memo(move |before: Option<&bool>| {
        before == Some(&true) || wizard.live.operations.with(|all| all.iter().any(|one| one.state.holds_cluster()))
    });
    part(move || {
        live.get().then(|| {
            view! {
                <details class="wizard-more" open=move || open.get()>
                    <summary>{word!(i18n, wizard.qdevice_anyway)}</summary>
                    <div class="stack">
                        <p class="muted">{word!(i18n, wizard.qdevice_anyway_text)}</p>
                        <Host against_advice=true/>
                    </div>
                </details>
            }
        })
    })
}

#[component]
fn Advice() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let advice = memo(move |_| wizard.view.with(|view| view.qdevice));
    let tone = move || if advice.get() == QdeviceAdvice::Recommended { Tone::Look } else { Tone::Act };
    let sentence = move || match advice.get() {
        QdeviceAdvice::Recommended => said!(i18n, wizard.qdevice_recommended),
        QdeviceAdvice::Offered => said!(i18n, wizard.qdevice_offered),
        QdeviceAdvice::Refused => said!(i18n, wizard.qdevice_refused),
    };
    view! {
        <Card title=text!(i18n, wizard.qdevice_title)>
            <div class="stack">
                {part(move || view! { <Message tone=tone()><p>{part(sentence)}</p></Message> })}
                <Votes/>
            </div>
        </Card>
    }
}

/// Votes before and after, by `model::quorum::forecast`.
#[component]
fn Votes() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let forecast = memo(move |_| wizard.view.with(|view| view.forecast));
    let row = move |name: Signal<String>, of: fn(&Forecast) -> u32| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="number">{part(move || of(&forecast.get().0))}</td>
                <td class="number">{part(move || of(&forecast.get().1))}</td>
            </tr>
        }
    };
    let columns = vec![
        Column::text(text!(i18n, wizard.votes_nodes, nodes = forecast.get().0.nodes)),
        Column::number(text!(i18n, wizard.votes_without)),
        Column::number(text!(i18n, wizard.votes_with)),
    ];
    view! {
        <Table caption=text!(i18n, pages.column_votes) class="wizard-votes" columns>
            {row(text!(i18n, wizard.votes_device), |one| one.qdevice_votes)}
            {row(text!(i18n, wizard.votes_expected), |one| one.expected_votes)}
            {row(text!(i18n, wizard.votes_quorum), |one| one.quorum)}
            {row(text!(i18n, wizard.votes_tolerates), |one| one.tolerates)}
        </Table>
    }
}

#[component]
fn Skip() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let skip = Action::new(move |(): &()| async move {
        let revision = wizard.view.with_untracked(|view| view.draft.revision);
        let answer = api::skip_qdevice(wizard.id, revision).await;
        wizard.refresh();
        answer.err().map(|ApiError(problem)| problem)
    });
    let refusal = wizard.refusal(Deed::EditDraft);
    let busy = memo(move |_| wizard.runs(STEP));
    view! {
        <Show when=move || !busy.get()>
            <Card title=text!(i18n, wizard.skip_title)>
                <div class="stack">
                    <p class="muted">{word!(i18n, wizard.skip_text)}</p>
                    <Refusal problem=derived(move || skip.value().get().flatten())/>
                    <Button busy=skip.pending() disabled_reason=refusal on_press=Callback::new(move |()| drop(skip.dispatch(())))>
                        {word!(i18n, wizard.skip)}
                    </Button>
                </div>
            </Card>
        </Show>
    }
}
