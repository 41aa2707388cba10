//! Which page stands at which address.

use crate::pages::clusters::ClustersPage;
use crate::pages::frame::Frame;
use crate::pages::invite::InvitePage;
use crate::pages::not_found::NotFound;
use crate::pages::sign_in::SignInPage;
use crate::rooms::*;
use crate::state::clock::Clock;
use crate::state::focus;
use crate::state::language::Languages;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{Lazy, SsrMode, path};

/// Pages leave the server whole: their facts are in its memory, and a page that arrives in pieces wakes up in pieces.
const WHOLE: SsrMode = SsrMode::Async;

/// The whole console.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Clock::start());
    // Effects run in the browser only.
    Effect::new(|_| focus::keep());
    view! {
        <Languages>
            <Title formatter=|title: String| if title.is_empty() { "Quorate".to_owned() } else { format!("{title} · Quorate") }/>
            <Router>
                <Routes fallback=NotFound>
                    <Route path=path!("/sign-in") view=SignInPage ssr=WHOLE/>
                    <Route path=path!("/invite/:token") view=InvitePage ssr=WHOLE/>
                    <ParentRoute path=path!("") view=Frame ssr=WHOLE>
                        <Route path=path!("") view=ClustersPage ssr=WHOLE/>
                        <Route path=path!("clusters/:id") view={Lazy::<ClusterRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/evidence") view={Lazy::<EvidenceRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/operations") view={Lazy::<ClusterOperationsRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/build/:step?") view={Lazy::<WizardRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/import") view={Lazy::<ImportClusterRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/withdraw") view={Lazy::<WithdrawRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/quorum") view={Lazy::<RecoverRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/power") view={Lazy::<PowerRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/restart/:node") view={Lazy::<RestartRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("import") view={Lazy::<ImportRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("operations") view={Lazy::<AllOperationsRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("operations/:id") view={Lazy::<OperationRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("clusters/:id/policy") view={Lazy::<PolicyRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("approvals") view={Lazy::<ApprovalsRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("approvals/:id") view={Lazy::<RequestRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("audit") view={Lazy::<AuditRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("audit/expected") view={Lazy::<ExpectedRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("people") view={Lazy::<PeopleRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("roles") view={Lazy::<RolesRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("notifications") view={Lazy::<MessagesRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("account") view={Lazy::<AccountRoute>::new()} ssr=WHOLE/>
                        <Route path=path!("*any") view=NotFound ssr=WHOLE/>
                    </ParentRoute>
                </Routes>
            </Router>
        </Languages>
    }
}
