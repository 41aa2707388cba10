//! Forgetting a cluster, from whichever page.

use crate::api::{self, ApiError};
use crate::pages::sign_in_again::asks_when_old;
use crate::reactive::derived;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::ids::ClusterId;
use model::problem::Problem;

/// What a page needs for it.
#[derive(Clone, Copy)]
pub struct Forgetting {
    pub press: Callback<()>,
    pub busy: Signal<bool>,
    /// Why it was refused; a sign-in that is too old is asked for instead.
    pub refused: Signal<Option<Problem>>,
    /// Whether the page's [`SignInAgain`](crate::pages::sign_in_again::SignInAgain) is open.
    pub asking: RwSignal<bool>,
}

/// Forgets the cluster and leaves for the list.
pub fn forgetting(cluster: ClusterId) -> Forgetting {
    let navigate = use_navigate();
    let asking = RwSignal::new(false);
    let act = Action::new(move |(): &()| {
        let navigate = navigate.clone();
        async move {
            let answer = api::forget_cluster(cluster).await;
            if answer.is_ok() {
                navigate("/", NavigateOptions::default());
            }
            answer.err().map(|ApiError(problem)| problem)
        }
    });
    Forgetting {
        press: Callback::new(move |()| drop(act.dispatch(()))),
        busy: act.pending().into(),
        refused: asks_when_old(derived(move || act.value().get().flatten()), asking),
        asking,
    }
}
