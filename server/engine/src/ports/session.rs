//! Sessions of browsers.

use super::store::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use model::ids::UserId;

/// A browser session as stored: the id is hashed, the data is opaque JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id_hash: [u8; 32],
    pub user: Option<UserId>,
    pub data: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Until when an account is locked that has failed so often in a row by then.
pub type WaitAfter = fn(u32, Timestamp) -> Option<Timestamp>;

#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// `Conflict` where the hash is taken.
    async fn create_session(&self, row: &SessionRow) -> Result<(), StoreError>;
    async fn save_session(&self, row: &SessionRow) -> Result<(), StoreError>;
    async fn load_session(&self, id_hash: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, StoreError>;
    async fn delete_session(&self, id_hash: &[u8; 32]) -> Result<(), StoreError>;
    async fn delete_sessions_of(&self, user: UserId) -> Result<u64, StoreError>;
    async fn expire_sessions(&self, now: Timestamp) -> Result<u64, StoreError>;
}
