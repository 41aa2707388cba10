//! One's own account: second factor, password, roles.

mod factor;
mod password;
mod set_up;

use crate::api::{self, AccountView, ApiResult, Reading};
use crate::components::{Card, FactRow, PageTitle};
use crate::i18n::*;
use crate::pages::frame::Around;
use crate::pages::loaded::Loaded;
use crate::reactive::part;
use crate::words::use_words;
use factor::SecondFactor;
use leptos::prelude::*;
use password::Password;

#[component]
pub fn AccountPage() -> impl IntoView {
    let i18n = use_i18n();
    Around::is_called(move || said!(i18n, team.account).to_owned());
    let account: Reading<ApiResult<AccountView>> = api::reading(|| (), |()| api::my_account());
    let again = Callback::new(move |()| account.refetch());
    view! {
        <PageTitle text=text!(i18n, team.account)/>
        <Loaded resource=account view=move |view| view! { <Content view again/> }/>
    }
    .into_any()
}

#[component]
fn Content(view: AccountView, again: Callback<()>) -> impl IntoView {
    let factor = view.second_factor;
    view! {
        <div class="stack">
            <SecondFactor factor again/>
            <Password/>
            <Roles view/>
        </div>
    }
    .into_any()
}

#[component]
fn Roles(view: AccountView) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let everywhere = view.everywhere.as_str();
    let clusters = view.clusters.into_iter().map(move |own| {
        let (name, role) = (own.cluster_name, own.role.as_str());
        view! { <FactRow name=Signal::stored(name)>{part(move || words.plain("role", role))}</FactRow> }
    });
    view! {
        <Card title=text!(i18n, team.account_roles)>
            <dl class="facts">
                <FactRow name=text!(i18n, team.everywhere)>{part(move || words.plain("role", everywhere))}</FactRow>
                {clusters.collect_view()}
            </dl>
        </Card>
    }
    .into_any()
}
