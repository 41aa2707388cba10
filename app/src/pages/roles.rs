//! Who may do what where: one role that counts everywhere, and higher ones on single clusters.

use crate::api::{self, ApiError, ApiResult, PersonRoles, Reading, RolesView};
use crate::components::{Button, ButtonKind, Card, Column, PageTitle, Refusal, Select, Table};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::ids::{ClusterId, UserId};
use model::problem::{Problem, ProblemCode};
use model::role::Role;

/// The choice of every cluster.
const EVERYWHERE: &str = "everywhere";

/// One change of somebody's roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Give { id: UserId, cluster: Option<ClusterId>, role: Role },
    Take { id: UserId, cluster: ClusterId },
}

/// What is chosen in the form; kept while the list is read again.
#[derive(Clone, Copy)]
struct Chosen {
    person: RwSignal<String>,
    place: RwSignal<String>,
    role: RwSignal<String>,
}

impl Chosen {
    /// The change, once everything is chosen.
    fn change(self) -> Option<Change> {
        let id = self.person.with(|text| text.parse().ok())?;
        let role = self.role.with(|word| Role::from_word(word))?;
        let cluster = self.place.with(|text| match text.as_str() {
            EVERYWHERE => Some(None),
            other => other.parse().ok().map(Some),
        })?;
        Some(Change::Give { id, cluster, role })
    }
}

#[component]
pub fn RolesPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.roles).to_owned());
    let roles: Reading<ApiResult<RolesView>> = api::reading(|| (), |()| api::roles());
    let chosen = Chosen {
        person: RwSignal::new(String::new()),
        place: RwSignal::new(String::new()),
        role: RwSignal::new(String::new()),
    };
    let asking = RwSignal::new(false);
    let last = RwSignal::new(None::<Change>);
    let act = Action::new(move |change: &Change| {
        let change = *change;
        last.set(Some(change));
        async move {
            let answer = carry_out(change).await;
            if answer.is_none() {
                roles.refetch();
            }
            answer
        }
    });
    let problem = asks_when_old(derived(move || act.value().get().flatten()), asking);
    let busy: Signal<bool> = act.pending().into();
    let press = Callback::new(move |change| drop(act.dispatch(change)));
    let once_more = Callback::new(move |()| {
        if let Some(change) = last.get_untracked() {
            act.dispatch(change);
        }
    });
    view! {
        <PageTitle text=text!(i18n, team.roles)/>
        <div class="stack">
            <Refusal problem/>
            <Loaded resource=roles view=move |view| view! { <Content view chosen busy press/> }/>
        </div>
        <SignInAgain open=asking second=true then=once_more/>
    }
    .into_any()
}

async fn carry_out(change: Change) -> Option<Problem> {
    let answer = match change {
        Change::Give { id, cluster, role } => api::set_role(id, cluster, role).await,
        Change::Take { id, cluster } => api::drop_role(id, cluster).await,
    };
    match answer {
        Ok(()) => None,
        // Somebody else took it away meanwhile.
        Err(ApiError(problem)) if problem.code == ProblemCode::NotFound => None,
        Err(ApiError(problem)) => Some(problem),
    }
}

#[component]
fn Content(view: RolesView, chosen: Chosen, busy: Signal<bool>, press: Callback<Change>) -> impl IntoView {
    let i18n = use_i18n();
    let rows = view.people.iter().map(|person| row(person, &view.clusters, busy, press)).collect_view();
    let columns = vec![
        Column::text(text!(i18n, pages.user_name)),
        Column::text(text!(i18n, team.everywhere)),
        Column::text(text!(i18n, team.roles_on_clusters)),
    ];
    view! {
        <Card title=text!(i18n, team.roles_give)>
            <Give view chosen busy press/>
        </Card>
        <Card title=text!(i18n, team.roles_who)>
            <Table caption=text!(i18n, team.roles_who) columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
fn Give(view: RolesView, chosen: Chosen, busy: Signal<bool>, press: Callback<Change>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let none = move || (String::new(), said!(i18n, team.choose).to_owned());
    let people: Vec<_> = view.people.iter().map(|person| (person.id.to_string(), person.name.clone())).collect();
    let people = derived(move || [vec![none()], people.clone()].concat());
    let clusters: Vec<_> = view.clusters.iter().map(|(id, name)| (id.to_string(), name.clone())).collect();
    let everywhere = view.everywhere;
    let places = derived(move || {
        let all = everywhere.then(|| (EVERYWHERE.to_owned(), said!(i18n, team.everywhere).to_owned()));
        [vec![none()], all.into_iter().collect(), clusters.clone()].concat()
    });
    let roles = derived(move || {
        let all = Role::ALL.map(|role| (role.as_str().to_owned(), words.plain("role", role.as_str())));
        [vec![none()], all.to_vec()].concat()
    });
    let missing = derived(move || chosen.change().is_none().then(|| said!(i18n, team.roles_missing).to_owned()));
    let give = Callback::new(move |()| {
        if let Some(change) = untrack(|| chosen.change()) {
            press.run(change);
        }
    });
    view! {
        <div class="stack">
            <p class="muted">{word!(i18n, team.roles_intro)}</p>
            <div class="roles-form">
                <Select label=text!(i18n, team.roles_person) value=chosen.person options=people/>
                <Select label=text!(i18n, team.roles_place) value=chosen.place options=places/>
                <Select label=text!(i18n, pages.column_role) value=chosen.role options=roles/>
            </div>
            <div class="row">
                <Button kind=ButtonKind::Primary busy disabled_reason=missing show_reason=true on_press=give>{word!(i18n, team.roles_give)}</Button>
            </div>
        </div>
    }
    .into_any()
}

fn row(
    person: &PersonRoles,
    clusters: &[(ClusterId, String)],
    busy: Signal<bool>,
    press: Callback<Change>,
) -> impl IntoView + use<> {
    let words = use_words();
    let everywhere = person.access.everywhere.as_str();
    let own = clusters.iter().filter_map(|(cluster, name)| {
        let (id, cluster, role) = (person.id, *cluster, person.access.clusters.get(cluster)?.as_str());
        Some(view! { <OnCluster name=name.clone() role whose=person.name.clone() busy take=Callback::new(move |()| press.run(Change::Take { id, cluster }))/> })
    });
    let own: Vec<_> = own.collect();
    let own = if own.is_empty() {
        view! { <span class="muted">"–"</span> }.into_any()
    } else {
        view! { <ul class="roles-own">{own}</ul> }.into_any()
    };
    view! {
        <tr>
            <th scope="row" class="strong">{person.name.clone()}</th>
            <td>{part(move || words.plain("role", everywhere))}</td>
            <td>{own}</td>
        </tr>
    }
}

#[component]
fn OnCluster(name: String, role: &'static str, whose: String, busy: Signal<bool>, take: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let of = name.clone();
    let whole = part(move || said!(i18n, team.roles_take_from, name = whose.clone(), cluster = of.clone()).to_string());
    view! {
        <li>
            <span><span class="strong">{name}</span>" "{part(move || words.plain("role", role))}</span>
            <Button kind=ButtonKind::Quiet busy on_press=take>
                <span aria-hidden="true">{word!(i18n, team.roles_take)}</span>
                <span class="visually-hidden">{whole}</span>
            </Button>
        </li>
    }
    .into_any()
}
