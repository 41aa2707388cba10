//! Second factors, behind the fence.

use super::FencedStore;
use async_trait::async_trait;
use engine::ports::{FactorReset, SecondFactorStore, StoreError, StoredFactor};
use jiff::Timestamp;
use model::audit::AuditEntry;
use model::ids::UserId;

delegate!(SecondFactorStore {
    fn second_factor(user: UserId) -> Option<StoredFactor>;
    fn begin_factor(user: UserId, sealed: &[u8], now: Timestamp) -> ();
    fn enrol_factor(user: UserId, sealed: &[u8], step: u64, recovery: &[[u8; 32]], now: Timestamp, audit: AuditEntry) -> ();
    fn use_step(user: UserId, step: u64) -> bool;
    fn use_recovery_code(user: UserId, code_hash: &[u8; 32], now: Timestamp, audit: AuditEntry) -> bool;
    fn remove_factor(user: UserId, audit: AuditEntry) -> ();
    fn reset_factor(user: UserId, by: &str, now: Timestamp, audit: AuditEntry) -> ();
    fn factor_reset(user: UserId) -> Option<FactorReset>;
    fn forget_factor_reset(user: UserId) -> ();
});
