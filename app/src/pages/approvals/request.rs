//! One request: the plan as it was seen when it was asked for, what it rests on then and now, and the decision.

use super::decision::Decision;
use super::facts::{BlastCard, FactsCard, SinceCard};
use super::place::Taken;
use super::{Left, RiskBadge, tone_of};
use crate::api::{self, ApiError, RequestView};
use crate::components::{
    Badge, Button, ButtonKind, Card, FactRow, LiveRegion, Message, Notice, PageTitle, PlanSheet, Refusal, Tone, When,
};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, id_in_address};
use crate::pages::policy::Lines;
use crate::reactive::{derived, memo, part};
use crate::state::inbox::Waiting;
use crate::state::poll::{REQUEST_EVERY, poll};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::Timestamp;
use model::approval::{Agreed, RequestState, Subject, counted_down};
use model::ids::RequestId;

/// A request that is looked at again and again. Copy it freely.
#[derive(Clone, Copy)]
pub struct Watched {
    pub id: RequestId,
    pub view: RwSignal<RequestView>,
    /// When it was last looked at. Apart from the view, which would be another one each time.
    pub looked_at: RwSignal<Timestamp>,
    waiting: Option<Waiting>,
}

impl Watched {
    pub fn look(self) {
        spawn_local(async move {
            let Ok(new) = api::request(self.id, true).await else { return };
            let other = |old: &RequestView| *old != RequestView { looked_at: old.looked_at, ..new.clone() };
            // The page may be gone by now.
            let Some(differs) = self.view.try_with_untracked(other) else { return };
            self.looked_at.set(new.looked_at);
            if differs {
                self.view.set(new);
            }
        });
    }

    /// Something has just been decided here: the counter in the frame has to know it too.
    pub fn decided(self) {
        self.look();
        if let Some(waiting) = self.waiting {
            waiting.look();
        }
    }
}

/// `/approvals/:id`
#[component]
pub fn RequestPage() -> impl IntoView {
    let id = id_in_address::<RequestId>();
    let first = api::reading(move || id.get(), |id| async move { api::request(id.map_err(ApiError)?, false).await });
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: RequestView) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let request = view.request.clone();
    let looked_at = RwSignal::new(view.looked_at);
    let watched = Watched { id: request.id, view: RwSignal::new(view), looked_at, waiting: use_context() };
    poll(REQUEST_EVERY, move || watched.look());
    let word = request.subject.word();
    Around::is_called(move || words.plain("intent", word));
    let name = request.cluster_name.clone();
    let title = derived(move || format!("{} · {name}", words.plain("intent", word)));
    let state = memo(move |_| watched.view.with(|view| view.state.clone()));
    let state_word = derived(move || words.plain("request", &state.get()));
    let risk = request.subject.plan().map(|plan| view! { <RiskBadge risk=plan.risk/>" " });
    let badges = view! {
        {risk}
        <Badge tone=derived(move || tone_of(&state.get())) word=state_word/>
    }
    .into_any();
    let what = match request.subject.clone() {
        Subject::Plan { plan, seen, blast, .. } => view! {
            <Card title=text!(i18n, team.what_will_run)><PlanSheet plan=*plan digest=seen.digest.to_string()/></Card>
            <FactsCard watched/>
            <SinceCard watched/>
            <BlastCard watched then=blast/>
        }
        .into_any(),
        Subject::Policy { before, after, .. } => view! {
            <Card title=text!(i18n, team.policy_before)><Lines policy=before/></Card>
            <Card title=text!(i18n, team.policy_after)><Lines policy=after/></Card>
        }
        .into_any(),
    };
    view! {
        <PageTitle text=title badges/>
        <LiveRegion text=state_word/>
        <div class="split request">
            <div class="stack">
                <Alone watched/>
                <Card title=text!(i18n, team.why)><p class="quoted">{request.reason.clone()}</p></Card>
                {what}
            </div>
            <div class="stack">
                <About watched/>
                <Taken watched/>
                <Decision watched/>
            </div>
        </div>
    }
    .into_any()
}

/// The countdown of somebody who runs it alone, and the button that stops it.
#[component]
fn Alone(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let stop = Action::new(move |(): &()| async move {
        let answer = api::stop_countdown(watched.id).await;
        watched.decided();
        answer.err().map(|error| error.0)
    });
    let refusal = derived(move || watched.view.with(|view| view.may.stop.clone()).map(|one| words.problem(&one)));
    let since = memo(move |_| {
        watched.view.with(|view| match view.request.state {
            RequestState::Counting { since } => Some(since),
            _ => None,
        })
    });
    let by = watched.view.with_untracked(|view| view.request.requested_by.clone());
    part(move || {
        let at = counted_down(since.get()?);
        let by = by.clone();
        Some(view! {
            <Message tone=Tone::Bad>
                <p class="strong">{word!(i18n, team.alone, by = by.clone())}" "<Left at/></p>
                <p>{word!(i18n, team.alone_text)}</p>
                <div class="row">
                    <Button kind=ButtonKind::Danger busy=stop.pending() disabled_reason=refusal on_press=Callback::new(move |()| drop(stop.dispatch(())))>
                        {word!(i18n, team.stop)}
                    </Button>
                </div>
                <Refusal problem=derived(move || stop.value().get().flatten())/>
            </Message>
        })
    })
}

/// Who asked, the two clocks, and what became of it.
#[component]
fn About(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let request = watched.view.with_untracked(|view| view.request.clone());
    let ends = memo(move |_| watched.view.with(|view| (view.ends_at, view.request.state.word())));
    let clock = part(move || {
        let (at, state) = ends.get();
        let at = at?;
        let name = derived(move || match state {
            "approved" => said!(i18n, team.usable_for).to_owned(),
            "counting" => said!(i18n, team.can_run_for).to_owned(),
            _ => said!(i18n, team.waits_for).to_owned(),
        });
        Some(view! { <FactRow name=name><Left at/></FactRow> })
    });
    let agreement = memo(move |_| watched.view.with(|view| view.agreement.word()));
    let state = memo(move |_| watched.view.with(|view| view.request.state.clone()));
    let hindrance = memo(move |_| watched.view.with(|view| view.hindrance.clone()));
    view! {
        <Card title=text!(i18n, team.about)>
            <div class="stack">
                <dl class="facts">
                    <FactRow name=text!(i18n, team.asked_by)>{request.requested_by}</FactRow>
                    <FactRow name=text!(i18n, pages.column_when)><When at=request.requested_at/></FactRow>
                    <FactRow name=text!(i18n, team.needed)>{part(move || words.plain("agreement", agreement.get()))}</FactRow>
                    {clock}
                    {part(move || view! { <Became state=state.get()/> })}
                </dl>
                {part(move || hindrance.get().map(|problem| view! { <Notice problem quiet=true tone=Tone::Look/> }))}
            </div>
        </Card>
    }
    .into_any()
}

/// Who decided, when, and in which words.
#[component]
pub fn Became(state: RequestState) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let row = |name: Signal<String>, by: String, at, comment: String| {
        let said = (!comment.is_empty()).then(|| view! { <p class="quoted">{comment}</p> });
        view! { <FactRow name=name><p>{by}" · "<When at/></p>{said}</FactRow> }.into_any()
    };
    match state {
        RequestState::Waiting | RequestState::Counting { .. } => ().into_any(),
        RequestState::Approved { by, at, comment } => row(text!(i18n, team.approved_by), by, at, comment),
        RequestState::Rejected { by, at, comment } => row(text!(i18n, team.rejected_by), by, at, comment),
        RequestState::Stopped { by, at } => row(text!(i18n, team.stopped_by), by, at, String::new()),
        RequestState::Withdrawn { at } => {
            view! { <FactRow name=text!(i18n, team.withdrawn)><When at/></FactRow> }.into_any()
        }
        RequestState::Expired { at } => {
            view! { <FactRow name=text!(i18n, team.expired)><When at/></FactRow> }.into_any()
        }
        RequestState::Void { at, why } => {
            let why = why.as_str();
            view! { <FactRow name=text!(i18n, team.void)><p>{part(move || words.plain("void", why))}" · "<When at/></p></FactRow> }
                .into_any()
        }
        RequestState::Used { at, agreed, operation, review } => {
            let agreed = match agreed {
                Agreed::By { by, at, comment } => row(text!(i18n, team.approved_by), by, at, comment),
                Agreed::Alone { since } => {
                    view! { <FactRow name=text!(i18n, team.agreed)><p>{word!(i18n, team.by_nobody)}" · "<When at=since/></p></FactRow> }
                        .into_any()
                }
            };
            let operation = operation.map(|id| {
                view! { <a href=format!("/operations/{id}")>{word!(i18n, team.to_operation)}</a> }
            });
            let review = review.map(|one| row(text!(i18n, team.reviewed_by), one.by, one.at, one.comment));
            view! {
                {agreed}
                <FactRow name=text!(i18n, team.used)><p><When at/>" "{operation}</p></FactRow>
                {review}
            }
            .into_any()
        }
    }
}
