//! What surrounds every page behind the sign-in: top bar, navigation, and the person.

mod countdowns;
mod failing;
mod switches;
mod taken;
mod top;

use crate::api;
use crate::api::{ApiResult, Me, Reading};
use crate::i18n::*;
use crate::pages::loaded::Loaded;
use crate::reactive::{memo, part};
use crate::state::inbox::Waiting;
use crate::state::live::LiveCluster;
use crate::state::session::Session;
use countdowns::Countdowns;
use failing::Failing;
use leptos::prelude::*;
use leptos_router::components::{A, Outlet};
use leptos_router::hooks::use_location;
pub use switches::Switches;
use taken::Taken;
pub use top::Logo;
use top::{SignOut, TopBar};

/// What the page on screen tells the frame around it.
#[derive(Clone, Copy)]
pub struct Around {
    /// The cluster that the page is about: name, and the stream it follows.
    pub cluster: RwSignal<Option<(String, LiveCluster)>>,
    /// The last word of the path at the top.
    pub here: RwSignal<String>,
}

impl Around {
    /// Says which cluster the page is about; forgotten when the page goes.
    pub fn is_about(name: &str, live: LiveCluster) {
        let name = name.to_owned();
        Self::is_about_a(move || Some(name.clone()), live);
    }

    /// The same for one whose name changes while somebody looks; `None` while it has none.
    pub fn is_about_a(name: impl Fn() -> Option<String> + 'static, live: LiveCluster) {
        let Some(around) = use_context::<Self>() else { return };
        // In an effect: the frame has been drawn by the server before the page inside was known.
        Effect::new(move |_| {
            around.cluster.set(name().map(|name| (name, live)));
        });
        on_cleanup(move || {
            let _ = around.cluster.try_update(|about| about.take_if(|(_, known)| known.id == live.id));
        });
    }

    /// Says what the page is called in the path at the top.
    pub fn is_called(title: impl Fn() -> String + 'static) {
        let Some(around) = use_context::<Self>() else { return };
        Effect::new(move |_| around.here.set(title()));
    }
}

/// Guards its pages: who is not signed in goes to the sign-in page before anything is sent.
#[component]
pub fn Frame() -> impl IntoView {
    // Blocking: a redirect must leave before the first byte of the page.
    let me: Reading<ApiResult<Me>> = api::reading_first(|| (), |()| api::me());
    view! { <Loaded resource=me view=|me| view! { <Inside me/> }/> }.into_any()
}

#[component]
fn Inside(me: Me) -> impl IntoView {
    let i18n = use_i18n();
    let session = Session(RwSignal::new(me));
    let around = Around { cluster: RwSignal::new(None), here: RwSignal::new(String::new()) };
    provide_context(session);
    provide_context(around);
    let waiting = Waiting::begin();
    provide_context(waiting);
    let menu = RwSignal::new(false);
    let location = use_location();
    Effect::new(move |_| {
        location.pathname.track();
        menu.set(false);
    });
    view! {
        // The browser itself takes the focus there; the router would only scroll.
        <a class="skip" href="#main" rel="external">{word!(i18n, common.skip)}</a>
        <div class="frame" class:frame-menu=move || menu.get()>
            <TopBar session around menu/>
            <nav class="side" id="side" aria-label=move || said!(i18n, common.navigation)>
                <Navigation around waiting/>
                <div class="side-switches"><Switches/><a href="/account">{word!(i18n, common.nav_account)}</a><SignOut/></div>
            </nav>
            <main id="main" class="main" tabindex="-1">
                <Countdowns waiting/>
                <Taken waiting/>
                <Failing waiting/>
                <Outlet/>
            </main>
        </div>
    }
    .into_any()
}

#[component]
fn Navigation(around: Around, waiting: Waiting) -> impl IntoView {
    let i18n = use_i18n();
    let count = memo(move |_| waiting.0.with(|inbox| inbox.waiting));
    let badge = part(move || {
        let count = count.get();
        (count > 0).then(|| {
            view! {
                <span class="side-count">
                    <span aria-hidden="true">{count}</span>
                    <span class="visually-hidden">{word!(i18n, common.waiting_for_you, count = count)}</span>
                </span>
            }
        })
    });
    let of_cluster = part(move || {
        around.cluster.get().map(|(name, live)| {
            let at = format!("/clusters/{}", live.id);
            view! {
                <p class="side-head">{name}</p>
                <ul>
                    <li><A href=at.clone() exact=true>{word!(i18n, common.nav_overview)}</A></li>
                    <li><A href=format!("{at}/build")>{word!(i18n, common.nav_build)}</A></li>
                    <li><A href=format!("{at}/operations")>{word!(i18n, common.nav_operations)}</A></li>
                    <li><A href=format!("{at}/policy")>{word!(i18n, common.nav_policy)}</A></li>
                </ul>
            }
        })
    });
    view! {
        <p class="side-head">{word!(i18n, common.nav_clusters)}</p>
        <ul>
            <li><A href="/" exact=true>{word!(i18n, common.nav_all_clusters)}</A></li>
            <li><A href="/operations">{word!(i18n, common.nav_all_operations)}</A></li>
        </ul>
        {of_cluster}
        <p class="side-head">{word!(i18n, common.nav_team)}</p>
        <ul>
            <li><A href="/approvals">{word!(i18n, common.nav_approvals)}" "{badge}</A></li>
            <li><A href="/audit">{word!(i18n, common.nav_audit)}</A></li>
            <li><A href="/people">{word!(i18n, common.nav_people)}</A></li>
            <li><A href="/roles">{word!(i18n, common.nav_roles)}</A></li>
            <li><A href="/notifications">{word!(i18n, common.nav_messages)}</A></li>
        </ul>
    }
    .into_any()
}
