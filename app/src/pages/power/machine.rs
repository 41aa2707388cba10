//! One machine: what its BMC is, what it said last, and what can be done with it.

use super::entry::Entry;
use crate::api::{self, ApiError, ApiResult, PowerLine, Wish};
use crate::components::{Age, Badge, Button, ButtonKind, Dialog, FactRow, Notice, Refusal, Tone};
use crate::i18n::*;
use crate::pages::recover::Quoted;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::runner::Planning;
use crate::reactive::{derived, memo, part};
use crate::state::clock::use_clock;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::bmc::{AGE_POWER, Binding, Bmc, Power, PowerReading, PowerWish};
use model::can::Deed;
use model::ids::{NodeId, OperationId};
use model::problem::Problem;

/// What is asked of the server about one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Power,
    Bind,
    Remove,
}

#[component]
pub fn Machine(line: PowerLine, outer: StoredValue<Vec<(NodeId, String)>>) -> impl IntoView {
    let i18n = use_i18n();
    let (node, name) = (line.node, line.name.clone());
    let shown = RwSignal::new(line);
    let (entering, removing) = (RwSignal::new(false), RwSignal::new(false));
    let last = RwSignal::new(Ask::Power);
    let ask = Action::new(move |ask: &Ask| {
        let ask = *ask;
        last.set(ask);
        async move {
            let answer = match ask {
                Ask::Power => api::ask_power(node).await,
                Ask::Bind => api::bind_bmc(node).await,
                Ask::Remove => api::remove_bmc(node).await,
            };
            removing.set(false);
            take(shown, answer)
        }
    });
    let asking = RwSignal::new(false);
    let refused = asks_when_old(derived(move || ask.value().get().flatten()), asking);
    let once_more = Callback::new(move |()| drop(ask.dispatch(last.get_untracked())));
    let bmc = memo(move |_| shown.with(|line| line.bmc.clone()));
    let facts = part(move || bmc.get().map(|bmc| view! { <Facts bmc/> }));
    let why_not = part(move || {
        shown.with(|line| line.problem.clone()).map(|problem| view! { <Notice problem tone=Tone::Look quiet=true/> })
    });
    let set = Callback::new(move |line: PowerLine| {
        entering.set(false);
        shown.set(line);
    });
    let form = part(move || entering.get().then(|| view! { <Entry node bmc=bmc.get_untracked() outer on_set=set/> }));
    let question = name.clone();
    view! {
        <li class="wizard-node" aria-label=name.clone()>
            <div class="row">
                <span class="strong">{name.clone()}</span>
                <PowerBadge bmc/>
                <BoundBadge bmc/>
            </div>
            {facts}
            {why_not}
            <Asking bmc ask busy=ask.pending() entering removing/>
            <Refusal problem=refused/>
            {form}
            <Switching node shown/>
            <Dialog open=removing title=text!(i18n, recover.power_remove_question, node = question.clone())>
                <p>{word!(i18n, recover.power_remove_text)}</p>
                <div class="dialog-end">
                    <Button on_press=Callback::new(move |()| removing.set(false))>{word!(i18n, common.cancel)}</Button>
                    <Button kind=ButtonKind::Danger busy=ask.pending() on_press=Callback::new(move |()| drop(ask.dispatch(Ask::Remove)))>{word!(i18n, recover.power_remove)}</Button>
                </div>
            </Dialog>
            <SignInAgain open=asking second=true then=once_more/>
        </li>
    }
    .into_any()
}

/// Shows what came back; what was refused is for the person.
fn take(shown: RwSignal<PowerLine>, answer: ApiResult<PowerLine>) -> Option<Problem> {
    match answer {
        Ok(line) => {
            shown.set(line);
            None
        }
        Err(ApiError(problem)) => Some(problem),
    }
}

#[component]
fn PowerBadge(bmc: Memo<Option<Bmc>>) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let read = memo(move |_| bmc.with(|bmc| bmc.as_ref()?.last.as_ref().map(|last| (last.power, last.at))));
    let power = memo(move |_| read.get().and_then(|(power, _)| power));
    let tone = derived(move || {
        let Some((power, at)) = read.get() else { return Tone::Unknown };
        let tone = match power {
            Some(Power::On) => Tone::Good,
            Some(Power::Off) => Tone::Plain,
            None => Tone::Unknown,
        };
        tone.aged(clock.judge(at, AGE_POWER))
    });
    let word = derived(move || {
        match power.get() {
            Some(Power::On) => said!(i18n, recover.power_on),
            Some(Power::Off) => said!(i18n, recover.power_off),
            None => said!(i18n, recover.power_unknown),
        }
        .to_owned()
    });
    view! { <Badge tone word/> }.into_any()
}

#[component]
fn BoundBadge(bmc: Memo<Option<Bmc>>) -> impl IntoView {
    let i18n = use_i18n();
    part(move || {
        let (tone, word) = match bmc.get()?.binding {
            Binding::Bound { uuid, .. } if !uuid.is_placeholder() => (Tone::Good, text!(i18n, recover.power_bound)),
            Binding::Bound { .. } | Binding::Never => (Tone::Look, text!(i18n, recover.power_not_bound)),
            Binding::Differs { .. } => (Tone::Bad, text!(i18n, recover.power_differs)),
            Binding::Shared { .. } => (Tone::Bad, text!(i18n, recover.power_not_bound)),
        };
        Some(view! { <Badge tone word/> })
    })
}

#[component]
fn Facts(bmc: Bmc) -> impl IntoView {
    let i18n = use_i18n();
    let Bmc { way, binding, set_by, last, .. } = bmc;
    let bound = match binding {
        Binding::Bound { uuid, by, .. } => Some((uuid.to_string(), by)),
        Binding::Never | Binding::Differs { .. } | Binding::Shared { .. } => None,
    };
    let bound = bound.map(|(uuid, by)| {
        view! {
            <FactRow name=text!(i18n, recover.power_uuid)>
                <code>{uuid}</code>" "<span class="muted">{text!(i18n, recover.power_by, who = by.clone())}</span>
            </FactRow>
        }
    });
    view! {
        <dl class="facts">
            <FactRow name=text!(i18n, recover.power_way)>
                <code>{way.to_string()}</code>" "<span class="muted">{text!(i18n, recover.power_by, who = set_by.clone())}</span>
            </FactRow>
            {bound}
        </dl>
        {last.map(|last| view! { <Read last/> })}
    }
    .into_any()
}

/// The last reading, with every answer word for word.
#[component]
pub fn Read(last: PowerReading) -> impl IntoView {
    let i18n = use_i18n();
    let PowerReading { power, twice, problem, at, evidence, .. } = last;
    let count = evidence.len();
    let said = match (power, twice) {
        (Some(Power::Off), true) => text!(i18n, recover.power_read_off_twice),
        (Some(Power::Off), false) => text!(i18n, recover.power_read_off_once),
        (Some(Power::On), _) => text!(i18n, recover.power_read_on),
        (None, _) => text!(i18n, recover.power_read_nothing),
    };
    view! {
        <p>{part(move || said.get())}" "<Age at limits=AGE_POWER/></p>
        {problem.map(|problem| view! { <Notice problem quiet=true/> })}
        <details hidden=count == 0>
            <summary>{text!(i18n, recover.asked, count = count)}</summary>
            <div class="stack">{evidence.into_iter().map(|one| view! { <Quoted one/> }).collect_view()}</div>
        </details>
    }
    .into_any()
}

#[component]
fn Asking(
    bmc: Memo<Option<Bmc>>,
    ask: Action<Ask, Option<Problem>>,
    busy: Memo<bool>,
    entering: RwSignal<bool>,
    removing: RwSignal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let may_look = wizard.refusal(Deed::RunChecks);
    let may_manage = wizard.refusal(Deed::ManageBmc);
    let there = memo(move |_| bmc.with(Option::is_some));
    let press = move |what: Ask| Callback::new(move |()| drop(ask.dispatch(what)));
    let with_bmc = part(move || {
        there.get().then(|| {
            view! {
                <Button busy disabled_reason=may_look on_press=press(Ask::Power)>{word!(i18n, recover.power_ask)}</Button>
                <Button busy disabled_reason=may_manage on_press=press(Ask::Bind)>{word!(i18n, recover.power_bind)}</Button>
                <Button kind=ButtonKind::Quiet disabled_reason=may_manage on_press=Callback::new(move |()| removing.set(true))>{word!(i18n, recover.power_remove)}</Button>
            }
        })
    });
    let edit = derived(move || {
        if there.get() {
            said!(i18n, recover.power_edit).to_owned()
        } else {
            said!(i18n, recover.power_enter).to_owned()
        }
    });
    let toggle = Callback::new(move |()| entering.update(|open| *open = !*open));
    view! {
        <div class="row">
            {with_bmc}
            <Button kind=ButtonKind::Quiet disabled_reason=may_manage on_press=toggle>{part(move || edit.get())}</Button>
        </div>
    }
    .into_any()
}

/// The three plans; each says why it cannot be read.
#[component]
fn Switching(node: NodeId, shown: RwSignal<PowerLine>) -> impl IntoView {
    let i18n = use_i18n();
    let words = crate::words::use_words();
    let wizard = Wizard::here();
    let navigate = use_navigate();
    let refusal = wizard.refusal(Deed::ProposePlan);
    let why = derived(move || {
        refusal.get().or_else(|| shown.with(|line| line.problem.as_ref().map(|problem| words.problem(problem))))
    });
    let chosen = RwSignal::new(None::<PowerWish>);
    let wish = derived(move || chosen.get().map(|to| Wish::Power { node, to }));
    let started =
        Callback::new(move |id: OperationId| navigate(&format!("/operations/{id}"), NavigateOptions::default()));
    let choose = move |to: PowerWish| Callback::new(move |()| chosen.set(Some(to)));
    let label = derived(move || {
        match chosen.get() {
            Some(PowerWish::On) => said!(i18n, recover.power_do_on),
            Some(PowerWish::Cycle) => said!(i18n, recover.power_do_cycle),
            Some(PowerWish::Off) | None => said!(i18n, recover.power_do_off),
        }
        .to_owned()
    });
    let plan = part(move || chosen.get().map(|_| view! { <Planning wish why label on_started=started at_once=true/> }));
    let group = text!(i18n, recover.power_switch);
    view! {
        <div class="row" role="group" aria-label=move || group.get()>
            <Button disabled_reason=why on_press=choose(PowerWish::On)>{word!(i18n, recover.power_do_on)}</Button>
            <Button kind=ButtonKind::Danger disabled_reason=why on_press=choose(PowerWish::Cycle)>{word!(i18n, recover.power_do_cycle)}</Button>
            <Button kind=ButtonKind::Danger disabled_reason=why on_press=choose(PowerWish::Off)>{word!(i18n, recover.power_do_off)}</Button>
        </div>
        <div class="stack">{plan}</div>
    }
    .into_any()
}
