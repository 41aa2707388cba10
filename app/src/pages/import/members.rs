//! The members that the console does not have yet: ticked, each with the address at which it will be reached.

use crate::api::{self, ApiError, ImportDone};
use crate::components::{Badge, Button, ButtonKind, Field, Refusal, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::pages::wizard::context::Wizard;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::can::Deed;
use model::import::{Chosen, Found};
use model::inventory::Purpose;
use model::name::SshAddress;
use model::problem::Problem;

/// What a person makes of one member.
#[derive(Clone)]
struct Choice {
    found: Found,
    ticked: RwSignal<bool>,
    host: RwSignal<String>,
}

impl Choice {
    fn chosen(&self) -> Option<Chosen> {
        let ticked = self.ticked.get();
        ticked.then(|| Chosen { name: self.found.name.clone(), host: self.host.get().trim().to_owned() })
    }

    fn wrong(&self) -> Option<Problem> {
        let host = self.host.get();
        SshAddress::parse(&host, super::super::wizard::add_node::SSH_PORT, "root")
            .err()
            .filter(|_| self.ticked.get())
            .map(|error| Problem::from(error).with("host", host))
    }
}

#[component]
pub fn Members(offered: Vec<Found>, done: RwSignal<Option<ImportDone>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let choices: Vec<Choice> = offered
        .into_iter()
        .map(|found| {
            let host = RwSignal::new(found.address.clone());
            Choice { found, ticked: RwSignal::new(true), host }
        })
        .collect();
    let all = StoredValue::new(choices.clone());
    let chosen = move || all.with_value(|all| all.iter().filter_map(Choice::chosen).collect::<Vec<_>>());
    let taken = memo(move |_| wizard.is_live());
    let none_left = choices.is_empty();
    let last = RwSignal::new(Vec::new());
    let import = taking_over(wizard, last, done);
    let asking = RwSignal::new(false);
    let problem = asks_when_old(derived(move || import.value().get().flatten()), asking);
    let once_more = Callback::new(move |()| drop(import.dispatch(last.get_untracked())));
    let again = view! { <SignInAgain open=asking second=true then=once_more/> };
    let refusal = wizard.refusal(Deed::AddNode);
    let wrong = move || all.with_value(|all| all.iter().find_map(Choice::wrong));
    let reason = derived(move || {
        let nothing = taken.get() && chosen().is_empty();
        let nothing = nothing.then(|| said!(i18n, import.nothing_ticked).to_owned());
        refusal.get().or_else(|| wrong().map(|problem| words.problem(&problem))).or(nothing)
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_none) && !import.pending().get_untracked() {
            import.dispatch(untrack(chosen));
        }
    };
    let button = part(move || said!(i18n, import.take_over, count = chosen().len()).to_string());
    let rows = choices.into_iter().map(|choice| view! { <Row choice/> }).collect_view();
    if none_left && taken.get_untracked() {
        let share = Callback::new(move |()| drop(import.dispatch(Vec::new())));
        return view! {
            <p class="muted">{word!(i18n, import.all_here)}</p>
            <Refusal problem/>
            <div class="row"><Button kind=ButtonKind::Quiet busy=import.pending() disabled_reason=refusal on_press=share>{word!(i18n, import.share_again)}</Button></div>
            {again}
        }
        .into_any();
    }
    view! {
        <form class="stack" on:submit=submit aria-label=text!(i18n, import.offered)>
            <p>{word!(i18n, import.offered_text)}</p>
            <p class="muted">{part(move || said!(i18n, import.offered_port, port = port(wizard)).to_string())}</p>
            <ul class="wizard-nodes">{rows}</ul>
            <p class="muted">{word!(i18n, import.what_it_does)}</p>
            <Refusal problem/>
            <div class="row"><Button kind=ButtonKind::Primary submit=true busy=import.pending() disabled_reason=reason show_reason=true>{button}</Button></div>
        </form>
        {again}
    }
    .into_any()
}

/// Takes members over; `last` keeps which, for a second try once the person has signed in again.
fn taking_over(
    wizard: Wizard,
    last: RwSignal<Vec<Chosen>>,
    done: RwSignal<Option<ImportDone>>,
) -> Action<Vec<Chosen>, Option<Problem>> {
    Action::new(move |members: &Vec<Chosen>| {
        let members = members.clone();
        last.set(members.clone());
        async move {
            let answer = api::import_members(wizard.id, members).await;
            wizard.refresh();
            match answer {
                Ok(what) => {
                    done.set(Some(what));
                    None
                }
                Err(ApiError(problem)) => Some(problem),
            }
        }
    })
}

/// Where nothing else is typed, members are reached at the port of the first node.
fn port(wizard: Wizard) -> u16 {
    wizard.nodes(Purpose::Member).first().map_or(super::super::wizard::add_node::SSH_PORT, |node| node.address.port)
}

#[component]
fn Row(choice: Choice) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Choice { found, ticked, host } = choice.clone();
    let (tone, word) = match found.online {
        Some(true) => (Tone::Good, text!(i18n, import.online)),
        Some(false) => (Tone::Bad, text!(i18n, import.offline)),
        None => (Tone::Unknown, text!(i18n, import.not_known)),
    };
    let error = derived(move || choice.wrong().map(|problem| words.problem(&problem)));
    let links: Vec<String> = found.links.iter().map(|(number, address)| format!("link {number} {address}")).collect();
    let name = found.name.clone();
    let label = text!(i18n, import.address_of, node = name.clone());
    view! {
        <li class="wizard-node" aria-label=found.name.clone()>
            <div class="row">
                <label class="check">
                    <input type="checkbox" prop:checked=move || ticked.get() on:change=move |event| ticked.set(event_target_checked(&event))/>
                    <span class="strong">{found.name.clone()}</span>
                </label>
                <Badge tone word/>
                <code class="muted small">{links.join(", ")}</code>
            </div>
            <Show when=move || ticked.get()>
                <div class="wizard-node-work"><Field label value=host mono=true error/></div>
            </Show>
        </li>
    }
    .into_any()
}
