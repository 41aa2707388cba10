//! The part of the door that is about messages that leave the console.

use super::backend::Caller;
use super::carried::*;
use super::messages::*;
use async_trait::async_trait;

/// Every method checks the caller's role itself before it does anything.
#[async_trait]
pub trait MessagesBackend: Send + Sync + 'static {
    async fn messages(&self, caller: Caller) -> ApiResult<MessagesView>;
    async fn test_message(&self, caller: Caller, name: String) -> ApiResult<Tested>;
}
