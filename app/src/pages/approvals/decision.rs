//! What the person in front of the screen can do about a request. A button that cannot be pressed says why.

use super::request::Watched;
use crate::api::{self, ApiError};
use crate::components::{Area, Button, ButtonKind, Card, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old, refusal_in};
use crate::reactive::{derived, memo, part};
use crate::state::session::{Session, use_session};
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::approval::{COUNTDOWN_S, May};
use model::ids::OperationId;
use model::policy::SignInDemand;
use model::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Approve,
    Reject,
    TakeBack,
    Run,
    BreakGlass,
    Review,
}

impl Doing {
    /// Whether the sign-in has to be fresh, where the policy wants that of the plan.
    const fn wants_fresh(self) -> bool {
        matches!(self, Self::Approve | Self::Run | Self::BreakGlass)
    }

    /// What it wants of the sign-in, as far as the page knows.
    fn demand(self, watched: Watched) -> SignInDemand {
        if self == Self::BreakGlass { SignInDemand::WHOLE } else { watched.view.with(|view| view.wants) }
    }

    fn hindered_by(self, may: &May) -> Option<Problem> {
        match self {
            Self::Approve => may.approve.clone(),
            Self::Reject => may.reject.clone(),
            Self::TakeBack => may.withdraw.clone(),
            Self::Run => may.run.clone(),
            Self::BreakGlass => may.break_glass.clone(),
            Self::Review => may.review.clone(),
        }
    }
}

/// What the server answered: the operation that it began, where it began one.
pub(super) type Begun = Result<Option<OperationId>, ApiError>;

#[component]
pub fn Decision(watched: Watched) -> impl IntoView {
    let i18n = use_i18n();
    let session = use_session();
    let comment = RwSignal::new(String::new());
    let asking = RwSignal::new(false);
    let wanted = RwSignal::new(Doing::Approve);
    let act = Action::new(move |doing: &Doing| {
        let (doing, words) = (*doing, comment.get_untracked());
        async move {
            let answer = carry_out(doing, watched, words).await;
            watched.decided();
            answer
        }
    });
    let problem = went_on(derived(move || act.value().get()), asking);
    let press = Callback::new(move |doing: Doing| {
        wanted.set(doing);
        if too_old(doing, session, watched) {
            asking.set(true);
        } else {
            act.dispatch(doing);
        }
    });
    let mine = watched.view.with_untracked(|view| {
        session.is_some_and(|session| session.0.with_untracked(|me| view.request.is_of(&me.name)))
    });
    let state = memo(move |_| watched.view.with(|view| (view.state.clone(), view.request.state.awaits_review())));
    let busy: Signal<bool> = act.pending().into();
    let second = derived(move || wanted.get().demand(watched).second_factor);
    let body = part(move || {
        let (state, review) = state.get();
        match state.as_str() {
            "waiting" | "approved" if mine => {
                view! { <Own watched press busy approved={state == "approved"}/> }.into_any()
            }
            "waiting" | "approved" => {
                view! { <Others watched press busy comment approved={state == "approved"}/> }.into_any()
            }
            "counting" if mine => view! { <Ways watched press busy doing=Doing::TakeBack/> }.into_any(),
            "used" if review => view! { <Review watched press busy comment/> }.into_any(),
            _ => view! { <p class="muted">{word!(i18n, team.decision_none)}</p> }.into_any(),
        }
    });
    view! {
        <Card title=text!(i18n, team.decision)>
            <div class="stack">
                {body}
                <Refusal problem/>
            </div>
        </Card>
        <SignInAgain open=asking second then=Callback::new(move |()| drop(act.dispatch(wanted.get_untracked())))/>
    }
    .into_any()
}

/// Whether the person has to show first who they are.
fn too_old(doing: Doing, session: Option<Session>, watched: Watched) -> bool {
    let shown = session.map(|session| session.0.with_untracked(|me| me.shown));
    let demand = untrack(|| doing.demand(watched));
    doing.wants_fresh() && shown.is_some_and(|shown| demand.unmet(shown).is_some())
}

/// Goes to the operation that an answer began, and asks for a sign-in that is too old; the signal is every other refusal.
pub(super) fn went_on(answer: Signal<Option<Begun>>, asking: RwSignal<bool>) -> Signal<Option<Problem>> {
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(Ok(Some(id))) = answer.get() {
            navigate(&format!("/operations/{id}"), NavigateOptions::default());
        }
    });
    asks_when_old(refusal_in(answer), asking)
}

async fn carry_out(doing: Doing, watched: Watched, comment: String) -> Begun {
    let id = watched.id;
    match doing {
        Doing::Approve => api::approve(id, comment).await?,
        Doing::Reject => api::reject(id, comment).await?,
        Doing::TakeBack => api::take_back(id).await?,
        Doing::Run => return api::run_approved(id).await.map(Some),
        Doing::BreakGlass => api::break_glass(id).await?,
        Doing::Review => api::review(id, comment).await?,
    }
    Ok(None)
}

/// One button with its word and, where it cannot be pressed, its reason.
#[component]
fn Ways(
    watched: Watched,
    press: Callback<Doing>,
    busy: Signal<bool>,
    doing: Doing,
    #[prop(into, optional)] missing: Signal<Option<String>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let reason = derived(move || {
        let problem = watched.view.with(|view| doing.hindered_by(&view.may));
        problem.map(|one| words.problem(&one)).or_else(|| missing.get())
    });
    let (kind, word) = match doing {
        Doing::Approve => (ButtonKind::Primary, text!(i18n, team.approve)),
        Doing::Reject => (ButtonKind::Danger, text!(i18n, team.reject)),
        Doing::TakeBack => (ButtonKind::Plain, text!(i18n, team.take_back)),
        Doing::Run => (ButtonKind::Primary, text!(i18n, team.run_now)),
        Doing::BreakGlass => (ButtonKind::Danger, text!(i18n, team.break_glass)),
        Doing::Review => (ButtonKind::Primary, text!(i18n, team.review)),
    };
    view! {
        <Button kind busy disabled_reason=reason show_reason=true on_press=Callback::new(move |()| press.run(doing))>{part(move || word.get())}</Button>
    }
    .into_any()
}

/// For the person who asked.
#[component]
fn Own(watched: Watched, press: Callback<Doing>, busy: Signal<bool>, approved: bool) -> impl IntoView {
    let i18n = use_i18n();
    let glass = move || {
        view! {
            <details class="glass">
                <summary>{word!(i18n, team.nobody_awake)}</summary>
                <div class="stack">
                    <p>{word!(i18n, team.glass_text, seconds = COUNTDOWN_S)}</p>
                    <Ways watched press busy doing=Doing::BreakGlass/>
                </div>
            </details>
        }
    };
    if approved {
        return view! {
            <p>{word!(i18n, team.own_approved)}</p>
            <div class="row">
                <Ways watched press busy doing=Doing::Run/>
                <Ways watched press busy doing=Doing::TakeBack/>
            </div>
        }
        .into_any();
    }
    let has_plan = watched.view.with_untracked(|view| view.request.subject.plan().is_some());
    view! {
        <p>{word!(i18n, team.own_waiting)}</p>
        <div class="row"><Ways watched press busy doing=Doing::TakeBack/></div>
        {has_plan.then(glass)}
    }
    .into_any()
}

/// For everybody else.
#[component]
fn Others(
    watched: Watched,
    press: Callback<Doing>,
    busy: Signal<bool>,
    comment: RwSignal<String>,
    approved: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    let missing = no_comment(comment);
    let digest = watched.view.with_untracked(|view| view.request.subject.seen().digest.short());
    let approve = (!approved).then(|| view! { <Ways watched press busy doing=Doing::Approve/> });
    let intro = if approved { text!(i18n, team.others_approved) } else { text!(i18n, team.others_waiting) };
    view! {
        <p>{part(move || intro.get())}</p>
        <p class="code code-plain mono small">{digest}</p>
        <Area label=text!(i18n, team.comment) value=comment hint=derived(move || Some(said!(i18n, team.comment_hint).to_owned()))/>
        <div class="row">
            {approve}
            <Ways watched press busy doing=Doing::Reject missing/>
        </div>
        <p class="muted small">{word!(i18n, team.approve_note)}</p>
    }
    .into_any()
}

/// After somebody ran it alone.
#[component]
fn Review(watched: Watched, press: Callback<Doing>, busy: Signal<bool>, comment: RwSignal<String>) -> impl IntoView {
    let i18n = use_i18n();
    let missing = no_comment(comment);
    view! {
        <Message tone=Tone::Look><p>{word!(i18n, team.review_text)}</p></Message>
        <Area label=text!(i18n, team.comment) value=comment/>
        <div class="row"><Ways watched press busy doing=Doing::Review missing/></div>
    }
    .into_any()
}

fn no_comment(comment: RwSignal<String>) -> Signal<Option<String>> {
    let i18n = use_i18n();
    derived(move || comment.with(|text| text.trim().is_empty()).then(|| said!(i18n, team.comment_missing).to_owned()))
}
