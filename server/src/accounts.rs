//! Accounts, invitations and signing in. Errors never tell whether a name exists.

mod roles;
mod second;
pub(crate) mod turns;

pub use second::NewFactor;

use crate::keys::Seal;
use crate::passwords::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS, Passwords};
use crate::strangers::Strangers;
use engine::Engine;
use engine::audit::Person;
use engine::context::store_problem;
use engine::ports::{StoreError, StoredUser};
use model::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::ids::UserId;
use model::problem::{Problem, ProblemCode};
use model::role::{Access, Role};
use rand::RngCore;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use turns::Turns;
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
/// Who failed to sign in with a name that no account has.
const UNKNOWN: &str = "unknown";
/// Names that the audit uses itself. Account names are the same whatever their case, and so are these.
const RESERVED: [&str; 2] = ["system", UNKNOWN];

#[derive(Clone)]
pub struct Accounts {
    engine: Engine,
    passwords: Passwords,
    strangers: Arc<Strangers>,
    /// `None` in a restored backup without its key file: then no second factor can be set up or checked.
    seal: Option<Seal>,
    /// One password or code of an account at a time.
    turns: Turns,
}

impl Accounts {
    #[must_use]
    pub fn new(engine: Engine, passwords: Passwords, seal: Option<Seal>) -> Self {
        Self { engine, passwords, strangers: Arc::default(), seal, turns: Turns::default() }
    }

    /// The account whose password fits, and whose code, where it has a second factor.
    ///
    /// # Errors
    /// `WrongCredentials`, `TooManyAttempts`; `SecondFactorNeeded` where only the code is missing, `SecondFactorWrong`.
    pub async fn sign_in(
        &self,
        name: &str,
        password: Zeroizing<String>,
        code: Option<Zeroizing<String>>,
        from: &str,
    ) -> Result<StoredUser, Problem> {
        let user = self.fitting(name, password, from).await?;
        if user.second_factor {
            let code = code.filter(|code| !code.trim().is_empty()).ok_or(ProblemCode::SecondFactorNeeded)?;
            self.prove_code(&user, &code, from).await?;
        }
        self.came_in(&user, from, true).await?;
        Ok(user)
    }

    /// The account whose password fits; a wrong one makes the next try wait. What the tries before have cost is read when it
    /// is this one's turn: of many that wait for their hash together all but the first few are refused.
    async fn fitting(&self, name: &str, password: Zeroizing<String>, from: &str) -> Result<StoredUser, Problem> {
        let _alone = self.turns.take(name).await;
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
        self.not_locked(locked, name, from).await?;
        let hash = known.as_ref().filter(|user| !user.disabled).and_then(|user| user.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await;
        match known {
            Some(user) if fits => Ok(user),
            known => {
                match known {
                    Some(user) => {
                        let noted = self.engine.store.note_failure(user.id, now, wait_until).await;
                        noted.map_err(|error| store_problem(&error))?;
                    }
                    None => self.strangers.note_failure(name, now),
                }
                self.refused(name, from, "password").await?;
                Err(ProblemCode::WrongCredentials.into())
            }
        }
    }

    /// Writes a sign-in down. Only one with everything that the account has ends the count of failures: else a known
    /// password would buy any number of guesses at the code.
    async fn came_in(&self, user: &StoredUser, from: &str, whole: bool) -> Result<(), Problem> {
        if whole {
            let now = self.engine.clock.now();
            self.engine.store.note_sign_in(user.id, now).await.map_err(|error| store_problem(&error))?;
        }
        let mut entry = self.engine.audit.entry(AuditCode::SignedIn, &person(user), Outcome::Success);
        entry.details.insert("from".to_owned(), from.to_owned());
        self.engine.audit.write(entry).await.map_err(|error| store_problem(&error))
    }

    async fn not_locked(&self, until: Option<Timestamp>, name: &str, from: &str) -> Result<(), Problem> {
        let Some(waits) = still_waits(until, self.engine.clock.now()) else { return Ok(()) };
        self.refused(name, from, "locked").await?;
        Err(waits)
    }

    /// What was typed as a name is never kept, for people type passwords there by mistake. The account that it means is
    /// named as it is called, whatever the case it was typed in: a person has one name in the audit.
    async fn refused(&self, name: &str, from: &str, why: &str) -> Result<(), Problem> {
        let known = self.engine.store.user_by_name(name.trim()).await;
        let who = known.map_or_else(|_| Person { name: UNKNOWN.to_owned() }, |user| person(&user));
        let mut entry = self.engine.audit.entry(AuditCode::SignInRefused, &who, Outcome::Refused);
        entry.details.insert("from".to_owned(), from.to_owned());
        entry.details.insert("why".to_owned(), why.to_owned());
        self.engine.audit.write(entry).await.map_err(|error| store_problem(&error))
    }

    /// Whether a signed-in person typed their own password, and a code where they gave one: says whether they did.
    ///
    /// # Errors
    /// As `sign_in`, but for a missing code: whether the password is enough is the policy's to say.
    pub async fn confirm(
        &self,
        user: UserId,
        password: Zeroizing<String>,
        code: Option<Zeroizing<String>>,
        from: &str,
    ) -> Result<bool, Problem> {
        let user = self.engine.store.user(user).await.map_err(|error| store_problem(&error))?;
        let user = self.fitting(&user.name, password, from).await?;
        let code = code.filter(|code| user.second_factor && !code.trim().is_empty());
        if let Some(code) = &code {
            self.prove_code(&user, code, from).await?;
        }
        self.came_in(&user, from, code.is_some() || !user.second_factor).await?;
        Ok(code.is_some())
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

    /// Another password for one's own account: the old one is asked for, and all sessions end.
    ///
    /// # Errors
    /// As `sign_in` for the old one; `PasswordTooShort` for the new one.
    pub async fn change_password(
        &self,
        id: UserId,
        old: Zeroizing<String>,
        new: Zeroizing<String>,
        from: &str,
    ) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let user = self.fitting(&user.name, old, from).await?;
        let hash = self.new_hash(new).await?;
        let mut entry = self.engine.audit.entry(AuditCode::PasswordChanged, &person(&user), Outcome::Success);
        entry.details.insert("from".to_owned(), from.to_owned());
        self.engine.store.set_password(id, &hash, entry).await.map_err(|error| store_problem(&error))
    }

    async fn new_hash(&self, password: Zeroizing<String>) -> Result<String, Problem> {
        if password.chars().count() < PASSWORD_MIN_CHARS || password.len() > PASSWORD_MAX_BYTES {
            return Err(Problem::new(ProblemCode::PasswordTooShort).with("min", PASSWORD_MIN_CHARS));
        }
        self.passwords.hash(password).await.map_err(|_| Problem::from(ProblemCode::Internal))
    }

    async fn new_user(&self, name: &str, role: Role, password: Zeroizing<String>) -> Result<StoredUser, Problem> {
        check_name(name)?;
        let hash = self.new_hash(password).await?;
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
            second_factor: false,
        })
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
        && !RESERVED.iter().any(|taken| name.eq_ignore_ascii_case(taken))
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'));
    if fine { Ok(()) } else { Err(Problem::new(ProblemCode::UserNameInvalid).with("max", NAME_MAX_CHARS)) }
}

/// Some failures are free; then every further one doubles the wait.
pub(crate) fn wait_until(failures: u32, now: Timestamp) -> Option<Timestamp> {
    let over = failures.checked_sub(FREE_FAILURES)?;
    let seconds = WAIT_FIRST_S.saturating_mul(1_i64.checked_shl(over.min(20)).unwrap_or(i64::MAX)).min(WAIT_MAX_S);
    now.checked_add(jiff::Span::new().seconds(seconds)).ok()
}

/// The refusal of whoever has to wait until then.
pub(crate) fn still_waits(until: Option<Timestamp>, now: Timestamp) -> Option<Problem> {
    let until = until.filter(|until| *until > now)?;
    let seconds = until.duration_since(now).as_secs().max(1);
    Some(Problem::new(ProblemCode::TooManyAttempts).with("seconds", seconds))
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
        for taken in ["system", "System", "SYSTEM", "unknown", "Unknown"] {
            assert!(check_name(taken).is_err(), "{taken}");
        }
        assert!(check_name("systems").is_ok());
        assert!(check_name("ops-1").is_ok());
        assert!(check_name("a b").is_err());
        assert!(check_name("<b>").is_err());
    }
}
