//! Step 2: which addresses corosync uses, and which link it prefers.

use super::context::Wizard;
use super::foot::Foot;
use super::link_choice::{Addresses, LinkForm};
use super::link_draft;
use super::link_picture::LinkPicture;
use super::measured::{Measured, Seen};
use super::steps::{NotYet, blocked};
use crate::api::{self, ApiError, NetworkView};
use crate::components::{Button, ButtonKind, Card, Message, Refusal, Tone};
use crate::i18n::*;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo, part};
use leptos::prelude::*;
use model::can::Deed;
use model::ids::NodeId;
use model::inventory::Purpose;
use model::links::{Difference, LINKS_MAX, SharedCard, differences, shared_cards};
use model::problem::{Problem, ProblemCode};
use model::wizard::WizardStep;

const STEP: WizardStep = WizardStep::Network;

#[component]
pub fn Network() -> impl IntoView {
    let wizard = Wizard::here();
    let live = memo(move |_| wizard.is_live());
    let newcomers = memo(move |_| !wizard.joiners().is_empty());
    let problem = memo(move |_| blocked(wizard, STEP));
    let content = part(move || match (live.get(), problem.get()) {
        (true, _) if newcomers.get() => view! { <Reading/> }.into_any(),
        (true, _) => view! { <Fixed/> }.into_any(),
        (false, Some(problem)) => view! { <NotYet problem/> }.into_any(),
        (false, None) => view! { <Reading/> }.into_any(),
    });
    view! {
        {content}
        <Foot step=STEP/>
    }
}

/// The links of a cluster that exists: changed in corosync.conf, not in a draft.
#[component]
fn Fixed() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let links = derived(move || wizard.view.with(|view| view.draft.links.clone()));
    let nodes = members(wizard);
    let seen = Seen::here();
    view! {
        <Card title=text!(i18n, wizard.links)>
            <Message tone=Tone::Act><p>{word!(i18n, wizard.links_fixed)}</p></Message>
            <LinkPicture links nodes seen/>
        </Card>
        <Measured links seen/>
    }
}

#[component]
fn Reading() -> impl IntoView {
    let wizard = Wizard::here();
    let read = api::reading(|| (), move |()| api::network(wizard.id));
    // Looked at once per reading: a form is not thrown away because the page heard news meanwhile.
    let live = move || untrack(move || wizard.is_live());
    let choose = move |network: NetworkView| match (network.fixed.is_empty(), live()) {
        (false, _) => view! { <Extend network/> }.into_any(),
        // Nobody has read corosync.conf yet.
        (true, true) => view! { <Fixed/> }.into_any(),
        (true, false) => view! { <Choose network/> }.into_any(),
    };
    view! { <Loaded resource=read view=choose/> }
}

/// Nodes that join a cluster that is there: its links stay, their addresses are chosen.
#[component]
fn Extend(network: NetworkView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let NetworkView { nodes, proposal, fixed, .. } = network;
    let form = LinkForm {
        links: RwSignal::new(proposal),
        base: RwSignal::new(wizard.view.with_untracked(|view| view.draft.revision)),
        nodes: StoredValue::new(nodes),
        candidates: StoredValue::new(Vec::new()),
        fixed: StoredValue::new(fixed),
    };
    let seen = Seen::here();
    view! {
        <Card title=text!(i18n, wizard.links_join)>
            <div class="stack">
                <p>{word!(i18n, wizard.links_join_text)}</p>
                <Addresses form/>
                <OneCard form/>
                <Save form/>
            </div>
        </Card>
        <Card title=text!(i18n, wizard.links_picture)><LinkPicture links=form.links nodes=members(wizard) seen/></Card>
        <Measured links=form.links faulty=faulty(form) seen/>
    }
}

/// Ids and names of all nodes of the cluster to be.
fn members(wizard: Wizard) -> Signal<Vec<(NodeId, String)>> {
    derived(move || wizard.nodes(Purpose::Member).into_iter().map(|node| (node.id, node.label().to_owned())).collect())
}

#[component]
fn Choose(network: NetworkView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let NetworkView { nodes, candidates, proposal, .. } = network;
    let saved = wizard.view.with_untracked(|view| view.draft.links.clone());
    let form = LinkForm {
        links: RwSignal::new(if saved.is_empty() { proposal } else { saved }),
        base: RwSignal::new(wizard.view.with_untracked(|view| view.draft.revision)),
        nodes: StoredValue::new(nodes),
        candidates: StoredValue::new(candidates),
        fixed: StoredValue::new(Vec::new()),
    };
    let count = move || form.links.with(Vec::len);
    let several = move || count() > 1;
    let set = move |count: usize| {
        form.candidates.with_value(|known| form.links.update(|links| link_draft::resize(links, count, known)))
    };
    let choice = move |one: bool, word: Signal<String>| {
        let on = move || (count() == 1) == one && count() > 0;
        view! {
            <button type="button" class="tab" aria-pressed=move || on().to_string() on:click=move |_| set(if one { 1 } else { count().max(2) })>
                {word}
            </button>
        }
    };
    let refusal = wizard.refusal(Deed::EditDraft);
    let more = derived(move || {
        refusal.get().or_else(|| (count() >= LINKS_MAX).then(|| said!(i18n, wizard.links_most).to_owned()))
    });
    let (nodes, seen) = (members(wizard), Seen::here());
    view! {
        <Card title=text!(i18n, wizard.links)>
            <div class="stack">
                <p>{word!(i18n, wizard.links_text)}</p>
                <div class="row">
                    <span class="tabs" role="group" aria-label=text!(i18n, wizard.links_how_many)>
                        {choice(true, text!(i18n, wizard.links_one))}
                        {choice(false, text!(i18n, wizard.links_several))}
                    </span>
                    <Button disabled_reason=more on_press=Callback::new(move |()| set(count() + 1))>{word!(i18n, wizard.link_add)}</Button>
                </div>
                <Show when=move || count() == 1><Message tone=Tone::Look><p>{word!(i18n, wizard.links_one_text)}</p></Message></Show>
                <Addresses form/>
                <OneCard form/>
                <Show when=several><p class="muted">{word!(i18n, wizard.priority_text)}</p></Show>
                <Save form/>
            </div>
        </Card>
        <Card title=text!(i18n, wizard.links_picture)><LinkPicture links=form.links nodes seen/></Card>
        <Measured links=form.links faulty=faulty(form) seen/>
    }
}

fn faulty(form: LinkForm) -> Signal<bool> {
    derived(move || !form.faults().is_empty())
}

/// Links that go through the same card on some node, which is one link in truth.
#[component]
fn OneCard(form: LinkForm) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let found = memo(move |_| form.nodes.with_value(|nodes| form.links.with(|links| shared_cards(links, nodes))));
    let sentence = move |one: SharedCard| {
        let SharedCard { node, links: (first, second), interfaces: (own, other), card } = one;
        let node = wizard.label(node);
        let said = said!(
            i18n,
            wizard.cards_shared,
            first = first,
            second = second,
            node = node,
            card = card,
            own = own,
            other = other
        );
        view! { <li>{said.to_string()}</li> }
    };
    view! {
        <Show when=move || !found.with(Vec::is_empty)>
            <Message tone=Tone::Look>
                <p>{word!(i18n, wizard.cards_shared_text)}</p>
                <ul>{part(move || found.get().into_iter().map(sentence).collect_view())}</ul>
            </Message>
        </Show>
    }
}

/// Saves the choice; where somebody else was faster, nothing is lost and nothing overwritten.
#[component]
fn Save(form: LinkForm) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let save = Action::new(move |(): &()| async move {
        let answer = api::choose_links(wizard.id, form.links.get_untracked(), form.base.get_untracked()).await;
        let problem = match answer {
            Ok(draft) => {
                form.base.set(draft.revision);
                wizard.view.update(|view| view.draft = draft);
                None
            }
            Err(ApiError(problem)) => Some(problem),
        };
        wizard.refresh();
        problem
    });
    let problem = derived(move || save.value().get().flatten());
    let conflict = memo(move |_| problem.with(|one| one.as_ref().is_some_and(is_conflict)));
    let other = derived(move || problem.get().filter(|one| !is_conflict(one)));
    let refusal = wizard.refusal(Deed::EditDraft);
    let wrong = move || (!form.faults().is_empty()).then(|| said!(i18n, wizard.links_faulty).to_owned());
    let reason = derived(move || refusal.get().or_else(wrong));
    let kept =
        memo(move |_| form.links.with(|mine| wizard.view.with(|view| !mine.is_empty() && view.draft.links == *mine)));
    let mine = Callback::new(move |()| {
        form.base.set(wizard.view.with_untracked(|view| view.draft.revision));
        save.dispatch(());
    });
    let theirs = Callback::new(move |()| {
        let draft = wizard.view.with_untracked(|view| view.draft.clone());
        form.base.set(draft.revision);
        form.links.set(draft.links);
        save.value().set(None);
    });
    view! {
        <Refusal problem=other/>
        <Show when=move || conflict.get()>
            <Message tone=Tone::Look>
                <p role="alert">{word!(i18n, wizard.conflict)}</p>
                <Apart form/>
                <div class="row">
                    <Button on_press=theirs>{word!(i18n, wizard.conflict_theirs)}</Button>
                    <Button on_press=mine>{word!(i18n, wizard.conflict_mine)}</Button>
                </div>
            </Message>
        </Show>
        <div class="row">
            <Button kind=ButtonKind::Primary busy=save.pending() disabled_reason=reason on_press=Callback::new(move |()| drop(save.dispatch(())))>
                {word!(i18n, wizard.links_save)}
            </Button>
            <span role="status" class="text-good">{part(move || kept.get().then(|| format!("✓ {}", said!(i18n, wizard.links_saved))))}</span>
        </div>
    }
}

/// Who was faster, and where the two choices differ.
#[component]
fn Apart(form: LinkForm) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let by = part(move || {
        let by = wizard.view.with(|view| view.draft.touched_by.clone());
        by.map(|by| said!(i18n, wizard.conflict_by, by = by).to_string())
    });
    let apart = memo(move |_| form.links.with(|mine| wizard.view.with(|view| differences(mine, &view.draft.links))));
    let line = move |one: Difference| {
        let nothing = || said!(i18n, wizard.conflict_nothing).to_owned();
        let node = one.node.map_or_else(|| said!(i18n, wizard.conflict_priority).to_owned(), |id| wizard.label(id));
        let (link, mine, theirs) = (one.link, one.mine.unwrap_or_else(nothing), one.theirs.unwrap_or_else(nothing));
        let said = said!(i18n, wizard.conflict_line, link = link, node = node, mine = mine, theirs = theirs);
        view! { <li>{said.to_string()}</li> }
    };
    view! {
        <p>{by}</p>
        <ul>{part(move || apart.get().into_iter().map(line).collect_view())}</ul>
    }
}

fn is_conflict(problem: &Problem) -> bool {
    problem.code == ProblemCode::WorldChanged
}
