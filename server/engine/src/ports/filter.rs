//! Questions that people keep.

use super::store::StoreError;
use async_trait::async_trait;
use model::audit::SavedFilter;
use model::ids::UserId;

/// Questions to the audit that a person keeps.
#[async_trait]
pub trait FilterStore: Send + Sync + 'static {
    /// In order of their names.
    async fn saved_filters(&self, user: UserId) -> Result<Vec<SavedFilter>, StoreError>;
    /// Takes the place of one with the same name.
    async fn save_filter(&self, user: UserId, filter: &SavedFilter) -> Result<(), StoreError>;
    async fn drop_filter(&self, user: UserId, name: &str) -> Result<(), StoreError>;
}
