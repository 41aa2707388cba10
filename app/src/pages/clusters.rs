//! All clusters: how each one is, and where its wizard stands.

use crate::api;
use crate::api::{ApiError, ClusterLine};
use crate::components::{
    Age, Badge, Button, ButtonKind, Card, Column, Dialog, Empty, Field, PageTitle, Refusal, Table, Tone,
};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::{derived, memo, part};
use crate::state::belief::health_now;
use crate::state::clock::use_clock;
use crate::state::session::use_session;
use crate::words::use_words;
use jiff::Timestamp;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::can::Deed;
use model::inventory::ClusterPhase;
use model::name::ClusterName;
use model::problem::Problem;
use model::topology::Health;

#[component]
pub fn ClustersPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(String::new);
    let clusters = api::reading(|| (), |()| api::clusters());
    let asking = RwSignal::new(false);
    view! {
        <PageTitle text=text!(i18n, pages.clusters) actions=view! { <ImportLink/><BuildButton asking/> }.into_any()/>
        <Loaded resource=clusters view=move |lines| view! { <List lines asking/> }/>
        <NewCluster open=asking/>
    }
    .into_any()
}

#[component]
fn BuildButton(asking: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let reason = derived(move || {
        session.and_then(|one| one.refusal(Deed::AddCluster, None)).map(|problem| words.problem(&problem))
    });
    view! {
        <Button disabled_reason=reason on_press=Callback::new(move |()| asking.set(true))>
            {word!(i18n, pages.build_cluster)}
        </Button>
    }
    .into_any()
}

/// Most people have a cluster already.
#[component]
fn ImportLink() -> impl IntoView {
    let i18n = use_i18n();
    view! { <a class="button button-primary" href="/import">{word!(i18n, import.import)}</a> }.into_any()
}

/// How often the list is read again while somebody looks at it.
#[cfg(not(feature = "ssr"))]
const REFRESH: std::time::Duration = std::time::Duration::from_secs(10);

/// The lines, read again every now and then. A list that cannot be read keeps its lines, and their ages go on growing.
fn refreshed(first: Vec<ClusterLine>) -> RwSignal<Vec<ClusterLine>> {
    let lines = RwSignal::new(first);
    #[cfg(not(feature = "ssr"))]
    Effect::new(move |_| {
        let read = move || {
            leptos::task::spawn_local(async move {
                if let Ok(new) = api::clusters().await {
                    // The page may have gone meanwhile.
                    let _ = lines.try_set(new);
                }
            });
        };
        if let Ok(handle) = set_interval_with_handle(read, REFRESH) {
            on_cleanup(move || handle.clear());
        }
    });
    lines
}

#[component]
fn List(lines: Vec<ClusterLine>, asking: RwSignal<bool>) -> impl IntoView {
    let lines = refreshed(lines);
    let none = memo(move |_| lines.with(Vec::is_empty));
    part(
        move || {
            if none.get() { view! { <NoClusters asking/> }.into_any() } else { view! { <Clusters lines/> }.into_any() }
        },
    )
}

#[component]
fn NoClusters(asking: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Card>
            <Empty title=text!(i18n, pages.clusters_empty)>
                <p>{word!(i18n, pages.clusters_empty_text)}</p>
                <div class="row"><ImportLink/><BuildButton asking/></div>
            </Empty>
        </Card>
    }
    .into_any()
}

#[component]
fn Clusters(lines: RwSignal<Vec<ClusterLine>>) -> impl IntoView {
    let i18n = use_i18n();
    let rows = part(move || lines.get().into_iter().map(|line| view! { <Line line/> }).collect_view());
    let columns = vec![
        Column::text(text!(i18n, pages.column_cluster)),
        Column::text(text!(i18n, pages.column_state)),
        Column::number(text!(i18n, pages.column_nodes)),
        Column::text(text!(i18n, pages.column_next)),
    ];
    view! {
        <Card>
            <Table caption=text!(i18n, pages.clusters) columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
fn Line(line: ClusterLine) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let ClusterLine { cluster, nodes, health, told_at, wizard_step, running } = line;
    let draft = cluster.phase == ClusterPhase::Draft;
    let importing = cluster.phase == ClusterPhase::Importing;
    let at = format!("/clusters/{}", cluster.id);
    let state = if draft {
        view! { <Badge tone=Tone::Plain word=text!(i18n, pages.draft)/> }.into_any()
    } else if importing {
        view! { <Badge tone=Tone::Plain word=text!(i18n, import.state)/> }.into_any()
    } else {
        view! { <State health told_at/> }.into_any()
    };
    let next = if draft {
        let to = format!("{at}/build/{}", wizard_step.word());
        let text = part(move || said!(i18n, pages.go_on, step = words.plain("wizard", wizard_step.word())));
        view! { <a href=to>{text}</a> }.into_any()
    } else if importing {
        view! { <a href=format!("{at}/import")>{word!(i18n, import.go_on)}</a> }.into_any()
    } else {
        view! { <a href=at.clone()>{word!(i18n, pages.open_cluster)}</a> }.into_any()
    };
    let running = running.map(|id| view! { <a class="badge badge-act" href=format!("/operations/{id}")>{word!(i18n, pages.operation_running)}</a> });
    let by = cluster.created_by.clone();
    view! {
        <tr>
            <th scope="row">
                <a class="strong" href=at.clone()>{cluster.name.to_string()}</a>
                {draft.then(|| view! { <span class="muted">" "{part(move || said!(i18n, pages.draft_of, name = by.clone()))}</span> })}
            </th>
            <td>{state}" "{running}</td>
            <td class="number">{nodes}</td>
            <td>{next}</td>
        </tr>
    }
    .into_any()
}

/// The health with the age of what it rests on; both go on while one looks.
#[component]
fn State(health: Health, told_at: Option<Timestamp>) -> impl IntoView {
    let words = use_words();
    let clock = use_clock();
    let now = memo(move |_| health_now(health, told_at, clock.now()));
    let tone = derived(move || {
        let (health, freshness) = now.get();
        Tone::from(health).aged(freshness)
    });
    let word = derived(move || words.plain("health", now.get().0.word()));
    view! {
        <Badge tone word/>
        {told_at.map(|at| view! { " "<Age at/> })}
    }
    .into_any()
}

/// Asks for the name and leads into the wizard. Nothing reaches a node here.
#[component]
fn NewCluster(open: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let name = RwSignal::new(String::new());
    let navigate = use_navigate();
    let create = Action::new(move |(): &()| {
        let navigate = navigate.clone();
        async move {
            match api::add_cluster(name.get_untracked().trim().to_owned()).await {
                Ok(new) => {
                    navigate(&format!("/clusters/{}/build", new.cluster), NavigateOptions::default());
                    None
                }
                Err(ApiError(problem)) => Some(problem),
            }
        }
    });
    let wrong = move || {
        name.with(|text| text.trim().parse::<ClusterName>()).err().map(|error| words.problem(&Problem::from(error)))
    };
    let shown = derived(move || if name.with(String::is_empty) { None } else { wrong() });
    let reason = derived(wrong);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if reason.with_untracked(Option::is_none) && !create.pending().get_untracked() {
            create.dispatch(());
        }
    };
    view! {
        <Dialog open title=text!(i18n, pages.build_cluster)>
            <form on:submit=submit>
                <Field
                    label=text!(i18n, pages.cluster_name)
                    hint=derived(move || Some(said!(i18n, pages.cluster_name_hint).to_owned()))
                    error=shown
                    value=name
                    mono=true
                />
                <p class="muted">{word!(i18n, pages.cluster_nothing_runs)}</p>
                <Refusal problem=derived(move || create.value().get().flatten())/>
                <div class="dialog-end">
                    <Button on_press=Callback::new(move |()| open.set(false))>{word!(i18n, common.cancel)}</Button>
                    <Button kind=ButtonKind::Primary submit=true disabled_reason=reason busy=create.pending()>{word!(i18n, pages.cluster_start)}</Button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}
