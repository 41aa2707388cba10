//! From a cell that is not green to a proven remedy, and back again where somebody wants to.

use super::context::Wizard;
use super::progress::Progress;
use super::runner::Planning;
use crate::api::Wish;
use crate::components::{Button, Message, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::ids::{NodeId, OperationId};
use model::operation::{Operation, OperationState};
use model::plan::Intent;
use model::preflight::{Cell, CheckId};
use model::remedy::{RemedyKind, may_take_back};

/// The remedy, or the way back, whose plan is open.
pub type Opened = RwSignal<Option<Wish>>;

/// Beside the proof: what the console can mend here, and what of it can be taken back.
#[component]
pub fn Offer(cell: Cell, opened: Opened) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let refusal = wizard.refusal(Deed::ProposePlan);
    let (check, node) = (cell.check, cell.node);
    let mend = RemedyKind::of(&cell).map(|remedy| {
        let label = derived(move || words.plain("remedy", remedy.as_str()));
        let open = Callback::new(move |()| opened.set(Some(Wish::Remedy { node, remedy })));
        view! { <Button disabled_reason=refusal show_reason=true on_press=open>{part(move || label.get())}</Button> }
    });
    let newest = memo(move |_| wizard.live.operations.with(|all| to_take_back(all, check, node)));
    let back = part(move || {
        newest.get().map(|operation| {
            let open = Callback::new(move |()| opened.set(Some(Wish::TakeBack { operation })));
            view! {
                <p class="muted small">{word!(i18n, wizard.take_back_text)}</p>
                <Button disabled_reason=refusal show_reason=true on_press=open>{word!(i18n, wizard.take_back)}</Button>
            }
        })
    });
    view! { <div class="stack">{mend}{back}</div> }.into_any()
}

/// The newest remedy of one cell, while there is something of it to take back.
fn to_take_back(all: &[Operation], check: CheckId, node: NodeId) -> Option<OperationId> {
    let of_cell = |one: &&Operation| matches!(one.plan.intent, Intent::Remedy { node: of, remedy } if of == node && remedy.mends(check));
    all.iter().find(of_cell).filter(|one| may_take_back(one, all)).map(|one| one.id)
}

/// Below the matrix, where there is room for a plan: the remedy that was opened, or that somebody runs just now.
///
/// `again` runs the checks; that is done when a remedy that was started here has been proven.
#[component]
pub fn Mending(opened: Opened, again: Callback<()>) -> impl IntoView {
    let wizard = Wizard::here();
    Effect::new(move |_| {
        let running = wizard
            .live
            .operations
            .with(|all| all.iter().find(|one| one.state.holds_cluster()).and_then(|one| wish_of(&one.plan.intent)));
        if running.is_some() && opened.with_untracked(Option::is_none) {
            opened.set(running);
        }
    });
    part(move || opened.get().map(|wish| view! { <Mend wish again/> }))
}

fn wish_of(intent: &Intent) -> Option<Wish> {
    match intent {
        Intent::Remedy { node, remedy } => Some(Wish::Remedy { node: *node, remedy: *remedy }),
        Intent::TakeBack { operation } => Some(Wish::TakeBack { operation: *operation }),
        _ => None,
    }
}

#[component]
fn Mend(wish: Wish, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let started = RwSignal::new(None::<OperationId>);
    let watched = RwSignal::new(None::<OperationId>);
    let title = match wish {
        Wish::TakeBack { .. } => text!(i18n, wizard.take_back_run),
        _ => text!(i18n, wizard.remedy_title),
    };
    let label = match wish {
        Wish::TakeBack { .. } => text!(i18n, wizard.take_back_run),
        _ => text!(i18n, wizard.remedy_run),
    };
    let wanted = wish.clone();
    // What was seen at work stays on screen when it is over.
    Effect::new(move |_| {
        let running = wizard.live.operations.with(|all| {
            let own =
                |one: &&Operation| one.state.holds_cluster() && wish_of(&one.plan.intent).as_ref() == Some(&wanted);
            all.iter().find(own).map(|one| one.id)
        });
        if let Some(id) = running.or_else(|| started.get()) {
            watched.set(Some(id));
        }
    });
    let done = memo(move |_| {
        let id = started.get()?;
        wizard.live.operations.with(|all| {
            all.iter().find(|one| one.id == id).filter(|one| one.state == OperationState::Done).map(|one| one.id)
        })
    });
    Effect::new(move |before: Option<Option<OperationId>>| {
        let now = done.get();
        if now.is_some() && before.flatten() != now {
            again.run(());
        }
        now
    });
    let wish = Signal::stored(Some(wish));
    let why = Signal::stored(None);
    let on_started = Callback::new(move |id: OperationId| started.set(Some(id)));
    let content = part(move || {
        let running = watched
            .get()
            .and_then(|id| wizard.live.operations.with_untracked(|all| all.iter().find(|one| one.id == id).cloned()));
        match running {
            Some(operation) => {
                let anew = Callback::new(move |()| {
                    started.set(None);
                    watched.set(None);
                });
                view! { <Progress operation again=anew/> }.into_any()
            }
            None => view! { <Planning wish why label on_started at_once=true/> }.into_any(),
        }
    });
    view! {
        <section class="stack" aria-label=title>
            <Show when=move || done.get().is_some()>
                <Message tone=Tone::Good><p role="status">{word!(i18n, wizard.remedy_done)}</p></Message>
            </Show>
            {content}
        </section>
    }
    .into_any()
}
