//! tower-sessions over our own store: ids are kept as hashes only, sessions of a person can be ended.

use async_trait::async_trait;
use engine::ports::{Clock, SessionRow, Store, StoreError};
use model::Timestamp;
use model::ids::UserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, Error};
use tower_sessions::{Expiry, SessionManagerLayer, SessionStore};

/// A session ends after so many minutes without a request.
pub const IDLE_MIN: i64 = 30;
/// A session ends after so many hours, whatever happens.
pub const ABSOLUTE_H: i64 = 12;
/// How often a session in use is written anew, in seconds.
pub const TOUCH_EVERY_S: i64 = 60;
/// The key of the account in the session's data.
pub const ACCOUNT: &str = "account";
const COOKIE: &str = "quorate_session";

/// Who is signed in with a session, and since when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub user: UserId,
    pub signed_in_at: Timestamp,
    /// When the password was last typed.
    pub fresh_at: Timestamp,
    pub touched_at: Timestamp,
    /// When a code of the second factor was last accepted in this session.
    #[serde(default)]
    pub second_at: Option<Timestamp>,
}

/// The store behind the sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The layer with the cookie's rules; `secure` where browsers reach us over TLS.
    #[must_use]
    pub fn layer(self, secure: bool) -> SessionManagerLayer<Self> {
        SessionManagerLayer::new(self)
            .with_name(COOKIE)
            .with_http_only(true)
            .with_same_site(tower_sessions::cookie::SameSite::Strict)
            .with_secure(secure)
            .with_expiry(Expiry::OnInactivity(time::Duration::minutes(IDLE_MIN)))
    }

    fn row(&self, record: &Record) -> session_store::Result<SessionRow> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let account: Option<Account> =
            record.data.get(ACCOUNT).and_then(|value| serde_json::from_value(value.clone()).ok());
        // By the clock that `load` reads too; the record's own end comes from the machine's.
        let now = self.clock.now();
        let idle = jiff::Span::new().minutes(IDLE_MIN);
        let expires_at = now.checked_add(idle).map_err(|error| Error::Encode(error.to_string()))?;
        Ok(SessionRow {
            id_hash: hash(&record.id),
            user: account.map(|account| account.user),
            data,
            created_at: now,
            expires_at,
        })
    }
}

fn hash(id: &Id) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"session/v1\0");
    hasher.update(id.to_string().as_bytes());
    hasher.finalize().into()
}

fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        loop {
            match self.store.create_session(&self.row(record)?).await {
                Ok(()) => return Ok(()),
                // 128 random bits met twice: take others.
                Err(StoreError::Conflict { .. }) => record.id = Id::default(),
                Err(error) => return Err(backend(error)),
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        match self.store.save_session(&self.row(record)?).await {
            // Ended while the request ran: it stays ended, and the answer is still good.
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(backend(error)),
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let Some(row) = self.store.load_session(&hash(id), self.clock.now()).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        let nanos = i128::from(row.expires_at.as_microsecond()) * 1_000;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.store.delete_session(&hash(id)).await.map_err(backend)
    }
}
