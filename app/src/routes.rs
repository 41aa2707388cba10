//! Which page stands at which address.

use crate::i18n::*;
use crate::pages::audit::AuditPage;
use crate::pages::cluster::ClusterPage;
use crate::pages::clusters::ClustersPage;
use crate::pages::evidence::EvidencePage;
use crate::pages::frame::Frame;
use crate::pages::import::{ImportClusterPage, ImportPage};
use crate::pages::invite::InvitePage;
use crate::pages::not_found::NotFound;
use crate::pages::operation::OperationPage;
use crate::pages::operations::{AllOperationsPage, ClusterOperationsPage};
use crate::pages::people::PeoplePage;
use crate::pages::sign_in::SignInPage;
use crate::pages::withdraw::WithdrawPage;
use crate::pages::wizard::WizardPage;
use crate::state::clock::Clock;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

/// Cookie that keeps the language.
pub const LANGUAGE_COOKIE: &str = "quorate_language";

/// Pages leave the server whole: their facts are in its memory, and a page that arrives in pieces wakes up in pieces.
const WHOLE: SsrMode = SsrMode::Async;

/// The whole console.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Clock::start());
    view! {
        <I18nContextProvider cookie_name=LANGUAGE_COOKIE>
            <Title formatter=|title: String| if title.is_empty() { "Quorate".to_owned() } else { format!("{title} · Quorate") }/>
            <Router>
                <Routes fallback=NotFound>
                    <Route path=path!("/sign-in") view=SignInPage ssr=WHOLE/>
                    <Route path=path!("/invite/:token") view=InvitePage ssr=WHOLE/>
                    <ParentRoute path=path!("") view=Frame ssr=WHOLE>
                        <Route path=path!("") view=ClustersPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id") view=ClusterPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id/evidence") view=EvidencePage ssr=WHOLE/>
                        <Route path=path!("clusters/:id/operations") view=ClusterOperationsPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id/build/:step?") view=WizardPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id/import") view=ImportClusterPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id/withdraw") view=WithdrawPage ssr=WHOLE/>
                        <Route path=path!("import") view=ImportPage ssr=WHOLE/>
                        <Route path=path!("operations") view=AllOperationsPage ssr=WHOLE/>
                        <Route path=path!("operations/:id") view=OperationPage ssr=WHOLE/>
                        <Route path=path!("audit") view=AuditPage ssr=WHOLE/>
                        <Route path=path!("people") view=PeoplePage ssr=WHOLE/>
                        <Route path=path!("*any") view=NotFound ssr=WHOLE/>
                    </ParentRoute>
                </Routes>
            </Router>
        </I18nContextProvider>
    }
}
