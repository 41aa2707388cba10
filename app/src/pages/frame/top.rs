//! The bar at the top: where one is, how live it is, and who is signed in.

use super::{Around, Switches};
use crate::api;
use crate::components::LiveBadge;
use crate::i18n::*;
use crate::reactive::{memo, part};
use crate::state::session::Session;
use crate::words::use_words;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

#[component]
pub fn TopBar(session: Session, around: Around, menu: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <header class="top">
            <button
                type="button"
                class="button button-quiet menu-button"
                aria-controls="side"
                aria-expanded=move || menu.get().to_string()
                on:click=move |_| menu.update(|open| *open = !*open)
            >
                <span aria-hidden="true">"☰"</span>
                <span class="visually-hidden">{word!(i18n, common.menu)}</span>
            </button>
            <a class="brand" href="/"><Logo/>"Quorate"</a>
            <Path around/>
            <span class="top-end">
                {part(move || session.demo().then(|| view! { <DemoBadge session/> }))}
                {part(move || around.cluster.get().map(|(_, live)| view! { <LiveBadge live/> }))}
                <span class="top-switches"><Switches/></span>
                <Person session/>
            </span>
        </header>
    }
    .into_any()
}

/// Three votes on a ring.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
            <circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" stroke-width="2.4"></circle>
            <circle cx="12" cy="6.5" r="2.8" fill="currentColor"></circle>
            <circle cx="7.2" cy="14.8" r="2.8" fill="currentColor"></circle>
            <circle cx="16.8" cy="14.8" r="2.8" fill="currentColor"></circle>
        </svg>
    }
    .into_any()
}

#[component]
fn Path(around: Around) -> impl IntoView {
    let i18n = use_i18n();
    let cluster = part(move || {
        around.cluster.get().map(|(name, live)| view! { <li><a href=format!("/clusters/{}", live.id)>{name}</a></li> })
    });
    let here = part(move || {
        around.here.with(|here| (!here.is_empty()).then(|| view! { <li aria-current="page">{here.clone()}</li> }))
    });
    view! {
        <nav class="path" aria-label=move || said!(i18n, common.path)>
            <ol>
                <Root/>
                {cluster}
                {here}
            </ol>
        </nav>
    }
    .into_any()
}

/// Says on every page that nothing here is real, and how fast its time runs; on a phone the nodes are left out.
#[component]
fn DemoBadge(session: Session) -> impl IntoView {
    let i18n = use_i18n();
    let speed = part(move || {
        session
            .demo_speed()
            .map(|speed| view! { <span>", "{word!(i18n, pages.demo_speed, speed = speed.clone())}</span> })
    });
    view! {
        <span class="badge badge-act">
            <span aria-hidden="true">"●"</span>
            <span>{word!(i18n, pages.demo_only)}<span class="wide-only">" · "{word!(i18n, common.demo_nodes)}</span>{speed}</span>
        </span>
    }
    .into_any()
}

/// Where the page belongs: to the clusters, or to the team.
#[component]
fn Root() -> impl IntoView {
    let i18n = use_i18n();
    let location = use_location();
    let team = memo(move |_| {
        location.pathname.with(|path| {
            ["/audit", "/people", "/approvals", "/roles", "/account", "/notifications"]
                .iter()
                .any(|room| path.starts_with(room))
        })
    });
    part(move || {
        if team.get() {
            view! { <li>{word!(i18n, common.nav_team)}</li> }.into_any()
        } else {
            view! { <li><a href="/">{word!(i18n, common.nav_clusters)}</a></li> }.into_any()
        }
    })
}

#[component]
fn Person(session: Session) -> impl IntoView {
    let words = use_words();
    let role = part(move || words.plain("role", session.0.with(|me| me.access.everywhere.as_str())));
    view! { <span class="person"><a href="/account">{part(move || session.0.with(|me| me.name.clone()))}" · "{role}</a><SignOut/></span> }.into_any()
}

/// Ends the session.
#[component]
pub fn SignOut() -> impl IntoView {
    let i18n = use_i18n();
    let navigate = use_navigate();
    let leave = Action::new(move |(): &()| {
        let navigate = navigate.clone();
        async move {
            // Without an answer the session may still be there: the page stays and says nothing wrong.
            if api::sign_out().await.is_ok() {
                navigate("/sign-in", NavigateOptions::default());
            }
        }
    });
    let press = move |_| {
        leave.dispatch(());
    };
    view! { <button type="button" class="button button-quiet" on:click=press>{word!(i18n, common.sign_out)}</button> }
        .into_any()
}
