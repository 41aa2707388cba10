//! Port of second factors: what is kept of them, never the secret itself.

use super::store::StoreError;
use async_trait::async_trait;
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::UserId;

/// The second factor of an account as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFactor {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    pub begun_at: Timestamp,
    /// `None` until a code has shown that the person's device holds the secret.
    pub enrolled_at: Option<Timestamp>,
    /// The newest time step (RFC 6238, since 1970) whose code was accepted.
    pub last_step: u64,
    pub recovery_left: u32,
}

/// Somebody else took a second factor away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorReset {
    pub by: String,
    pub at: Timestamp,
}

#[async_trait]
pub trait SecondFactorStore: Send + Sync + 'static {
    /// `None` where the account has none and has begun none.
    async fn second_factor(&self, user: UserId) -> Result<Option<StoredFactor>, StoreError>;
    /// Keeps a secret that no code has confirmed, in place of an earlier one of that kind. `Conflict` where one is enrolled.
    async fn begin_factor(&self, user: UserId, sealed: &[u8], now: Timestamp) -> Result<(), StoreError>;
    /// The first code has come: from now on it is asked for. `Conflict` where it is not this unconfirmed secret any more.
    async fn enrol_factor(
        &self,
        user: UserId,
        sealed: &[u8],
        step: u64,
        recovery: &[[u8; 32]],
        now: Timestamp,
        audit: AuditEntry,
    ) -> Result<(), StoreError>;
    /// Accepts the code of a time step; `false` where that of this or a later step has been accepted before.
    async fn use_step(&self, user: UserId, step: u64) -> Result<bool, StoreError>;
    /// Uses a recovery code up, and says in the entry how many are left; `false`, and no entry, where there is none like it.
    async fn use_recovery_code(
        &self,
        user: UserId,
        code_hash: &[u8; 32],
        now: Timestamp,
        audit: AuditEntry,
    ) -> Result<bool, StoreError>;
    /// By the person. `NotFound` where there is none.
    async fn remove_factor(&self, user: UserId, audit: AuditEntry) -> Result<(), StoreError>;
    /// By somebody else: also ends all sessions, and leaves a note for the person. `NotFound` where there is none.
    async fn reset_factor(&self, user: UserId, by: &str, now: Timestamp, audit: AuditEntry) -> Result<(), StoreError>;
    /// The note that a reset left.
    async fn factor_reset(&self, user: UserId) -> Result<Option<FactorReset>, StoreError>;
    async fn forget_factor_reset(&self, user: UserId) -> Result<(), StoreError>;
}
