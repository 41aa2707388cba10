//! Pages whose code a browser loads when they are opened: one module per room, not one per page, so that what the pages
//! of a room share is loaded once.
//!
//! The sign-in, the list of clusters and the frame around all pages are in the first module.

use crate::pages::account::AccountPage;
use crate::pages::approvals::{ApprovalsPage, RequestPage};
use crate::pages::audit::AuditPage;
use crate::pages::cluster::ClusterPage;
use crate::pages::evidence::EvidencePage;
use crate::pages::expected::ExpectedPage;
use crate::pages::import::{ImportClusterPage, ImportPage};
use crate::pages::messages::MessagesPage;
use crate::pages::operation::OperationPage;
use crate::pages::operations::{AllOperationsPage, ClusterOperationsPage};
use crate::pages::people::PeoplePage;
use crate::pages::policy::PolicyPage;
use crate::pages::power::PowerPage;
use crate::pages::recover::RecoverPage;
use crate::pages::restart::RestartPage;
use crate::pages::roles::RolesPage;
use crate::pages::withdraw::WithdrawPage;
use crate::pages::wizard::WizardPage;
use crate::words;
use leptos::prelude::*;
use leptos_router::LazyRoute;

/// A cluster as it is, and what is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    Cluster,
    ClusterOperations,
    Evidence,
    AllOperations,
    Operation,
}

/// How a cluster comes into the console, and leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Wizard,
    ImportCluster,
    Import,
    Withdraw,
    Recover,
    Power,
    Restart,
}

/// Who may do what, and who did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Team {
    Audit,
    People,
    Approvals,
    Request,
    Policy,
    Roles,
    Account,
    Expected,
    Messages,
}

#[lazy]
fn watch_room(page: Watch) -> AnyView {
    words::open_rooms();
    match page {
        Watch::Cluster => view! { <ClusterPage/> }.into_any(),
        Watch::ClusterOperations => view! { <ClusterOperationsPage/> }.into_any(),
        Watch::Evidence => view! { <EvidencePage/> }.into_any(),
        Watch::AllOperations => view! { <AllOperationsPage/> }.into_any(),
        Watch::Operation => view! { <OperationPage/> }.into_any(),
    }
}

#[lazy]
fn build_room(page: Build) -> AnyView {
    words::open_rooms();
    match page {
        Build::Wizard => view! { <WizardPage/> }.into_any(),
        Build::ImportCluster => view! { <ImportClusterPage/> }.into_any(),
        Build::Import => view! { <ImportPage/> }.into_any(),
        Build::Withdraw => view! { <WithdrawPage/> }.into_any(),
        Build::Recover => view! { <RecoverPage/> }.into_any(),
        Build::Power => view! { <PowerPage/> }.into_any(),
        Build::Restart => view! { <RestartPage/> }.into_any(),
    }
}

#[lazy]
fn team_room(page: Team) -> AnyView {
    words::open_rooms();
    match page {
        Team::Audit => view! { <AuditPage/> }.into_any(),
        Team::People => view! { <PeoplePage/> }.into_any(),
        Team::Approvals => view! { <ApprovalsPage/> }.into_any(),
        Team::Request => view! { <RequestPage/> }.into_any(),
        Team::Policy => view! { <PolicyPage/> }.into_any(),
        Team::Roles => view! { <RolesPage/> }.into_any(),
        Team::Account => view! { <AccountPage/> }.into_any(),
        Team::Expected => view! { <ExpectedPage/> }.into_any(),
        Team::Messages => view! { <MessagesPage/> }.into_any(),
    }
}

/// A route for the router: its room is loaded first, while the old page still stands.
macro_rules! route {
    ($name:ident, $room:ident / $preload:ident, $page:expr) => {
        #[derive(Debug)]
        pub struct $name;

        impl LazyRoute for $name {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                $room($page).await
            }

            async fn preload() {
                // There is nothing to load where nothing is split.
                #[cfg(target_arch = "wasm32")]
                $preload().await;
            }
        }
    };
}

route!(ClusterRoute, watch_room / __preload_watch_room, Watch::Cluster);
route!(ClusterOperationsRoute, watch_room / __preload_watch_room, Watch::ClusterOperations);
route!(EvidenceRoute, watch_room / __preload_watch_room, Watch::Evidence);
route!(AllOperationsRoute, watch_room / __preload_watch_room, Watch::AllOperations);
route!(OperationRoute, watch_room / __preload_watch_room, Watch::Operation);
route!(WizardRoute, build_room / __preload_build_room, Build::Wizard);
route!(ImportClusterRoute, build_room / __preload_build_room, Build::ImportCluster);
route!(ImportRoute, build_room / __preload_build_room, Build::Import);
route!(WithdrawRoute, build_room / __preload_build_room, Build::Withdraw);
route!(RecoverRoute, build_room / __preload_build_room, Build::Recover);
route!(PowerRoute, build_room / __preload_build_room, Build::Power);
route!(AuditRoute, team_room / __preload_team_room, Team::Audit);
route!(PeopleRoute, team_room / __preload_team_room, Team::People);
route!(ApprovalsRoute, team_room / __preload_team_room, Team::Approvals);
route!(RequestRoute, team_room / __preload_team_room, Team::Request);
route!(PolicyRoute, team_room / __preload_team_room, Team::Policy);
route!(RolesRoute, team_room / __preload_team_room, Team::Roles);
route!(AccountRoute, team_room / __preload_team_room, Team::Account);
route!(ExpectedRoute, team_room / __preload_team_room, Team::Expected);
route!(MessagesRoute, team_room / __preload_team_room, Team::Messages);
route!(RestartRoute, build_room / __preload_build_room, Build::Restart);
