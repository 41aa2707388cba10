//! The second factor of an account: set up, asked for, taken away.

use super::{Accounts, person, wait_until};
use crate::keys::Seal;
use crate::second_factor::{ENROL_MIN, Typed, authenticator, picture, recovery_codes, secret, typed};
use engine::audit::Person;
use engine::context::store_problem;
use engine::ports::{StoreError, StoredFactor, StoredUser};
use model::audit::{AuditCode, Outcome};
use model::ids::UserId;
use model::problem::{Problem, ProblemCode};
use zeroize::Zeroizing;

/// A secret that waits for its first code.
pub struct NewFactor {
    /// Base32, as authenticators take it by hand.
    pub secret: Zeroizing<String>,
    /// Side of the QR code in modules, and its dark modules as an SVG path.
    pub picture: (u32, String),
}

impl Accounts {
    /// A new secret of the person's own account; nobody is asked for its codes before the first one has come.
    ///
    /// # Errors
    /// `SecondFactorPresent`, `SealMissing`.
    pub async fn begin_factor(&self, id: UserId) -> Result<NewFactor, Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let secret = secret();
        let totp = authenticator(secret.as_ref(), &user.name).map_err(|_| Problem::from(ProblemCode::Internal))?;
        let address = Zeroizing::new(totp.to_url().map_err(|_| Problem::from(ProblemCode::Internal))?);
        let picture = picture(&address).ok_or(ProblemCode::Internal)?;
        let sealed =
            self.seal()?.seal(&sealed_as(id), secret.as_ref()).map_err(|_| Problem::from(ProblemCode::Internal))?;
        match self.engine.store.begin_factor(id, &sealed, self.engine.clock.now()).await {
            Ok(()) => Ok(NewFactor { secret: Zeroizing::new(totp.secret().to_base32()), picture }),
            Err(StoreError::Conflict { .. }) => Err(ProblemCode::SecondFactorPresent.into()),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// The first code: the second factor counts from now on. Returns the recovery codes, which are shown this once.
    ///
    /// # Errors
    /// `SecondFactorWrong`; `SecondFactorAbsent` where nothing waits for a code any more; `SecondFactorPresent`.
    pub async fn enrol_factor(&self, id: UserId, code: &str) -> Result<Vec<String>, Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        let now = self.engine.clock.now();
        let factor = self.factor(id).await?.ok_or(ProblemCode::SecondFactorAbsent)?;
        if factor.enrolled_at.is_some() {
            return Err(ProblemCode::SecondFactorPresent.into());
        }
        if now.duration_since(factor.begun_at).as_secs() >= ENROL_MIN * 60 {
            return Err(ProblemCode::SecondFactorAbsent.into());
        }
        let step = match typed(code) {
            Typed::Code(code) => self.step_of(&user, &factor, &code)?,
            Typed::Recovery(_) | Typed::Neither => None,
        };
        let step = step.ok_or(ProblemCode::SecondFactorWrong)?;
        let codes = recovery_codes();
        let seal = self.seal()?;
        let hashes: Vec<[u8; 32]> = codes.iter().map(|code| recovery_hash(seal, id, code)).collect();
        let entry = self.engine.audit.entry(AuditCode::SecondFactorEnrolled, &person(&user), Outcome::Success);
        match self.engine.store.enrol_factor(id, &factor.sealed, step, &hashes, now, entry).await {
            Ok(()) => Ok(codes),
            // Begun anew in another tab: the code on the device is not that of the secret any more.
            Err(StoreError::Conflict { .. }) => Err(ProblemCode::SecondFactorAbsent.into()),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// Takes the person's own second factor away, which needs one of its codes.
    ///
    /// # Errors
    /// `SecondFactorAbsent`, and those of `prove_code`.
    pub async fn remove_factor(&self, id: UserId, code: &str, from: &str) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        if !user.second_factor {
            return Err(ProblemCode::SecondFactorAbsent.into());
        }
        self.prove_code(&user, code, from).await?;
        let mut entry = self.engine.audit.entry(AuditCode::SecondFactorRemoved, &person(&user), Outcome::Success);
        entry.details.insert("from".to_owned(), from.to_owned());
        self.engine.store.remove_factor(id, entry).await.map_err(|error| store_problem(&error))
    }

    /// Takes somebody else's second factor away, ends their sessions, and leaves a note that they see.
    ///
    /// # Errors
    /// `SecondFactorAbsent`; `SecondFactorOwn`: one's own needs a code.
    pub async fn reset_factor(&self, by: &Person, id: UserId) -> Result<(), Problem> {
        let user = self.engine.store.user(id).await.map_err(|error| store_problem(&error))?;
        if user.name == by.name {
            return Err(ProblemCode::SecondFactorOwn.into());
        }
        let mut entry = self.engine.audit.entry(AuditCode::SecondFactorReset, by, Outcome::Success);
        entry.details.insert("name".to_owned(), user.name.clone());
        match self.engine.store.reset_factor(id, &by.name, self.engine.clock.now(), entry).await {
            Ok(()) => {
                tracing::warn!(user.name, reset.by = by.name, "a second factor was reset by somebody else");
                Ok(())
            }
            Err(StoreError::NotFound { .. }) => Err(ProblemCode::SecondFactorAbsent.into()),
            Err(error) => Err(store_problem(&error)),
        }
    }

    /// A code of the second factor or a recovery code; a wrong one counts like a wrong password.
    ///
    /// # Errors
    /// `SecondFactorWrong`, `TooManyAttempts`, `SealMissing`.
    pub(super) async fn prove_code(&self, user: &StoredUser, code: &str, from: &str) -> Result<(), Problem> {
        let _alone = self.turns.take(&user.name).await;
        let user = self.engine.store.user(user.id).await.map_err(|error| store_problem(&error))?;
        self.not_locked(user.locked_until, &user.name, from).await?;
        if self.accepts(&user, code, from).await? {
            return Ok(());
        }
        let noted = self.engine.store.note_failure(user.id, self.engine.clock.now(), wait_until).await;
        noted.map_err(|error| store_problem(&error))?;
        let mut entry = self.engine.audit.entry(AuditCode::SecondFactorWrong, &person(&user), Outcome::Refused);
        entry.details.insert("from".to_owned(), from.to_owned());
        self.engine.audit.write(entry).await.map_err(|error| store_problem(&error))?;
        Err(ProblemCode::SecondFactorWrong.into())
    }

    async fn accepts(&self, user: &StoredUser, code: &str, from: &str) -> Result<bool, Problem> {
        let Some(factor) = self.factor(user.id).await?.filter(|factor| factor.enrolled_at.is_some()) else {
            return Ok(false);
        };
        let store = &self.engine.store;
        let accepted = match typed(code) {
            Typed::Code(code) => match self.step_of(user, &factor, &code)? {
                Some(step) => store.use_step(user.id, step).await,
                None => Ok(false),
            },
            Typed::Recovery(code) => {
                let mut entry = self.engine.audit.entry(AuditCode::RecoveryCodeUsed, &person(user), Outcome::Success);
                entry.details.insert("from".to_owned(), from.to_owned());
                let hash = recovery_hash(self.seal()?, user.id, &code);
                store.use_recovery_code(user.id, &hash, self.engine.clock.now(), entry).await
            }
            Typed::Neither => Ok(false),
        };
        accepted.map_err(|error| store_problem(&error))
    }

    /// The time step whose code this is, within the window; `None` for a wrong one.
    fn step_of(&self, user: &StoredUser, factor: &StoredFactor, code: &str) -> Result<Option<u64>, Problem> {
        let sealed_off = |_| Problem::from(ProblemCode::SealMissing);
        let secret = self.seal()?.unseal(&sealed_as(user.id), &factor.sealed).map_err(sealed_off)?;
        let totp = authenticator(&secret, &user.name).map_err(|_| Problem::from(ProblemCode::Internal))?;
        let now =
            u64::try_from(self.engine.clock.now().as_second()).map_err(|_| Problem::from(ProblemCode::Internal))?;
        Ok(totp.check(code, now))
    }

    async fn factor(&self, id: UserId) -> Result<Option<StoredFactor>, Problem> {
        self.engine.store.second_factor(id).await.map_err(|error| store_problem(&error))
    }

    fn seal(&self) -> Result<&Seal, Problem> {
        self.seal.as_ref().ok_or_else(|| ProblemCode::SealMissing.into())
    }
}

/// What the sealed secret is bound to: that of one account opens for no other.
fn sealed_as(id: UserId) -> String {
    format!("totp/{id}")
}

fn recovery_hash(seal: &Seal, id: UserId, code: &str) -> [u8; 32] {
    let plain: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| *c != '-').collect());
    seal.keyed_hash(&format!("recovery-code/{id}"), plain.as_bytes())
}
