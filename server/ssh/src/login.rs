//! Logging in, after the host key is known.

use crate::handshake::{Client, Session, broken};
use crate::keys::{self, ConsoleKeySource};
use crate::limits::{LOGIN_LIMIT, LOGIN_ROUNDS_MAX};
use engine::ports::{Credential, DialError};
use model::problem::{Problem, ProblemCode};
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::PrivateKeyWithHashAlg;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Proves who we are.
///
/// # Errors
/// `KeyRefused`, `PasswordRefused`, `ConsoleKey`, `Timeout`; `Unreachable` when the connection breaks meanwhile,
/// `EndedAfterPassword` when it does so after the password was sent.
pub(crate) async fn log_in(
    session: &mut Session,
    user: &str,
    credential: &Credential,
    keys: &dyn ConsoleKeySource,
) -> Result<(), DialError> {
    let handle = &mut session.handle;
    let attempt = async {
        match credential {
            Credential::ConsoleKey => with_key(handle, user, keys).await,
            Credential::Password(password) => with_password(handle, user, password).await,
        }
    };
    let ended = tokio::time::timeout(LOGIN_LIMIT, attempt)
        .await
        .map_err(|_| DialError::Timeout { seconds: u32::try_from(LOGIN_LIMIT.as_secs()).unwrap_or(u32::MAX) })?;
    match ended {
        Ok(()) => Ok(()),
        // The answer *no* and the end of the connection look alike from inside.
        Err(DialError::KeyRefused) if session.handle.is_closed() => {
            Err(DialError::Unreachable { text: session.seen.end() })
        }
        Err(DialError::PasswordRefused) if session.handle.is_closed() => {
            Err(DialError::EndedAfterPassword { text: session.seen.end() })
        }
        Err(error) => Err(error),
    }
}

async fn with_key(handle: &mut Handle<Client>, user: &str, keys: &dyn ConsoleKeySource) -> Result<(), DialError> {
    let key = {
        let pem = keys.open().map_err(|problem| DialError::ConsoleKey { problem })?;
        keys::parse(&pem).ok_or_else(|| DialError::ConsoleKey { problem: Problem::new(ProblemCode::SealMissing) })?
    };
    // The last reference goes with the answer, and the key wipes itself.
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    let result = handle.authenticate_publickey(user, key).await.map_err(|error| lost(&error))?;
    if result.success() { Ok(()) } else { Err(DialError::KeyRefused) }
}

async fn with_password(handle: &mut Handle<Client>, user: &str, password: &Zeroizing<String>) -> Result<(), DialError> {
    // Asks which ways are open first: a wrong password must count as one failure on the machine, not two.
    let methods = match handle.authenticate_none(user).await.map_err(|error| lost(&error))? {
        AuthResult::Success => return Ok(()),
        AuthResult::Failure { remaining_methods, .. } => remaining_methods,
    };
    if methods.contains(&MethodKind::Password) {
        let result = handle.authenticate_password(user, password.as_str()).await.map_err(|error| ended(&error))?;
        if result.success() {
            return Ok(());
        }
        return Err(DialError::PasswordRefused);
    }
    if methods.contains(&MethodKind::KeyboardInteractive) {
        return answer_questions(handle, user, password).await;
    }
    Err(DialError::PasswordRefused)
}

/// Answers hidden questions with the password and open ones with nothing (RFC 4256).
async fn answer_questions(
    handle: &mut Handle<Client>,
    user: &str,
    password: &Zeroizing<String>,
) -> Result<(), DialError> {
    let mut response =
        handle.authenticate_keyboard_interactive_start(user, None).await.map_err(|error| lost(&error))?;
    for _ in 0..LOGIN_ROUNDS_MAX {
        let prompts = match response {
            KeyboardInteractiveAuthResponse::Success => return Ok(()),
            KeyboardInteractiveAuthResponse::Failure { .. } => break,
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        let answers = prompts
            .iter()
            .map(|prompt| if prompt.echo { String::new() } else { password.as_str().to_owned() })
            .collect();
        response = handle.authenticate_keyboard_interactive_respond(answers).await.map_err(|error| ended(&error))?;
    }
    match response {
        KeyboardInteractiveAuthResponse::Success => Ok(()),
        _ => Err(DialError::PasswordRefused),
    }
}

fn ended(error: &russh::Error) -> DialError {
    DialError::EndedAfterPassword { text: broken(error) }
}

fn lost(error: &russh::Error) -> DialError {
    DialError::Unreachable { text: broken(error) }
}
