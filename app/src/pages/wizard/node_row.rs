//! One machine: what is known of it, and the next thing that a person has to do before the console can log in.

use super::context::Wizard;
use super::host_key::{ChangedKey, ConfirmKey};
use super::key_way::{KeyWays, Sudoers, TryAgain};
use crate::api::{self, ApiError};
use crate::components::{Badge, Button, ButtonKind, Dialog, Notice, Refusal, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::Timestamp;
use model::can::Deed;
use model::host_key::HostKey;
use model::ids::NodeId;
use model::inventory::{ClusterPhase, LogIn, Node, Purpose};
use model::problem::{Problem, ProblemCode};
use model::topology::Contact;

#[component]
pub fn NodeRow(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let node = memo(move |_| wizard.node(id));
    let face = memo(move |_| {
        let lost = wizard.live.believed.with(|one| {
            one.nodes.iter().find(|state| state.id == Some(id)).and_then(|state| match &state.contact {
                Contact::Lost { since, problem } => Some((*since, problem.clone())),
                Contact::Untried | Contact::Connected { .. } => None,
            })
        });
        node.with(|node| node.as_ref().map(|node| Face::of(node, lost)))
    });
    let label = move || node.with(|node| node.as_ref().map(|node| node.label().to_owned()).unwrap_or_default());
    let at = part(move || node.with(|node| node.as_ref().map(address).unwrap_or_default()));
    let via = memo(move |_| node.with(|node| node.as_ref()?.via).map(|id| wizard.label(id)));
    let word = derived(move || words.plain("log_in", face.get().map_or("fails", |face| face.word())));
    let tone = derived(move || face.get().map_or(Tone::Unknown, |face| face.tone()));
    let phase = memo(move |_| wizard.view.with(|view| view.view.cluster.phase));
    // An import stands on its one machine, which is given up with it; the order means nothing there.
    let asked = memo(move |_| phase.get() == ClusterPhase::Importing && wizard.nodes(Purpose::Member).len() == 1);
    let first = move || {
        let first = wizard.nodes(Purpose::Member).first().is_some_and(|node| node.id == id);
        first && phase.get() != ClusterPhase::Live && !asked.get()
    };
    let work = part(move || {
        face.get().map(|face| match face {
            Face::Confirm(Some(offered)) => view! { <ConfirmKey id offered/> }.into_any(),
            Face::Confirm(None) => {
                view! { <div class="wizard-node-work"><p>{word!(i18n, wizard.no_key_seen)}</p><TryAgain id/></div> }
                    .into_any()
            }
            Face::Changed { pinned, offered } => view! { <ChangedKey id pinned offered/> }.into_any(),
            Face::NeedsKey => view! { <KeyWays id/> }.into_any(),
            Face::Fails(problem) => view! { <Fails id problem/> }.into_any(),
            Face::Works => ().into_any(),
        })
    });
    view! {
        <li class="wizard-node" aria-label=label>
            <div class="row">
                <span class="strong">{label}</span>
                <code class="muted">{at}</code>
                {part(move || via.get().map(|jump| view! { <span class="muted small">{text!(i18n, wizard.jump_by, jump = jump.clone())}</span> }))}
                <Badge tone word/>
                <Show when=first><span class="muted small">{word!(i18n, wizard.first_node_mark)}</span></Show>
                <Show when=move || !asked.get()><span class="wizard-node-end"><Remove id/></span></Show>
            </div>
            {work}
        </li>
    }
}

/// `root@10.0.1.11`, with the port where it is not 22.
fn address(node: &Node) -> String {
    let at = &node.address;
    if at.port == 22 { format!("{}@{}", at.user, at.host) } else { format!("{}@{}:{}", at.user, at.host, at.port) }
}

/// What of a machine decides which controls stand in its row; times are left out, so that nothing typed is lost to them.
#[derive(Debug, Clone, PartialEq)]
enum Face {
    Confirm(Option<HostKey>),
    Changed { pinned: Option<HostKey>, offered: HostKey },
    NeedsKey,
    Works,
    Fails(Problem),
}

impl Face {
    /// `lost` is since when, and why, the console does not hear the machine any more.
    fn of(node: &Node, lost: Option<(Timestamp, Problem)>) -> Self {
        match &node.log_in {
            LogIn::KeyUnconfirmed => Self::Confirm(node.offered.clone()),
            LogIn::KeyChanged { offered } => {
                Self::Changed { pinned: node.pin.as_ref().map(|pin| pin.key.clone()), offered: offered.clone() }
            }
            LogIn::NeedsKey => Self::NeedsKey,
            // What worked once does not count when the console has lost the machine since.
            LogIn::Works { at } => match lost {
                Some((since, problem)) if since > *at => Self::Fails(problem),
                _ => Self::Works,
            },
            LogIn::Fails { problem, .. } => Self::Fails(problem.clone()),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Confirm(_) => "key_unconfirmed",
            Self::Changed { .. } => "key_changed",
            Self::NeedsKey => "needs_key",
            Self::Works => "works",
            Self::Fails(_) => "fails",
        }
    }

    const fn tone(&self) -> Tone {
        match self {
            Self::Confirm(_) | Self::NeedsKey => Tone::Look,
            Self::Changed { .. } | Self::Fails(_) => Tone::Bad,
            Self::Works => Tone::Good,
        }
    }
}

#[component]
fn Fails(id: NodeId, problem: Problem) -> impl IntoView {
    let wizard = Wizard::here();
    let user = memo(move |_| wizard.node(id).map(|node| node.address.user).unwrap_or_default());
    let refused = matches!(problem.code, ProblemCode::KeyRefused | ProblemCode::PasswordRefused);
    let not_root = problem.code == ProblemCode::NotRoot;
    let more = if refused {
        view! { <KeyWays id/> }.into_any()
    } else {
        view! {
            {not_root.then(|| view! { <Sudoers user/> })}
            <TryAgain id/>
        }
        .into_any()
    };
    view! { <div class="wizard-node-work"><Notice problem/>{more}</div> }
}

/// Takes a machine out of the draft, after a question.
#[component]
fn Remove(id: NodeId) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let open = RwSignal::new(false);
    let label = memo(move |_| wizard.label(id));
    // With the machine goes the pin that its key does not fit: that is replacing it.
    let changed = memo(move |_| wizard.node(id).is_some_and(|node| matches!(node.log_in, LogIn::KeyChanged { .. })));
    let (may_remove, may_replace) = (wizard.refusal(Deed::AddNode), wizard.refusal(Deed::ReplaceChangedKey));
    let refusal = derived(move || if changed.get() { may_replace.get() } else { may_remove.get() });
    let remove = Action::new(move |(): &()| async move {
        let answer = api::forget_node(id).await;
        if answer.is_ok() {
            open.set(false);
            wizard.refresh();
        }
        answer.err().map(|ApiError(problem)| problem)
    });
    // With the machine goes its BMC, where it has one.
    let asking = RwSignal::new(false);
    let refused = asks_when_old(derived(move || remove.value().get().flatten()), asking);
    let go = Callback::new(move |()| drop(remove.dispatch(())));
    view! {
        <Button kind=ButtonKind::Quiet disabled_reason=refusal on_press=Callback::new(move |()| open.set(true))>
            {word!(i18n, wizard.remove)}<span class="visually-hidden">" "{label}</span>
        </Button>
        <Dialog open title=text!(i18n, wizard.remove_question, node = label.get())>
            <p>{word!(i18n, wizard.remove_text)}</p>
            <Refusal problem=refused/>
            <div class="dialog-end">
                <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                <Button kind=ButtonKind::Danger busy=remove.pending() on_press=go>
                    {text!(i18n, wizard.remove_yes, node = label.get())}
                </Button>
            </div>
        </Dialog>
        <SignInAgain open=asking second=true then=go/>
    }
}
