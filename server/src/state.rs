//! What every request can reach.

use crate::accounts::Accounts;
use crate::guesses::Guesses;
use engine::Engine;
use engine::notify::Notifier;
use leptos::config::LeptosOptions;
use std::sync::Arc;

/// Switches of the demo; the product itself knows nothing of simulated nodes.
#[async_trait::async_trait]
pub trait DemoPanel: Send + Sync + 'static {
    /// Simulated time per real time.
    fn speed(&self) -> f64;
    fn switches(&self) -> Vec<app::api::DemoSwitch>;
    /// Switches one; `None` where there is no such switch.
    async fn switch(&self, id: &str, on: bool) -> Option<()>;
}

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub engine: Engine,
    pub accounts: Accounts,
    pub leptos: LeptosOptions,
    pub demo: Option<Arc<dyn DemoPanel>>,
    pub notifier: Arc<Notifier>,
    pub guesses: Guesses,
}

impl axum::extract::FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
