//! Taking over a cluster that exists already: an address, a fingerprint, a password once; then its members, each confirmed.

mod facts;
mod members;
mod seen;

pub use seen::SeenByMember;

use crate::api::{self, ApiError, ImportDone, WizardView};
use crate::components::{Badge, Button, ButtonKind, Card, Dialog, Message, Notice, PageTitle, Refusal, Spinner, Tone};
use crate::i18n::*;
use crate::pages::forget::forgetting;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, wizard_in_address};
use crate::pages::sign_in_again::SignInAgain;
use crate::pages::wizard::add_node::{AddressForm, Typed};
use crate::pages::wizard::context::Wizard;
use crate::pages::wizard::jump_hosts::JumpHosts;
use crate::pages::wizard::node_row::NodeRow;
use crate::reactive::{derived, memo, part};
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::import::Discovery;
use model::inventory::{ClusterPhase, LogIn, Purpose};
use model::problem::{Problem, ProblemCode};

/// `/import`
#[component]
pub fn ImportPage() -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let navigate = use_navigate();
    Around::is_called(move || said!(i18n, import.title).to_owned());
    let host = RwSignal::new(String::new());
    let begin = Action::new(move |typed: &Typed| {
        let new = typed.as_new(false);
        let navigate = navigate.clone();
        async move {
            match api::import_begin(new).await {
                Ok(begun) => {
                    navigate(&format!("/clusters/{}/import", begun.cluster), NavigateOptions::default());
                    None
                }
                Err(ApiError(problem)) => Some(problem),
            }
        }
    });
    let refusal = derived(move || {
        session.and_then(|one| one.refusal(Deed::AddCluster, None)).map(|problem| words.problem(&problem))
    });
    let problem = derived(move || begin.value().get().flatten());
    view! {
        <PageTitle text=text!(i18n, import.title)/>
        <Card title=text!(i18n, import.begin)>
            <div class="stack">
                <p>{word!(i18n, import.begin_text)}</p>
                <AddressForm
                    host
                    kind=ButtonKind::Primary
                    button=text!(i18n, import.begin_button)
                    refusal
                    busy=begin.pending()
                    on_submit=Callback::new(move |typed: Typed| drop(begin.dispatch(typed)))
                />
                <Refusal problem/>
                <KnownCluster problem/>
            </div>
        </Card>
    }
    .into_any()
}

/// The way to the cluster that is here already.
#[component]
fn KnownCluster(problem: Signal<Option<Problem>>) -> impl IntoView {
    let i18n = use_i18n();
    part(move || {
        let known = problem.get().filter(|one| one.code == ProblemCode::ClusterKnown)?;
        let (id, name) = (known.params.get("cluster")?.clone(), known.params.get("name")?.clone());
        Some(view! { <a href=format!("/clusters/{id}")>{text!(i18n, import.open_known, name = name.clone())}</a> })
    })
}

/// `/clusters/:id/import`
#[component]
pub fn ImportClusterPage() -> impl IntoView {
    let first = wizard_in_address();
    view! { <Loaded resource=first view=|view| view! { <Inside view/> }/> }.into_any()
}

#[component]
fn Inside(view: WizardView) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::open(view);
    Around::is_called(move || said!(i18n, import.title).to_owned());
    let taken = memo(move |_| wizard.is_live());
    // Before the cluster has told its own name there is nothing to be called by, and nothing to look at.
    let known = memo(move |_| taken.get().then(|| wizard.view.with(|view| view.view.cluster.name.to_string())));
    Around::is_about_a(move || known.get(), wizard.live);
    let title = derived(move || match known.get() {
        Some(name) => said!(i18n, import.title_of, name = name).to_string(),
        None => said!(i18n, import.title).to_owned(),
    });
    let done = RwSignal::new(None::<ImportDone>);
    let ids = memo(move |_| wizard.nodes(Purpose::Member).iter().map(|node| node.id).collect::<Vec<_>>());
    let heading = derived(move || {
        if taken.get() { said!(i18n, import.members).to_owned() } else { said!(i18n, import.first).to_owned() }
    });
    let to_cluster = format!("/clusters/{}", wizard.id);
    view! {
        <PageTitle
            text=title
            badges=view! { <Show when=move || taken.get()><Progress/></Show> }.into_any()
            actions=view! { <Show when=move || taken.get()><a class="button button-primary" href=to_cluster.clone()>{word!(i18n, import.to_cluster)}</a></Show> }.into_any()
        />
        <div class="stack wizard">
            <Outcome done/>
            <JumpHosts/>
            <Card title=heading>
                <ul class="wizard-nodes">
                    <For each=move || ids.get() key=|id| *id children=move |id| view! { <NodeRow id/> }/>
                </ul>
            </Card>
            <Discovered done/>
            <Show when=move || !taken.get()><GiveUp/></Show>
        </div>
    }
    .into_any()
}

/// How many members the console can log in to.
#[component]
fn Progress() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let count = memo(move |_| {
        let nodes = wizard.nodes(Purpose::Member);
        let works = nodes.iter().filter(|node| matches!(node.log_in, LogIn::Works { .. })).count();
        (works, nodes.len())
    });
    let tone = derived(move || count.with(|(works, of)| if works == of { Tone::Good } else { Tone::Look }));
    let word = derived(move || {
        let (works, of) = count.get();
        said!(i18n, import.progress, works = works, of = of).to_string()
    });
    view! { <Badge tone word/> }
}

/// What the import could not do as it was meant.
#[component]
fn Outcome(done: RwSignal<Option<ImportDone>>) -> impl IntoView {
    let i18n = use_i18n();
    part(move || {
        done.get().map(|done| {
            let name = done.name.clone();
            let taken = done.name_taken.then(|| {
                view! { <Message tone=Tone::Look><p>{text!(i18n, import.name_taken, name = name.clone())}</p></Message> }
            });
            let shared = match done.key_not_shared {
                None => view! { <Message tone=Tone::Good><p>{word!(i18n, import.key_shared)}</p></Message> }.into_any(),
                Some(problem) => view! {
                    <Message tone=Tone::Look><p>{word!(i18n, import.key_not_shared)}</p></Message>
                    <Notice problem tone=Tone::Look quiet=true/>
                }
                .into_any(),
            };
            view! { <div class="stack" role="status">{taken}{shared}</div> }
        })
    })
}

/// Asks the cluster through a node that lets the console in, and again when the list of machines has changed.
#[component]
fn Discovered(done: RwSignal<Option<ImportDone>>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let discover = Action::new(move |(): &()| async move { api::discover(wizard.id).await });
    let asked_by = memo(move |_| {
        let nodes = wizard.nodes(Purpose::Member);
        let open = nodes.iter().any(|node| matches!(node.log_in, LogIn::Works { .. }));
        (open, nodes.iter().map(|node| node.id).collect::<Vec<_>>())
    });
    Effect::new(move |_| {
        if asked_by.with(|(open, _)| *open) {
            discover.dispatch(());
        }
    });
    let again = Callback::new(move |()| drop(discover.dispatch(())));
    part(move || {
        if !asked_by.with(|(open, _)| *open) {
            return view! { <p class="muted">{word!(i18n, import.first_needed)}</p> }.into_any();
        }
        match discover.value().get() {
            None => view! { <Spinner word=text!(i18n, import.asking)/> }.into_any(),
            Some(Ok(discovery)) => view! { <Found discovery done again/> }.into_any(),
            Some(Err(ApiError(problem))) => view! { <Unasked problem again/> }.into_any(),
        }
    })
}

/// The node could not be asked, or is in no cluster: then the wizard is the way.
#[component]
fn Unasked(problem: Problem, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let alone = problem.code == ProblemCode::NotAMember;
    let build = format!("/clusters/{}/build", wizard.id);
    view! {
        <Card title=text!(i18n, import.found)>
            <div class="stack">
                <Notice problem/>
                <div class="row">
                    {alone.then(|| view! { <a class="button button-primary" href=build>{word!(i18n, import.build_instead)}</a> })}
                    <Button on_press=again>{word!(i18n, common.try_again)}</Button>
                </div>
            </div>
        </Card>
    }
}

#[component]
fn Found(discovery: Discovery, done: RwSignal<Option<ImportDone>>, again: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let offered: Vec<_> = discovery.found.iter().filter(|one| one.known.is_none()).cloned().collect();
    let qnetd = discovery.qdevice.as_ref().and_then(|device| device.host.clone());
    let members = view! { <members::Members offered done/> };
    view! {
        <Card title=text!(i18n, import.found)>
            <div class="stack">
                <facts::Facts discovery/>
                {members}
                <div class="row"><Button kind=ButtonKind::Quiet on_press=again>{word!(i18n, import.ask_again)}</Button></div>
            </div>
        </Card>
        {qnetd.map(|host| view! { <facts::QnetdHost host/> })}
    }
}

/// Forgets what was begun. Whoever may begin an import may give it up.
#[component]
fn GiveUp() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let open = RwSignal::new(false);
    let importing = memo(move |_| wizard.view.with(|view| view.view.cluster.phase == ClusterPhase::Importing));
    let refusal = wizard.refusal(Deed::AddCluster);
    let forget = forgetting(wizard.id);
    view! {
        <Show when=move || importing.get()>
            <Button kind=ButtonKind::Quiet disabled_reason=refusal on_press=Callback::new(move |()| open.set(true))>{word!(i18n, import.give_up)}</Button>
        </Show>
        <Dialog open title=text!(i18n, import.give_up_question)>
            <p>{word!(i18n, import.give_up_text)}</p>
            <Refusal problem=forget.refused/>
            <div class="dialog-end">
                <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                <Button kind=ButtonKind::Danger busy=forget.busy on_press=forget.press>{word!(i18n, import.give_up)}</Button>
            </div>
        </Dialog>
        <SignInAgain open=forget.asking second=true then=forget.press/>
    }
}
