//! `/notifications`: where messages go that leave the console, and whether they arrive.

use super::approvals::Left;
use crate::api::{self, ApiError, ApiResult, Failure, MessagesView, PlaceView, Reading};
use crate::components::{Badge, Button, Card, Empty, FactRow, Lines, Message, Notice, PageTitle, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo, part};
use crate::state::inbox::Waiting;
use crate::state::poll::{MESSAGES_EVERY, poll};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::problem::Problem;

#[component]
pub fn MessagesPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.messages).to_owned());
    let first: Reading<ApiResult<MessagesView>> = api::reading(|| (), |()| api::messages(false));
    view! {
        <PageTitle text=text!(i18n, team.messages)/>
        <Loaded resource=first view=|view| view! { <Content view/> }/>
    }
    .into_any()
}

#[component]
fn Content(view: MessagesView) -> impl IntoView {
    let i18n = use_i18n();
    let shown = RwSignal::new(view);
    poll(MESSAGES_EVERY, move || {
        spawn_local(async move {
            let Ok(new) = api::messages(true).await else { return };
            // The page may be gone by now.
            if shown.try_with_untracked(|old| *old != new) == Some(true) {
                shown.set(new);
            }
        });
    });
    // Places are named when the console starts: their number never changes while somebody looks.
    let names: Vec<String> = shown.with_untracked(|view| view.places.iter().map(|place| place.name.clone()).collect());
    let no_links = shown.with_untracked(|view| view.base.is_none() && !view.places.is_empty());
    let no_links = no_links.then(|| view! { <p>{word!(i18n, team.messages_no_base)}</p> });
    let places = if names.is_empty() {
        view! { <Nobody/> }.into_any()
    } else {
        names.into_iter().map(|name| view! { <Place name shown/> }).collect_view().into_any()
    };
    view! {
        <div class="stack">
            <Card>
                <p class="muted">{word!(i18n, team.messages_intro)}</p>
                {no_links}
            </Card>
            {places}
        </div>
    }
    .into_any()
}

#[component]
fn Nobody() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Card>
            <Empty title=text!(i18n, team.messages_none)><p>{word!(i18n, team.messages_none_text)}</p></Empty>
            <Lines text=text!(i18n, team.messages_example)/>
        </Card>
    }
    .into_any()
}

#[component]
fn Place(name: String, shown: RwSignal<MessagesView>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wanted = name.clone();
    let place = memo(move |_| shown.with(|view| view.places.iter().find(|one| one.name == wanted).cloned()));
    let title = {
        let name = name.clone();
        derived(move || words.plain("place", &name))
    };
    let badge = part(move || place.get().map(|place| view! { <State place/> })).into_any();
    let outage = part(move || {
        place.with(|one| one.as_ref().is_some_and(|one| one.outage)).then(|| {
            view! { <Message tone=Tone::Bad><p>{word!(i18n, team.messages_outage_text)}</p></Message> }
        })
    });
    let facts = part(move || place.get().map(|place| view! { <Facts place/> }));
    view! {
        <Card title extra=badge>
            <div class="stack">
                {outage}
                {facts}
                <Test name title shown/>
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn State(place: PlaceView) -> impl IntoView {
    let i18n = use_i18n();
    let (tone, word) = match (place.outage, place.failing_since, place.delivered_at) {
        (true, _, _) => (Tone::Bad, text!(i18n, team.messages_outage)),
        (false, Some(_), _) => (Tone::Look, text!(i18n, team.messages_trying)),
        (false, None, Some(_)) => (Tone::Good, text!(i18n, team.messages_arrives)),
        (false, None, None) => (Tone::Unknown, text!(i18n, team.messages_unused)),
    };
    view! { <Badge tone word/> }.into_any()
}

#[component]
fn Facts(place: PlaceView) -> impl IntoView {
    let i18n = use_i18n();
    let PlaceView {
        address,
        delivered_at,
        failing_since,
        failures,
        resume_at,
        last_failure,
        waiting,
        oldest,
        given_up,
        ..
    } = place;
    let delivered = match delivered_at {
        Some(at) => view! { <When at/> }.into_any(),
        None => view! { <span class="muted">{word!(i18n, pages.never)}</span> }.into_any(),
    };
    let queue = match oldest {
        Some(at) => view! { {text!(i18n, team.messages_waiting_count, count = waiting)}" "<When at/> }.into_any(),
        None => view! { {waiting} }.into_any(),
    };
    let failing = failing_since.map(|at| {
        view! {
            <FactRow name=text!(i18n, team.messages_since)>
                <When at/>" · "{text!(i18n, team.messages_tries, count = failures)}
            </FactRow>
        }
    });
    let next = resume_at.filter(|_| waiting > 0).map(|at| {
        view! { <FactRow name=text!(i18n, team.messages_next)><Left at/></FactRow> }
    });
    let lost = (given_up > 0).then(|| view! { <FactRow name=text!(i18n, team.messages_given_up)>{given_up}</FactRow> });
    let is_over = failing_since.is_none();
    let last = last_failure.as_ref().map(|Failure { at, .. }| {
        let at = *at;
        let over = is_over.then(|| view! { " "<span class="muted">"("{word!(i18n, team.messages_over)}")"</span> });
        view! { <FactRow name=text!(i18n, team.messages_failed)><When at/>{over}</FactRow> }
    });
    let tone = if is_over { Tone::Plain } else { Tone::Bad };
    let why = last_failure.map(|Failure { problem, .. }| view! { <Notice problem tone quiet=true/> });
    view! {
        <dl class="facts">
            <FactRow name=text!(i18n, team.messages_address)><code>{address}</code></FactRow>
            <FactRow name=text!(i18n, team.messages_delivered)>{delivered}</FactRow>
            <FactRow name=text!(i18n, team.messages_waiting)>{queue}</FactRow>
            {failing}
            {next}
            {lost}
            {last}
        </dl>
        {why}
    }
    .into_any()
}

/// What came of the last test on this page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Arrived,
    Not(Problem),
}

#[component]
fn Test(name: String, title: Signal<String>, shown: RwSignal<MessagesView>) -> impl IntoView {
    let i18n = use_i18n();
    let waiting = use_context::<Waiting>();
    let of = name.clone();
    let is_said_above = move |problem: &Problem| {
        shown.with(|view| {
            let last = view.places.iter().find(|one| one.name == of).and_then(|one| one.last_failure.as_ref());
            last.is_some_and(|failure| failure.problem == *problem)
        })
    };
    let test = Action::new(move |(): &()| {
        let name = name.clone();
        async move {
            let answer = match api::test_message(name).await {
                Ok(tested) => {
                    shown.set(tested.view);
                    tested.problem.map_or(Answer::Arrived, Answer::Not)
                }
                Err(ApiError(problem)) => Answer::Not(problem),
            };
            if let Some(waiting) = waiting {
                waiting.look();
            }
            answer
        }
    });
    let answer = part(move || {
        test.value().get().map(|answer| match answer {
            Answer::Arrived => view! {
                <div role="status"><Message tone=Tone::Good><p>{word!(i18n, team.message_arrived)}</p></Message></div>
            }
            .into_any(),
            Answer::Not(problem) if is_said_above(&problem) => view! {
                <div role="alert"><Message tone=Tone::Bad><p>{word!(i18n, team.message_failed)}</p></Message></div>
            }
            .into_any(),
            Answer::Not(problem) => view! { <Notice problem/> }.into_any(),
        })
    });
    let whole = part(move || said!(i18n, team.message_test_to, place = title.get()).to_string());
    view! {
        <div class="row">
            <Button busy=test.pending() on_press=Callback::new(move |()| drop(test.dispatch(())))>
                <span aria-hidden="true">{word!(i18n, team.message_test)}</span>
                <span class="visually-hidden">{whole}</span>
            </Button>
        </div>
        {answer}
    }
    .into_any()
}
