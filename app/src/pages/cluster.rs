//! One cluster, live: the answers first, then the drawing, then the facts.

mod agreement;
mod belongings;
mod demo;
mod details;
mod drawing;
mod gap;
mod geometry;
mod happened;
mod links_table;
pub mod looks;
mod quorum;
mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod topology;
mod wires;

use crate::api::ClusterView;
use crate::components::{Age, Badge, Card, Empty, LiveRegion, PageTitle, Tone};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::{Loaded, cluster_in_address};
use crate::reactive::{derived, memo, part};
use crate::state::live::{LiveCluster, follow};
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use model::inventory::ClusterPhase;
use model::observation::Freshness;
use model::topology::{Agreement, Snapshot, Standing};

/// What is selected in the drawing or in the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    Node(String),
    Qdevice,
}

/// The selection and what stands for it while nobody has chosen anything.
#[derive(Clone, Copy)]
pub struct Selection {
    chosen: RwSignal<Option<Selected>>,
    pub now: Memo<Option<Selected>>,
}

impl Selection {
    fn new(live: LiveCluster) -> Self {
        let chosen = RwSignal::new(None);
        let now = memo(move |_| chosen.get().or_else(|| live.believed.with(first_of_interest)));
        Self { chosen, now }
    }

    pub fn choose(self, what: Selected) {
        self.chosen.set(Some(what));
    }
}

/// The first node that is not well, else the first one.
fn first_of_interest(snapshot: &Snapshot) -> Option<Selected> {
    let sick = snapshot.nodes.iter().find(|node| looks::of_node(node) != Tone::Good);
    sick.or_else(|| snapshot.nodes.first()).map(|node| Selected::Node(node.name.clone()))
}

#[component]
pub fn ClusterPage() -> impl IntoView {
    let cluster = cluster_in_address();
    view! { <Loaded resource=cluster view=|view| view! { <Watched view/> }/> }.into_any()
}

#[component]
fn Watched(view: ClusterView) -> impl IntoView {
    let i18n = use_i18n();
    let live = follow(&view);
    let name = view.cluster.name.to_string();
    Around::is_about(&name, live);
    Around::is_called(String::new);
    let draft = view.cluster.phase != ClusterPhase::Live;
    let step = if view.cluster.phase == ClusterPhase::Importing { "import" } else { "build" };
    let build = format!("/clusters/{}/{step}", view.cluster.id);
    let power = format!("/clusters/{}/power", view.cluster.id);
    let actions = view! {
        {(!draft).then(|| view! { <a class="button" href=power>{word!(i18n, pages.go_power)}</a> })}
        <a class="button" class:button-primary=draft href=build.clone()>{word!(i18n, pages.go_build)}</a>
    }
    .into_any();
    view! {
        <PageTitle text=name badges=view! { <Badges live draft/> }.into_any() actions/>
        <div class="stack">
            {draft.then(|| view! { <NotBuilt to=build/> })}
            <belongings::Waiting view=view.clone()/>
            <gap::Gap cluster=view.cluster.id first=view.gap.clone()/>
            <Announcer live/>
            {(!draft).then(|| view! { <Built live/> })}
            <belongings::WayOut view/>
        </div>
    }
    .into_any()
}

#[component]
fn Built(live: LiveCluster) -> impl IntoView {
    let selection = Selection::new(live);
    let demo = use_session().is_some_and(|session| session.demo());
    view! {
        <summary::Summary live/>
        <agreement::AgreementPanel live/>
        <quorum::Quorum live/>
        <div class="split split-cluster">
            <topology::Topology live selection/>
            <div class="stack">
                <details::Details live selection/>
                <happened::Happened live/>
            </div>
            {demo.then(|| view! { <demo::DemoPanel live/> })}
        </div>
    }
    .into_any()
}

#[component]
fn Badges(live: LiveCluster, draft: bool) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    if draft {
        return view! { <Badge tone=Tone::Plain word=text!(i18n, pages.draft)/> }.into_any();
    }
    let health = memo(move |_| live.believed.with(|one| one.health));
    let standing = memo(move |_| live.believed.with(Snapshot::standing));
    let quorate_tone = memo(move |_| live.believed.with(looks::of_standing));
    let told_at = memo(move |_| {
        live.believed.with(|one| {
            let aged = one.quorum.as_ref().filter(|aged| aged.freshness == Freshness::Stale);
            aged.map(|aged| aged.fact.at)
        })
    });
    let quorate_word = derived(move || match standing.get() {
        Standing::Quorate => said!(i18n, pages.quorate).to_owned(),
        Standing::NotQuorate => said!(i18n, pages.not_quorate).to_owned(),
        Standing::Unknown => said!(i18n, pages.quorate_unknown).to_owned(),
        Standing::Disputed { views, quorate } => {
            said!(i18n, pages.quorate_disputed, quorate = quorate, views = views).to_string()
        }
    });
    view! {
        <Badge tone=quorate_tone word=quorate_word/>
        <Badge tone=derived(move || Tone::from(health.get())) word=derived(move || words.plain("health", health.get().word()))/>
        {part(move || told_at.get().map(|at| view! { <Age at/> }))}
    }
    .into_any()
}

/// Whether some partition is quorate, though others may contradict it; `None` when nobody who is believed says anything.
fn quorate(snapshot: &Snapshot) -> Option<bool> {
    match &snapshot.agreement {
        Agreement::Unknown => None,
        Agreement::Agreed { partition } => Some(partition.quorate),
        Agreement::Partitioned { partitions } => Some(partitions.iter().any(|one| one.quorate)),
    }
}

#[component]
fn NotBuilt(to: String) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Card>
            <Empty title=text!(i18n, pages.not_built)>
                <p>{word!(i18n, pages.not_built_text)}</p>
                <a class="button button-primary" href=to>{word!(i18n, pages.go_build)}</a>
            </Empty>
        </Card>
    }
    .into_any()
}

/// Says the newest change aloud, once.
#[component]
fn Announcer(live: LiveCluster) -> impl IntoView {
    let words = use_words();
    let seen = live.snapshot.with_untracked(|one| one.happened.first().map(|event| event.at));
    let text = derived(move || {
        live.snapshot.with(|one| {
            let newest = one.happened.first().filter(|event| Some(event.at) != seen);
            newest.map(|event| words.say("happening", event.code.as_str(), &event.params)).unwrap_or_default()
        })
    });
    view! { <LiveRegion text/> }.into_any()
}
