//! One absent node: where it was knocked at, who heard it, what would happen to its guests, and how somebody knows that it is off.

use super::{Looking, Quoted};
use crate::api::{self, ApiError};
use crate::components::{Age, Area, Badge, Button, FactRow, Message, Notice, Refusal, Tone};
use crate::i18n::*;
use crate::pages::power::Read;
use crate::reactive::{derived, part};
use crate::state::clock::use_clock;
use leptos::prelude::*;
use model::Timestamp;
use model::recovery::{AGE_RECOVERY, ATTESTATION_MAX_CHARS, ATTESTATION_MIN_CHARS, Absent, SeenBmc, Sign, Unasked};

#[component]
pub fn AbsentNode(
    node: Absent,
    /// When it was knocked at.
    at: Timestamp,
    how: RwSignal<String>,
    /// Whether anything can be attested at all.
    asked: bool,
    /// Whether HA starts nothing for now.
    disarmed: bool,
    looking: Looking,
) -> impl IntoView {
    let i18n = use_i18n();
    let asked = asked && node.read_off().is_none();
    let not_asked = node.was_not_asked();
    let Absent { name, votes, addresses, answers, own_view, guests, services, silent_to, unasked, bmc, .. } = node;
    let alive = !answers.is_empty();
    let (tone, word) = match (alive, not_asked) {
        (true, _) => (Tone::Look, text!(i18n, recover.answers)),
        // Silence that nobody could have heard is none.
        (false, true) => (Tone::Unknown, text!(i18n, recover.not_asked)),
        (false, false) if !unasked.is_empty() => (Tone::Bad, text!(i18n, recover.silent_partly)),
        (false, false) => (Tone::Bad, text!(i18n, recover.silent)),
    };
    let heard = move |sign: Sign| {
        view! { <li>{text!(i18n, recover.heard, address = sign.address.clone(), by = sign.heard_by.clone())}</li> }
    };
    let own_view = own_view.map(|one| {
        view! {
            <p class="strong">{word!(i18n, recover.own_view)}</p>
            <Quoted one/>
        }
    });
    let guests: Option<Vec<String>> = guests.map(|all| all.iter().map(u32::to_string).collect());
    let listed = move |all: Option<&[String]>| match all {
        None => said!(i18n, recover.unknown).to_owned(),
        Some([]) => said!(i18n, recover.none).to_owned(),
        Some(all) => all.join(", "),
    };
    let list = move |all: Option<Vec<String>>| part(move || listed(all.as_deref()));
    let services = part(move || match disarmed {
        true => said!(i18n, recover.services_disarmed).to_owned(),
        false => listed(services.as_deref()),
    });
    let label_name = name.clone();
    let label = text!(i18n, recover.account, node = label_name.clone());
    let hint = derived(move || {
        Some(said!(i18n, recover.account_hint, min = ATTESTATION_MIN_CHARS, max = ATTESTATION_MAX_CHARS).to_string())
    });
    view! {
        <li class="wizard-node" aria-label=name.clone()>
            <Head name=name.clone() tone word at votes/>
            <dl class="facts">
                <FactRow name=text!(i18n, recover.knocked)><span class="mono">{addresses.join(", ")}</span></FactRow>
                <FactRow name=text!(i18n, recover.silent_to)>{list(Some(silent_to))}</FactRow>
                <FactRow name=text!(i18n, recover.guests)>{list(guests)}</FactRow>
                <FactRow name=text!(i18n, recover.services)>{services}</FactRow>
            </dl>
            {alive.then(|| view! { <ul>{answers.into_iter().map(heard).collect_view()}</ul> })}
            <NotAsked unasked/>
            {own_view}
            {bmc.map(|seen| view! { <ItsBmc seen looking/> })}
            {asked.then(|| view! { <div class="wizard-node-work"><Area label value=how hint/></div> })}
        </li>
    }
    .into_any()
}

/// Its name, what knocking at it came to, and how long ago that was.
#[component]
fn Head(name: String, tone: Tone, word: Signal<String>, at: Timestamp, votes: u32) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    // Who was silent then may have power by now.
    let tone = derived(move || tone.aged(clock.judge(at, AGE_RECOVERY)));
    view! {
        <div class="row">
            <span class="strong">{name}</span>
            <Badge tone word/>
            <Age at limits=AGE_RECOVERY/>
            <span class="muted">{text!(i18n, recover.its_votes, votes = votes)}</span>
        </div>
    }
    .into_any()
}

/// What its BMC said last, what that is worth, and asking it once more.
#[component]
fn ItsBmc(seen: SeenBmc, looking: Looking) -> impl IntoView {
    let i18n = use_i18n();
    let SeenBmc { bmc, proof, problem } = seen;
    let node = bmc.node;
    let ask = Action::new(move |(): &()| async move {
        looking.under_way.set(true);
        match api::ask_power(node).await {
            Ok(_) => {
                looking.again();
                None
            }
            Err(ApiError(problem)) => {
                looking.under_way.set(false);
                Some(problem)
            }
        }
    });
    let worth = match (proof, problem) {
        (Some(_), _) => {
            view! { <Message tone=Tone::Good><p>{word!(i18n, recover.power_proves)}</p></Message> }.into_any()
        }
        (None, Some(problem)) => view! { <Notice problem tone=Tone::Look quiet=true/> }.into_any(),
        (None, None) => ().into_any(),
    };
    view! {
        <div class="wizard-node-work stack">
            <p><span class="strong">{word!(i18n, recover.power_its_bmc)}</span>" "<code>{bmc.way.to_string()}</code></p>
            {bmc.last.map(|last| view! { <Read last/> })}
            {worth}
            <div class="row"><Button busy=ask.pending() on_press=Callback::new(move |()| drop(ask.dispatch(())))>{word!(i18n, recover.power_ask)}</Button></div>
            <Refusal problem=derived(move || ask.value().get().flatten())/>
        </div>
    }
    .into_any()
}

/// Who could not knock, and why: their silence must not be read as the node's.
#[component]
fn NotAsked(unasked: Vec<Unasked>) -> impl IntoView {
    let i18n = use_i18n();
    if unasked.is_empty() {
        return ().into_any();
    }
    let lines = unasked.into_iter().map(move |one| {
        let by = one.by;
        view! {
            <li><p>{word!(i18n, recover.could_not_ask, by = by.clone())}</p><Notice problem=one.problem tone=Tone::Look quiet=true/></li>
        }
    });
    view! {
        <Message tone=Tone::Look>
            <p class="strong">{word!(i18n, recover.not_asked_text)}</p>
            <ul>{lines.collect_view()}</ul>
        </Message>
    }
    .into_any()
}
