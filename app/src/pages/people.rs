//! Who has an account.

use crate::api;
use crate::api::Person;
use crate::components::{
    Badge, Button, ButtonKind, Card, Column, Dialog, Lines, PageTitle, Refusal, Table, Tone, When,
};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old};
use crate::reactive::{derived, part};
use crate::state::session::use_session;
use crate::words::use_words;
use leptos::prelude::*;
use model::can::Deed;
use model::ids::UserId;

#[component]
pub fn PeoplePage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, pages.people).to_owned());
    let people = api::reading(|| (), |()| api::people());
    let asked = RwSignal::new(None::<Asked>);
    let asking = RwSignal::new(false);
    let last = RwSignal::new(None::<Asked>);
    let act = Action::new(move |one: &Asked| {
        let one = one.clone();
        async move {
            let answer = match one.what {
                What::Disable => api::disable_person(one.id).await,
                What::Reset => api::reset_second_factor(one.id).await,
            };
            last.set(Some(one));
            people.refetch();
            asked.set(None);
            answer.err().map(|error| error.0)
        }
    });
    let problem = asks_when_old(derived(move || act.value().get().flatten()), asking);
    let once_more = Callback::new(move |()| {
        if let Some(one) = last.get_untracked() {
            act.dispatch(one);
        }
    });
    view! {
        <PageTitle text=text!(i18n, pages.people)/>
        <div class="stack">
            <Card>
                <p class="muted">{word!(i18n, pages.people_intro)}</p>
                <Lines text=text!(i18n, pages.people_command)/>
            </Card>
            <Refusal problem/>
            <Loaded resource=people view=move |list| view! { <List list asked/> }/>
        </div>
        <Question asked act/>
        <SignInAgain open=asking second=true then=once_more/>
    }
    .into_any()
}

/// What is asked about before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    what: What,
    id: UserId,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Disable,
    /// Take the second factor away.
    Reset,
}

#[component]
fn List(list: Vec<Person>, asked: RwSignal<Option<Asked>>) -> impl IntoView {
    let i18n = use_i18n();
    let rows = list.into_iter().map(|person| view! { <Row person asked/> }).collect_view();
    let columns = vec![
        Column::text(text!(i18n, pages.user_name)),
        Column::text(text!(i18n, pages.column_role)),
        Column::text(text!(i18n, team.factor)),
        Column::text(text!(i18n, pages.column_last_sign_in)),
        Column::text(text!(i18n, pages.column_state)),
        Column::heard(text!(i18n, pages.disable_person)),
    ];
    view! {
        <Card>
            <Table caption=text!(i18n, pages.people) columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
fn Row(person: Person, asked: RwSignal<Option<Asked>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let Person { id, name, access, disabled, second_factor, last_sign_in } = person;
    let role = access.everywhere.as_str();
    let reason = derived(move || {
        if disabled {
            return Some(said!(i18n, pages.disable_already).to_owned());
        }
        if session.is_some_and(|one| one.0.with(|me| me.id == id)) {
            return Some(said!(i18n, pages.disable_self).to_owned());
        }
        session.and_then(|one| one.refusal(Deed::ManagePeople, None)).map(|problem| words.problem(&problem))
    });
    let (tone, last) = (if disabled { Tone::Plain } else { Tone::Good }, last_sign_in);
    let word =
        derived(move || if disabled { said!(i18n, pages.disabled) } else { said!(i18n, pages.active) }.to_owned());
    let more = (!access.clusters.is_empty())
        .then(|| view! { <span class="muted small">" · "{word!(i18n, pages.role_more)}</span> });
    let ask = |what| {
        let name = name.clone();
        Callback::new(move |()| asked.set(Some(Asked { what, id, name: name.clone() })))
    };
    let (disable, reset) = (ask(What::Disable), ask(What::Reset));
    let own = session.is_some_and(|one| one.0.with_untracked(|me| me.id == id));
    // One's own is removed on the page of one's account, with a code.
    let reset =
        (second_factor && !own).then(|| view! { <Button on_press=reset>{word!(i18n, team.factor_reset)}</Button> });
    let factor = part(move || if second_factor { said!(i18n, common.yes) } else { said!(i18n, common.no) });
    view! {
        <tr>
            <th scope="row" class="strong">{name}</th>
            <td>{part(move || words.plain("role", role))}{more}</td>
            <td>{factor}</td>
            <td>{match last {
                Some(at) => view! { <When at/> }.into_any(),
                None => view! { <span class="muted">{word!(i18n, pages.never)}</span> }.into_any(),
            }}</td>
            <td><Badge tone word/></td>
            <td><span class="row">{reset}<Button disabled_reason=reason on_press=disable>{word!(i18n, pages.disable_person)}</Button></span></td>
        </tr>
    }
    .into_any()
}

#[component]
fn Question(asked: RwSignal<Option<Asked>>, act: Action<Asked, Option<model::problem::Problem>>) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(asked.with(Option::is_some)));
    let name = move || asked.get().map(|one| one.name).unwrap_or_default();
    let resets = move || asked.with(|one| one.as_ref().is_some_and(|one| one.what == What::Reset));
    let run = Callback::new(move |()| {
        if let Some(one) = asked.get_untracked() {
            act.dispatch(one);
        }
    });
    let title = derived(move || match resets() {
        true => said!(i18n, team.factor_reset_question, name = name()).to_string(),
        false => said!(i18n, pages.disable_question, name = name()).to_string(),
    });
    let text = part(move || match resets() {
        true => said!(i18n, team.factor_reset_text, name = name()).to_string(),
        false => said!(i18n, pages.disable_text, name = name()).to_string(),
    });
    let yes = part(move || match resets() {
        true => said!(i18n, team.factor_reset).to_owned(),
        false => said!(i18n, pages.disable_yes, name = name()).to_string(),
    });
    view! {
        <Dialog open title>
            <p>{text}</p>
            <div class="dialog-end">
                <Button on_press=Callback::new(move |()| asked.set(None))>{word!(i18n, common.cancel)}</Button>
                <Button kind=ButtonKind::Danger busy=act.pending() on_press=run>
                    {yes}
                </Button>
            </div>
        </Dialog>
    }
    .into_any()
}
