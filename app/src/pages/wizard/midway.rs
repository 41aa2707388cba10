//! A join that stopped midway: what both sides show, in words, and the ways on.

use super::context::Wizard;
use super::runner::Planning;
use crate::api::{self, ApiError, Wish};
use crate::components::{Button, ButtonKind, Card, Column, Message, Refusal, Source, Table, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::ids::OperationId;
use model::midway::{Midway, MidwayState, Trace, Way, WayOn};
use model::observation::AGE_SLOW;
use model::wizard::WizardStep;

/// Below the join: only a living cluster can have joins that stopped midway.
#[component]
pub fn Midways() -> impl IntoView {
    let wizard = Wizard::here();
    let live = memo(move |_| wizard.is_live());
    part(move || live.get().then(|| view! { <Looking/> }))
}

#[component]
fn Looking() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let found = RwSignal::new(None::<Vec<Midway>>);
    let look = Action::new(move |(): &()| async move {
        match api::midway(wizard.id).await {
            Ok(all) => {
                found.set(Some(all));
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    // A join that has stopped is what people come here for: then it is looked at without a press.
    let stopped = memo(move |_| {
        wizard
            .operation_of(WizardStep::Join)
            .is_some_and(|one| matches!(one.state.word(), "parked" | "failed" | "abandoned"))
    });
    let may_not = wizard.refusal(Deed::RunChecks);
    Effect::new(move |before: Option<bool>| {
        let now = stopped.get();
        if now && before != Some(true) && may_not.with_untracked(Option::is_none) {
            look.dispatch(());
        }
        now
    });
    let list = part(move || {
        found.get().map(|all| {
            if all.is_empty() {
                return view! { <p role="status">{word!(i18n, wizard.midway_none)}</p> }.into_any();
            }
            all.into_iter().map(|one| view! { <One midway=one/> }).collect_view().into_any()
        })
    });
    view! {
        <details class="wizard-more" open=move || stopped.get()>
            <summary>{word!(i18n, wizard.midway_title)}</summary>
            <div class="stack">
                <p class="muted">{word!(i18n, wizard.midway_text)}</p>
                <Refusal problem=derived(move || look.value().get().flatten())/>
                <div class="row">
                    <Button busy=look.pending() disabled_reason=may_not show_reason=true on_press=Callback::new(move |()| drop(look.dispatch(())))>
                        {word!(i18n, wizard.midway_look)}
                    </Button>
                </div>
                {list}
            </div>
        </details>
    }
}

const fn tone(state: MidwayState) -> Tone {
    match state {
        MidwayState::Joined => Tone::Good,
        MidwayState::CannotTell | MidwayState::JoinerSilent => Tone::Unknown,
        _ => Tone::Look,
    }
}

#[component]
fn One(midway: Midway) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let state = midway.state;
    let sentence = derived(move || words.plain("midway", state.as_str()));
    let (own, theirs): (Vec<Trace>, Vec<Trace>) = midway.traces.into_iter().partition(|trace| trace.own);
    let title = Signal::stored(midway.name.clone());
    let operation = midway.operation.map(|id| {
        view! { <p class="small"><a href=format!("/operations/{id}")>{word!(i18n, wizard.open_operation)}</a></p> }
    });
    let joins = midway.ways.iter().any(|one| one.way == Way::Join && one.closed.is_none());
    let hint = joins.then(|| view! { <p class="muted">{word!(i18n, wizard.midway_join_hint)}</p> });
    let none = midway.ways.is_empty().then(|| view! { <p class="muted">{word!(i18n, wizard.midway_no_way)}</p> });
    let node = midway.node;
    let ways = midway.ways.into_iter().filter(|one| one.way != Way::Join).map(move |one| {
        let wish = match one.way {
            Way::Finish => Wish::FinishJoin { node },
            _ => Wish::UndoJoin { node },
        };
        view! { <Issue way=one wish/> }
    });
    let ways = ways.collect_view();
    view! {
        <Card title>
            <div class="stack" data-midway=state.as_str()>
                <Message tone=tone(state)><p role="status">{part(move || sentence.get())}</p></Message>
                {operation}
                <Traces title=text!(i18n, wizard.midway_joiner) traces=own/>
                <Traces title=text!(i18n, wizard.midway_members) traces=theirs/>
                {none}
                {hint}
                {ways}
            </div>
        </Card>
    }
    .into_any()
}

/// One side's answers, each with the way to what the node printed.
#[component]
fn Traces(title: Signal<String>, traces: Vec<Trace>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let rows = traces
        .into_iter()
        .map(|trace| {
            let (about, told) = (trace.about, trace.word);
            let text = trace.said.value.clone();
            let answer = move || told.map_or_else(|| text.clone(), |word| words.plain("told", word.as_str()));
            // A machine that does not answer has printed nothing.
            let source = (!trace.said.command.is_empty()).then(|| view! { <Source fact=trace.said limits=AGE_SLOW/> });
            view! {
                <tr>
                    <th scope="row">{part(move || words.plain("trace", about.as_str()))}</th>
                    <td>{part(answer)}</td>
                    <td class="muted small">{source}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![
        Column::text(text!(i18n, wizard.midway_fact)),
        Column::text(text!(i18n, wizard.midway_answer)),
        Column::heard(text!(i18n, wizard.node)),
    ];
    view! {
        <Table caption=title captioned=true columns>
            {rows}
        </Table>
    }
    .into_any()
}

/// A way on: its plan opens when somebody asks for it.
#[component]
fn Issue(way: WayOn, wish: Wish) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let navigate = use_navigate();
    let open = RwSignal::new(false);
    let WayOn { way, closed } = way;
    let label = derived(move || words.plain("way", way.as_str()));
    let refusal = wizard.refusal(Deed::ProposePlan);
    let why_not = derived(move || closed.as_ref().map(|problem| words.problem(problem)).or_else(|| refusal.get()));
    // Two plans at once would be two changes of one cluster.
    let held = derived(move || {
        let holds = wizard.live.operations.with(|all| all.iter().any(|one| one.state.holds_cluster()));
        holds.then(|| said!(i18n, wizard.midway_holds).to_owned())
    });
    let run = match way {
        Way::Finish => text!(i18n, wizard.midway_finish_run),
        _ => text!(i18n, wizard.midway_undo_run),
    };
    let kind = if way == Way::Finish { ButtonKind::Primary } else { ButtonKind::Plain };
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    let wish = Signal::stored(Some(wish));
    view! {
        <div class="row">
            <Button kind disabled_reason=why_not show_reason=true on_press=Callback::new(move |()| open.set(true))>
                {part(move || label.get())}
            </Button>
        </div>
        <Show when=move || open.get()>
            <Planning wish why=held label=run on_started=started at_once=true/>
        </Show>
    }
    .into_any()
}
