//! Accounts, invitations and signing in. Errors never tell whether a name exists.

use crate::passwords::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS, Passwords};
use crate::strangers::Strangers;
use engine::Engine;
use engine::audit::Person;
use engine::context::store_problem;
use engine::ports::{StoreError, StoredUser};
use model::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::ids::UserId;
use model::inventory::Cluster;
use model::problem::{Problem, ProblemCode};
use model::role::{Access, Role};
use rand::RngCore;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

/// An invitation is good for so many minutes.
pub const INVITE_MIN: i64 = 30;
/// Failures in a row before an account has to wait.
const FREE_FAILURES: u32 = 4;
/// The first wait, in seconds; it doubles with every further failure.
const WAIT_FIRST_S: i64 = 5;
/// The longest wait, in seconds.
const WAIT_MAX_S: i64 = 15 * 60;
/// The longest account name, in characters.
const NAME_MAX_CHARS: usize = 32;
const TOKEN_BYTES: usize = 32;

#[derive(Clone)]
pub struct Accounts {
    engine: Engine,
    passwords: Passwords,
    strangers: Arc<Strangers>,
}

impl Accounts {
    #[must_use]
    pub fn new(engine: Engine, passwords: Passwords) -> Self {
        Self { engine, passwords, strangers: Arc::default() }
    }

    /// The account whose password fits.
    ///
    /// # Errors
    /// `WrongCredentials`, `TooManyAttempts`.
    pub async fn sign_in(&self, name: &str, password: Zeroizing<String>, from: &str) -> Result<StoredUser, Problem> {
        let now = self.engine.clock.now();
        let known = match self.engine.store.user_by_name(name.trim()).await {
            Ok(user) => Some(user),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(store_problem(&error)),
        };
        let locked = match &known {
            Some(user) => user.locked_until,
            None => self.strangers.locked_until(name),
        };
        if let Some(until) = locked.filter(|until| *until > now) {
            let seconds = until.duration_since(now).as_secs().max(1);
            self.refused(name, from, "locked").await?;
            return Err(Problem::new(ProblemCode::TooManyAttempts).with("seconds", seconds));
        }
        let hash = known.as_ref().filter(|user| !user.disabled).and_then(|user| user.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await;
        match known {
            Some(user) if fits => {
                self.engine.store.note_sign_in(user.id, now).await.map_err(|error| store_problem(&error))?;
                let mut entry = self.engine.audit.entry(AuditCode::SignedIn, &person(&user), Outcome::Success);
                entry.details.insert("from".to_owned(), from.to_owned());
                self.engine.audit.write(entry).await.map_err(|error| store_problem(&error))?;
                Ok(user)
            }
            known => {
                match known {
                    Some(user) => {
                        let until = wait_until(user.failures.saturating_add(1), now);
                        self.engine.store.note_failure(user.id, until).await.map_err(|error| store_problem(&error))?;
                    }
                    None => self.strangers.note_failure(name, now),
                }
                self.refused(name, from, "password").await?;
                Err(ProblemCode::WrongCredentials.into())
            }
        }
    }

    /// What was typed as a name is kept only if it is an account: people type passwords there by mistake.
    async fn refused(&self, name: &str, from: &str, why: &str) -> Result<(), Problem> {
        let known = self.engine.store.user_by_name(name.trim()).await.is_ok();
        let who = Person { name: if known { name.trim().to_owned() } else { "unknown".to_owned() } };
        let mut entry = self.engine.audit.entry(AuditCode::SignInRefused, &who, Outcome::Refused);
        entry.details.insert("from".to_owned(), from.to_owned());
        entry.details.insert("why".to_owned(), why.to_owned());
        self.engine.audit.write(entry).await.map_err(|error| store_problem(&error))
    }

    /// Whether a signed-in person typed their own password.
    ///
    /// # Errors
    /// As `sign_in`.
    pub async fn confirm(&self, user: UserId, password: Zeroizing<String>, from: &str) -> Result<StoredUser, Problem> {
        let user = self.engine.store.user(user).await.map_err(|error| store_problem(&error))?;
        self.sign_in(&user.name, password, from).await
    }

    /// A new single-use token for an account of this role; only its hash is kept.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn invite(&self, by: &Person, role: Role, name: Option<&str>) -> Result<Zeroizing<String>, Problem> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let mut bytes = Zeroizing::new([0u8; TOKEN_BYTES]);
        rand::rng().fill_bytes(bytes.as_mut());
        let token = Zeroizing::new(hex::encode(bytes.as_slice()));
        let now = self.engine.clock.now();
        let expires_at =
            now.checked_add(jiff::Span::new().minutes(INVITE_MIN)).map_err(|_| Problem::from(ProblemCode::Internal))?;
        let mut entry = self.engine.audit.entry(AuditCode::InviteIssued, by, Outcome::Success);
        entry.details.insert("role".to_owned(), role.as_str().to_owned());
        if let Some(name) = name {
            entry.details.insert("name".to_owned(), name.to_owned());
        }
        self.engine
            .store
            .add_invite(&token_hash(&token), role, name, expires_at, entry)
            .await
            .map_err(|error| store_problem(&error))?;
        Ok(token)
    }

    /// # Errors
    /// `InviteInvalid` when it is unknown, used or expired.
    pub async fn look_at_invite(&self, token: &str) -> Result<(Role, Option<String>), Problem> {
        self.engine
            .store
            .invite(&token_hash(token), self.engine.clock.now())
            .await
            .map_err(|_| ProblemCode::InviteInvalid.into())
    }

    /// Uses an invitation up and makes the account.
    ///
    /// # Errors
    /// `InviteInvalid`, `PasswordTooShort`, `UserNameInvalid`, `UserNameTaken`.
    pub async fn accept(
        &self,
        token: &str,
        name: &str,
        password: Zeroizing<String>,
        from: &str,
    ) -> Result<StoredUser, Problem> {
        let (role, fixed) = self.look_at_invite(token).await?;
        let name = fixed.unwrap_or_else(|| name.trim().to_owned());
        let user = self.new_user(&name, role, password).await?;
        let mut entry = self.engine.audit.entry(AuditCode::UserCreated, &person(&user), Outcome::Success);
        entry.details.insert("role".to_owned(), role.as_str().to_owned());
        entry.details.insert("from".to_owned(), from.to_owned());
        match self.engine.store.accept_invite(&token_hash(token), &user, self.engine.clock.now(), entry).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict { .. }) => Err(ProblemCode::UserNameTaken.into()),
            Err(StoreError::NotFound { .. }) => Err(ProblemCode::InviteInvalid.into()),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// Makes an account directly; only the demo's set-up does this.
    ///
    /// # Errors
    /// As `accept`.
    pub async fn create(&self, name: &str, role: Role, password: Zeroizing<String>) -> Result<StoredUser, Problem> {
        let user = self.new_user(name, role, password).await?;
        let entry = self.engine.audit.entry(AuditCode::UserCreated, &Person::system(), Outcome::Success);
        self.engine.store.add_user(&user, entry).await.map_err(|error| match error {
            StoreError::Conflict { .. } => ProblemCode::UserNameTaken.into(),
            other => store_problem(&other),
        })?;
        Ok(user)
    }

    async fn new_user(&self, name: &str, role: Role, password: Zeroizing<String>) -> Result<StoredUser, Problem> {
        check_name(name)?;
        if password.chars().count() < PASSWORD_MIN_CHARS || password.len() > PASSWORD_MAX_BYTES {
            return Err(Problem::new(ProblemCode::PasswordTooShort).with("min", PASSWORD_MIN_CHARS));
        }
        let hash = self.passwords.hash(password).await.map_err(|_| Problem::from(ProblemCode::Internal))?;
        Ok(StoredUser {
            id: UserId::from_uuid(self.engine.ids.next()),
            name: name.to_owned(),
            password_hash: Some(hash),
            access: Access::everywhere(role),
            disabled: false,
            created_at: self.engine.clock.now(),
            last_sign_in: None,
            failures: 0,
            locked_until: None,
        })
    }

    /// Ends an account and all its sessions.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn disable(&self, by: &Person, id: UserId) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = self.engine.audit.entry(AuditCode::UserDisabled, by, Outcome::Success);
        entry.details.insert("name".to_owned(), user.name);
        self.engine.store.disable(id, entry).await.map_err(|error| store_problem(&error))
    }
}

impl Accounts {
    /// Gives an account another role, everywhere or on one cluster.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn set_role(
        &self,
        by: &Person,
        id: UserId,
        cluster: Option<&Cluster>,
        role: Role,
    ) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let mut entry = match cluster {
            Some(cluster) => self.engine.audit.about(AuditCode::RoleChanged, by, Outcome::Success, cluster),
            None => self.engine.audit.entry(AuditCode::RoleChanged, by, Outcome::Success),
        };
        let before = match cluster {
            Some(cluster) => user.access.clusters.get(&cluster.id).map(|role| role.as_str()),
            None => Some(user.access.everywhere.as_str()),
        };
        entry.details.insert("name".to_owned(), user.name);
        entry.details.insert("role".to_owned(), role.as_str().to_owned());
        entry.details.insert("before".to_owned(), before.unwrap_or("none").to_owned());
        let cluster = cluster.map(|cluster| cluster.id);
        self.engine.store.set_role(id, cluster, role, entry).await.map_err(|error| store_problem(&error))
    }
}

/// The person behind an account, for the audit.
#[must_use]
pub fn person(user: &StoredUser) -> Person {
    Person { name: user.name.clone() }
}

fn token_hash(token: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"invite/v1\0");
    hasher.update(token.trim().as_bytes());
    hasher.finalize().into()
}

fn check_name(name: &str) -> Result<(), Problem> {
    let fine = !name.is_empty()
        && name.chars().count() <= NAME_MAX_CHARS
        && name != "system"
        && name != "unknown"
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'));
    if fine { Ok(()) } else { Err(Problem::new(ProblemCode::UserNameInvalid).with("max", NAME_MAX_CHARS)) }
}

/// Some failures are free; then every further one doubles the wait.
pub(crate) fn wait_until(failures: u32, now: Timestamp) -> Option<Timestamp> {
    let over = failures.checked_sub(FREE_FAILURES)?;
    let seconds = WAIT_FIRST_S.saturating_mul(1_i64.checked_shl(over.min(20)).unwrap_or(i64::MAX)).min(WAIT_MAX_S);
    now.checked_add(jiff::Span::new().seconds(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_and_has_an_end() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |failures| wait_until(failures, now).map(|until| until.as_second());
        assert_eq!(wait(3), None);
        assert_eq!(wait(4), Some(5));
        assert_eq!(wait(5), Some(10));
        assert_eq!(wait(1_000), Some(WAIT_MAX_S));
    }

    #[test]
    fn names_that_the_audit_uses_itself_are_refused() {
        assert!(check_name("system").is_err());
        assert!(check_name("ops-1").is_ok());
        assert!(check_name("a b").is_err());
        assert!(check_name("<b>").is_err());
    }
}
