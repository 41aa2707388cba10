//! Server functions about messages that leave the console.

#[cfg(feature = "ssr")]
use super::calls::backend;
use super::carried::*;
use super::messages::*;
use super::wire::Json;
use leptos::prelude::*;

/// Where messages go, and what became of them. `again` is a page that looks by itself.
#[server(name = MessagesCall, prefix = "/api", endpoint = "messages", input = Json, output = Json)]
pub async fn messages(again: bool) -> ApiResult<MessagesView> {
    let backend = backend()?;
    let caller = if again { backend.looking().await? } else { backend.caller().await? };
    backend.messages(caller).await
}

/// Sends a message that says nothing to one place, and waits for what comes of it.
#[server(name = TestMessageCall, prefix = "/api", endpoint = "test_message", input = Json, output = Json)]
pub async fn test_message(name: String) -> ApiResult<Tested> {
    let backend = backend()?;
    let caller = backend.caller().await?;
    backend.test_message(caller, name).await
}
