//! What nodes told last outlives the console: after a restart it counts exactly as long as it would have without one.

use crate::context::Engine;
use crate::ports::StoreError;
use model::ids::ClusterId;

impl Engine {
    /// At start-up: the checks and the measured links of a cluster, as they had ended last. What is known already stays.
    pub(crate) async fn remember_gathered(&self, cluster: ClusterId) {
        if self.hub.matrix(cluster).is_none()
            && let Some(matrix) = readable(cluster, self.store.checks(cluster).await)
        {
            self.hub.set_matrix(cluster, matrix);
        }
        if self.hub.measured(cluster).is_none()
            && let Some(measured) = readable(cluster, self.store.measured(cluster).await)
        {
            self.hub.set_measured(cluster, measured);
        }
    }
}

/// Results that another version wrote may not be readable; then the nodes are asked again, as without them.
fn readable<T>(cluster: ClusterId, kept: Result<Option<T>, StoreError>) -> Option<T> {
    kept.unwrap_or_else(|error| {
        tracing::warn!(cluster.id = %cluster, store.error = %error, "results of checks were not taken up again");
        None
    })
}
