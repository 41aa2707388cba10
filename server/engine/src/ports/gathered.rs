//! What nodes told when they were checked and measured.

use super::StoreError;
use crate::hub::Measured;
use async_trait::async_trait;
use model::ids::ClusterId;
use model::preflight::Matrix;

/// The newest results of each cluster; an older one never takes the place of a newer one.
#[async_trait]
pub trait GatheredStore: Send + Sync + 'static {
    /// Keeps checks that have ended; those that have not are refused as `Conflict`.
    async fn keep_checks(&self, cluster: ClusterId, matrix: &Matrix) -> Result<(), StoreError>;
    /// `None` where nobody has checked anything yet.
    async fn checks(&self, cluster: ClusterId) -> Result<Option<Matrix>, StoreError>;
    /// Keeps measured links with each node's whole answer; what has not ended is refused as `Conflict`.
    async fn keep_measured(&self, cluster: ClusterId, measured: &Measured) -> Result<(), StoreError>;
    /// `None` where nobody has measured anything yet.
    async fn measured(&self, cluster: ClusterId) -> Result<Option<Measured>, StoreError>;
}
