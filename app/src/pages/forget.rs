//! Forgetting a cluster, from whichever page.

use crate::api::{self, ApiError};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use model::ids::ClusterId;
use model::problem::Problem;

/// Forgets the cluster and leaves for the list; what is refused is the action's value.
pub fn forgetting(cluster: ClusterId) -> Action<(), Option<Problem>> {
    let navigate = use_navigate();
    Action::new(move |(): &()| {
        let navigate = navigate.clone();
        async move {
            let answer = api::forget_cluster(cluster).await;
            if answer.is_ok() {
                navigate("/", NavigateOptions::default());
            }
            answer.err().map(|ApiError(problem)| problem)
        }
    })
}
