//! Who has an account.

use crate::api;
use crate::api::Person;
use crate::components::{Badge, Button, ButtonKind, Card, Dialog, Lines, PageTitle, Refusal, Tone, When};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
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
    let asked = RwSignal::new(None::<(UserId, String)>);
    let disable = Action::new(move |id: &UserId| {
        let id = *id;
        async move {
            let answer = api::disable_person(id).await;
            people.refetch();
            asked.set(None);
            answer.err().map(|error| error.0)
        }
    });
    view! {
        <PageTitle text=text!(i18n, pages.people)/>
        <div class="stack">
            <Card>
                <p class="muted">{word!(i18n, pages.people_intro)}</p>
                <Lines text=text!(i18n, pages.people_command)/>
            </Card>
            <Refusal problem=derived(move || disable.value().get().flatten())/>
            <Loaded resource=people view=move |list| view! { <List list asked/> }/>
        </div>
        <Question asked disable/>
    }
    .into_any()
}

#[component]
fn List(list: Vec<Person>, asked: RwSignal<Option<(UserId, String)>>) -> impl IntoView {
    let i18n = use_i18n();
    let rows = list.into_iter().map(|person| view! { <Row person asked/> }).collect_view();
    view! {
        <Card>
            <div class="table-scroll">
                <table class="table">
                    <caption class="visually-hidden">{word!(i18n, pages.people)}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{word!(i18n, pages.user_name)}</th>
                            <th scope="col">{word!(i18n, pages.column_role)}</th>
                            <th scope="col">{word!(i18n, pages.column_last_sign_in)}</th>
                            <th scope="col">{word!(i18n, pages.column_state)}</th>
                            <th><span class="visually-hidden">{word!(i18n, pages.disable_person)}</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn Row(person: Person, asked: RwSignal<Option<(UserId, String)>>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let session = use_session();
    let Person { id, name, access, disabled, last_sign_in } = person;
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
    let ask = {
        let name = name.clone();
        Callback::new(move |()| asked.set(Some((id, name.clone()))))
    };
    view! {
        <tr>
            <th scope="row" class="strong">{name}</th>
            <td>{part(move || words.plain("role", role))}{more}</td>
            <td>{match last {
                Some(at) => view! { <When at/> }.into_any(),
                None => view! { <span class="muted">{word!(i18n, pages.never)}</span> }.into_any(),
            }}</td>
            <td><Badge tone word/></td>
            <td><Button disabled_reason=reason on_press=ask>{word!(i18n, pages.disable_person)}</Button></td>
        </tr>
    }
    .into_any()
}

#[component]
fn Question(
    asked: RwSignal<Option<(UserId, String)>>,
    disable: Action<UserId, Option<model::problem::Problem>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(asked.with(Option::is_some)));
    let name = derived(move || asked.get().map(|(_, name)| name).unwrap_or_default());
    let run = Callback::new(move |()| {
        if let Some((id, _)) = asked.get_untracked() {
            disable.dispatch(id);
        }
    });
    view! {
        <Dialog open title=derived(move || said!(i18n, pages.disable_question, name = name.get()).to_string())>
            <p>{part(move || said!(i18n, pages.disable_text, name = name.get()).to_string())}</p>
            <div class="dialog-end">
                <Button on_press=Callback::new(move |()| asked.set(None))>{word!(i18n, common.cancel)}</Button>
                <Button kind=ButtonKind::Danger busy=disable.pending() on_press=run>
                    {part(move || said!(i18n, pages.disable_yes, name = name.get()).to_string())}
                </Button>
            </div>
        </Dialog>
    }
    .into_any()
}
