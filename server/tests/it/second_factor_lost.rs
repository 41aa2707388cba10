//! Second factors that are lost: by the person, who is helped at the terminal, and by the console, whose key file is gone.

use crate::app::PASSWORD;
use crate::process::quorate;
use engine::ports::{AuditStore, SecondFactorStore, StoredUser};
use model::audit::{AuditCode, AuditFilter};
use model::problem::ProblemCode;
use model::role::Role;
use server::keys::SEAL_FILE;
use server::second_factor::authenticator;
use server::serve::{self, House};
use std::path::Path;
use totp_rs::{Secret, Totp};
use zeroize::Zeroizing;

fn password() -> Zeroizing<String> {
    Zeroizing::new(PASSWORD.to_owned())
}

/// A console with one account that has a second factor.
async fn with_factor(data: &Path) -> (StoredUser, Totp) {
    let house = serve::open(data).await.expect("opened");
    let user = house.accounts.create("anna", Role::Operator, password()).await.expect("account");
    let secret = house.accounts.begin_factor(user.id).await.expect("begun").secret;
    let secret = Secret::try_from_base32(secret.as_str()).expect("base32");
    let totp = authenticator(secret.as_bytes(), "anna").expect("a secret");
    house.accounts.enrol_factor(user.id, &now(&house, &totp)).await.expect("enrolled");
    house.store.close().await;
    (user, totp)
}

fn now(house: &House, totp: &Totp) -> String {
    totp.generate(u64::try_from(house.engine.clock.now().as_second()).expect("after 1970")).to_string()
}

#[tokio::test]
async fn somebody_at_the_terminal_takes_a_second_factor_away() {
    let folder = tempfile::tempdir().expect("folder");
    let (user, _) = with_factor(folder.path()).await;
    let reset = async |name: &str| {
        let command = ["reset-second-factor", name];
        quorate().args(["user", "--data"]).arg(folder.path()).args(command).output().await.expect("it runs")
    };
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let unknown = reset("nobody").await;
    assert!(!unknown.status.success() && said(&unknown).contains("no account nobody"), "{}", said(&unknown));
    let done = reset("anna").await;
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("a second factor was reset"), "it is not loud: {}", said(&done));
    let again = reset("anna").await;
    assert!(!again.status.success() && said(&again).contains("no second factor"), "{}", said(&again));

    let house = serve::open(folder.path()).await.expect("opened");
    house.accounts.sign_in("anna", password(), None, "127.0.0.1").await.expect("the password is enough");
    assert_eq!(house.store.factor_reset(user.id).await.expect("read").expect("they are told").by, "system");
    let filter = AuditFilter { code: Some(AuditCode::SecondFactorReset), ..AuditFilter::default() };
    let entries = house.store.find(&filter, 10).await.expect("audit").entries;
    assert_eq!((entries.len(), entries[0].entry.details["name"].as_str()), (1, "anna"));
}

#[tokio::test]
async fn without_the_key_file_no_code_opens_anything_and_none_is_promised() {
    let folder = tempfile::tempdir().expect("folder");
    let (user, totp) = with_factor(folder.path()).await;
    std::fs::remove_file(folder.path().join(SEAL_FILE)).expect("lost");
    let house = serve::open(folder.path()).await.expect("the console still starts");
    for code in [now(&house, &totp), "ABCD-EFGH-IJKL-MNOP".to_owned()] {
        let refused = house.accounts.sign_in("anna", password(), Some(Zeroizing::new(code)), "127.0.0.1").await;
        assert_eq!(refused.expect_err("sealed off").code, ProblemCode::SealMissing);
    }
    // What nobody could open again is not sealed.
    house.accounts.reset_factor(&engine::audit::Person::system(), user.id).await.expect("reset");
    let begun = house.accounts.begin_factor(user.id).await;
    assert_eq!(begun.err().expect("refused").code, ProblemCode::SealMissing);
    assert_eq!(house.store.second_factor(user.id).await.expect("read"), None);
    house.accounts.sign_in("anna", password(), None, "127.0.0.1").await.expect("the password is enough");
}
