//! What has to happen before a plan may run on a cluster, per class and per action; an admin changes it.

mod line;

use line::{Key, Line};

use crate::api::{self, ApiError, PolicyView};
use crate::components::{Area, Button, ButtonKind, Card, Message, PageTitle, Refusal, Tone};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, id_in_address};
use crate::pages::sign_in_again::{SignInAgain, asks_when_old, refusal_in};
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::{self, Deed};
use model::ids::ClusterId;
use model::plan::Intent;
use model::policy::Policy;
use model::risk::Risk;

/// Classes that plans have.
const CLASSES: [Risk; 3] = [Risk::Reversible, Risk::Disruptive, Risk::Destructive];

/// `/clusters/:id/policy`
#[component]
pub fn PolicyPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.policy).to_owned());
    let id = id_in_address::<ClusterId>();
    let first = api::reading(move || id.get(), |id| async move { api::policy(id.map_err(ApiError)?).await });
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: PolicyView) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let name = view.cluster_name.clone();
    let draft = RwSignal::new(view.policy.clone());
    let role = view.role;
    let refusal = derived(move || can::do_it(role, Deed::ChangePolicy).err().map(|problem| words.problem(&problem)));
    let off = derived(move || refusal.with(Option::is_some));
    let classes = CLASSES.into_iter().map(|risk| view! { <Line key=Key::Class(risk) draft off/> }).collect_view();
    let actions = Intent::WORDS
        .iter()
        .filter(|word| Policy::can_wait(word))
        .map(|word| view! { <Line key=Key::Action(word) draft off/> })
        .collect_view();
    let waiting = view
        .waiting
        .iter()
        .map(|line| {
            let to = format!("/approvals/{}", line.id);
            let by = line.requested_by.clone();
            view! { <Message tone=Tone::Look><p>{word!(i18n, team.policy_waits, by = by.clone())}" "<a href=to>{word!(i18n, team.look_at_it)}</a></p></Message> }
        })
        .collect_view();
    view! {
        <PageTitle text=text!(i18n, team.policy_of, name = name.clone())/>
        <div class="stack">
            {waiting}
            <Card title=text!(i18n, team.protected)>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || draft.with(|policy| policy.protected)
                        disabled=move || off.get()
                        on:change=move |event| draft.update(|policy| policy.protected = event_target_checked(&event))
                    />
                    <span>{word!(i18n, team.protected_label)}</span>
                </label>
                <p class="muted small">{word!(i18n, team.protected_text)}</p>
            </Card>
            <Card title=text!(i18n, team.per_class)><div class="policy-lines">{classes}</div></Card>
            <Card title=text!(i18n, team.per_action)>
                <p class="muted small">{word!(i18n, team.per_action_text)}</p>
                <div class="policy-lines">{actions}</div>
            </Card>
            <Save view draft refusal/>
        </div>
    }
    .into_any()
}

#[component]
fn Save(view: PolicyView, draft: RwSignal<Policy>, refusal: Signal<Option<String>>) -> impl IntoView {
    let i18n = use_i18n();
    let navigate = use_navigate();
    let reason = RwSignal::new(String::new());
    let asking = RwSignal::new(false);
    let done = RwSignal::new(false);
    let stored = RwSignal::new(view.policy.clone());
    let (id, others) = (view.cluster, view.other_admins);
    let save = Action::new(move |(): &()| async move {
        let before = Some(stored.get_untracked());
        let answer = api::change_policy(id, before, draft.get_untracked(), reason.get_untracked()).await;
        if answer.as_ref().is_ok_and(|answer| answer.in_force) {
            stored.set(draft.get_untracked());
            reason.set(String::new());
            done.set(true);
        }
        answer
    });
    Effect::new(move |_| match save.value().get() {
        Some(Ok(answer)) if !answer.in_force => {
            navigate(&format!("/approvals/{}", answer.request), NavigateOptions::default());
        }
        _ => {}
    });
    let missing = derived(move || {
        let same = || draft.with(|new| stored.with(|old| new == old));
        refusal.get().or_else(|| same().then(|| said!(i18n, team.policy_unchanged).to_owned())).or_else(|| {
            reason.with(|text| text.trim().is_empty()).then(|| said!(i18n, pages.reason_missing).to_owned())
        })
    });
    let problem = asks_when_old(refusal_in(derived(move || save.value().get())), asking);
    let who = part(move || match others {
        0 => said!(i18n, team.policy_alone).to_owned(),
        count => said!(i18n, team.policy_others, count = count).to_string(),
    });
    let word = if others == 0 { text!(i18n, team.policy_set) } else { text!(i18n, team.policy_ask) };
    view! {
        <Card title=text!(i18n, team.policy_change)>
            <div class="stack">
                <Message tone=Tone::Plain><p>{who}</p></Message>
                <Area label=text!(i18n, pages.reason) value=reason/>
                <Refusal problem/>
                {part(move || done.get().then(|| view! { <Message tone=Tone::Good><p>{word!(i18n, team.policy_done)}</p></Message> }))}
                <div class="row">
                    <Button kind=ButtonKind::Primary busy=save.pending() disabled_reason=missing show_reason=true on_press=Callback::new(move |()| drop(save.dispatch(())))>
                        {part(move || word.get())}
                    </Button>
                </div>
            </div>
        </Card>
        <SignInAgain open=asking second=true then=Callback::new(move |()| drop(save.dispatch(())))/>
    }
    .into_any()
}

/// A policy to be read only.
#[component]
pub fn Lines(policy: Policy) -> impl IntoView {
    let i18n = use_i18n();
    let protected = policy.protected;
    let draft = RwSignal::new(policy.clone());
    let off = derived(|| true);
    let classes = CLASSES.into_iter().map(|risk| view! { <Line key=Key::Class(risk) draft off/> }).collect_view();
    let actions = Intent::WORDS
        .iter()
        .filter(|word| policy.actions.contains_key(**word))
        .map(|word| view! { <Line key=Key::Action(word) draft off/> })
        .collect_view();
    view! {
        <p>{part(move || if protected { said!(i18n, team.protected_on) } else { said!(i18n, team.protected_off) })}</p>
        <div class="policy-lines">{classes}{actions}</div>
    }
    .into_any()
}
