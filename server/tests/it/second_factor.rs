//! The second factor through raw requests: set up, asked for, guessed, lost, taken away.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use app::api::{AccountView, Inbox, Me, NewSecondFactor, RecoveryCodes};
use engine::ports::Clock;
use futures::future::join_all;
use model::audit::{AuditCode, AuditEntry, AuditPage};
use model::policy::SecondFactor;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::json;
use server::second_factor::{ENROL_MIN, RECOVERY_CODES, authenticator};
use totp_rs::{Secret, Totp};

/// A person's phone.
pub struct Phone {
    totp: Totp,
    pub secret: String,
    pub recovery: Vec<String>,
}

impl Phone {
    pub fn with(secret: &str) -> Self {
        let bytes = Secret::try_from_base32(secret).expect("base32");
        let totp = authenticator(bytes.as_bytes(), "phone").expect("a secret");
        Self { totp, secret: secret.to_owned(), recovery: Vec::new() }
    }

    /// The code that it shows now, or so many steps later or before.
    pub fn code(&self, app: &TestApp, steps: i64) -> String {
        let at = app.clock.now().as_second() + steps * 30;
        self.totp.generate(u64::try_from(at).expect("after 1970")).to_string()
    }

    /// The code of a step that has not been used: time goes on until there is one.
    pub fn next(&self, app: &TestApp) -> String {
        app.clock.advance_seconds(30);
        self.code(app, 0)
    }
}

/// A console whose time goes only where a test moves it: a code is good for half a minute.
async fn still() -> TestApp {
    let app = TestApp::new().await;
    app.clock.stop();
    app
}

/// Sets a second factor up for whoever is signed in.
pub async fn enrol(app: &TestApp, client: &Client) -> Phone {
    let new: NewSecondFactor = client.call("begin_second_factor", json!({})).await.expect("begun");
    let mut phone = Phone::with(&new.secret);
    let code = phone.code(app, 0);
    let recovery: RecoveryCodes = client.call("enrol_second_factor", json!({ "code": code })).await.expect("enrolled");
    phone.recovery = recovery.codes;
    phone
}

pub async fn sign_in(client: &Client, name: &str, code: &str) -> Result<Me, Problem> {
    client.call("sign_in", json!({ "name": name, "password": PASSWORD, "code": code })).await
}

async fn confirm(client: &Client, code: Option<&str>) -> Result<Me, Problem> {
    client.call("confirm_password", json!({ "password": PASSWORD, "code": code })).await
}

async fn account(client: &Client) -> AccountView {
    client.call("my_account", json!({})).await.expect("account")
}

async fn audited(client: &Client, code: AuditCode) -> Vec<AuditEntry> {
    let page: AuditPage =
        client.call("audit", json!({ "filter": { "code": code }, "again": false })).await.expect("audit");
    page.entries.into_iter().map(|one| one.entry).collect()
}

fn code<T: std::fmt::Debug>(answer: Result<T, Problem>) -> ProblemCode {
    answer.expect_err("refused").code
}

#[tokio::test]
async fn it_counts_once_a_code_has_come_and_recovery_codes_are_shown_once() {
    let app = still().await;
    let client = app.operator().await;
    let first: NewSecondFactor = client.call("begin_second_factor", json!({})).await.expect("begun");
    let new: NewSecondFactor = client.call("begin_second_factor", json!({})).await.expect("begun anew");
    assert_ne!(first.secret, new.secret);
    assert!(new.path.starts_with('M') && new.side > 20, "no picture");
    app.anon().sign_in("operator", PASSWORD).await.expect("nothing is asked for yet");
    let enrolling =
        async |code: &str| client.call::<RecoveryCodes>("enrol_second_factor", json!({ "code": code })).await;
    let phone = Phone::with(&new.secret);
    for wrong in ["", "000000", "abc", &Phone::with(&first.secret).code(&app, 0), &phone.code(&app, 2)] {
        assert_eq!(code(enrolling(wrong).await), ProblemCode::SecondFactorWrong, "{wrong}");
    }
    assert_eq!(account(&client).await.second_factor, None);
    let recovery = enrolling(&phone.code(&app, 0)).await.expect("enrolled").codes;
    assert_eq!(recovery.len(), RECOVERY_CODES);
    assert_eq!(account(&client).await.second_factor.expect("there").recovery_left, 10);
    assert_eq!(client.me().await.expect("me").shown.second_factor, SecondFactor::Fresh);
    for again in ["begin_second_factor", "enrol_second_factor"] {
        let input = json!({ "code": phone.code(&app, 1) });
        assert_eq!(code(client.call::<serde_json::Value>(again, input).await), ProblemCode::SecondFactorPresent);
    }
    assert_eq!(audited(&client, AuditCode::SecondFactorEnrolled).await[0].who, "operator");
}

#[tokio::test]
async fn a_secret_waits_a_quarter_of_an_hour_and_needs_a_fresh_sign_in() {
    let app = still().await;
    let client = app.operator().await;
    let new: NewSecondFactor = client.call("begin_second_factor", json!({})).await.expect("begun");
    app.clock.advance_minutes(ENROL_MIN);
    for (function, input) in [("begin_second_factor", json!({})), ("enrol_second_factor", json!({ "code": "000000" }))]
    {
        let old = client.call::<serde_json::Value>(function, input).await.expect_err("an open tab");
        assert_eq!((old.code, old.params["missing"].as_str()), (ProblemCode::ConsentMissing, "fresh-sign-in"));
    }
    confirm(&client, None).await.expect("the password");
    let input = json!({ "code": Phone::with(&new.secret).code(&app, 0) });
    let late = client.call::<RecoveryCodes>("enrol_second_factor", input).await;
    assert_eq!(code(late), ProblemCode::SecondFactorAbsent);
}

#[tokio::test]
async fn signing_in_asks_for_a_code_that_counts_once_within_its_window() {
    let app = still().await;
    let phone = enrol(&app, &app.operator().await).await;
    app.clock.advance_minutes(10);
    let client = app.anon();
    assert_eq!(code(client.sign_in("operator", PASSWORD).await), ProblemCode::SecondFactorNeeded);
    assert_eq!(code(sign_in(&client, "operator", " ").await), ProblemCode::SecondFactorNeeded);
    assert_eq!(code(client.me().await), ProblemCode::NotSignedIn, "the password alone has opened the door");
    // Who does not know the password does not learn that there is a second factor.
    let wrong = client.sign_in("operator", "wrong password").await;
    assert_eq!(code(wrong), ProblemCode::WrongCredentials);
    let all =
        [(2, false), (-2, false), (-1, true), (-1, false), (0, true), (0, false), (-1, false), (1, true), (0, false)];
    for (steps, fits) in all {
        let answer = sign_in(&app.anon(), "operator", &phone.code(&app, steps)).await;
        match fits {
            true => assert!(answer.is_ok(), "{steps}: {answer:?}"),
            false => assert_eq!(code(answer), ProblemCode::SecondFactorWrong, "{steps}"),
        }
    }
}

#[tokio::test]
async fn guessing_codes_waits_like_guessing_passwords_and_the_password_alone_does_not_end_it() {
    let app = still().await;
    let own = app.operator().await;
    let phone = enrol(&app, &own).await;
    for left in [3, 2, 1, 0] {
        assert_eq!(code(sign_in(&app.anon(), "operator", "000000").await), ProblemCode::SecondFactorWrong);
        // The right password alone, at the door or in an open session, starts no new count.
        let expected = if left > 0 { ProblemCode::SecondFactorNeeded } else { ProblemCode::TooManyAttempts };
        assert_eq!(code(app.anon().sign_in("operator", PASSWORD).await), expected);
        assert_eq!(confirm(&own, None).await.is_ok(), left > 0);
    }
    for right in [&phone.code(&app, 1), &phone.recovery[0]] {
        assert_eq!(code(sign_in(&app.anon(), "operator", right).await), ProblemCode::TooManyAttempts);
    }
    app.clock.advance_seconds(6);
    assert_eq!(code(sign_in(&app.anon(), "operator", "000000").await), ProblemCode::SecondFactorWrong);
    app.clock.advance_seconds(6);
    assert_eq!(code(confirm(&own, Some("000000")).await), ProblemCode::TooManyAttempts, "it waits twice as long now");
    app.clock.advance_seconds(6);
    sign_in(&app.anon(), "operator", &phone.next(&app)).await.expect("the wait is over");
    assert_eq!(code(sign_in(&app.anon(), "operator", "000000").await), ProblemCode::SecondFactorWrong);
    sign_in(&app.anon(), "operator", &phone.next(&app)).await.expect("a success starts the count anew");
    let entries = audited(&app.viewer().await, AuditCode::SecondFactorWrong).await;
    assert_eq!(entries.len(), 6);
    assert!(entries.iter().all(|entry| entry.who == "operator" && entry.details.contains_key("from")));
}

#[tokio::test]
async fn of_many_guesses_at_once_four_are_looked_at() {
    let app = still().await;
    enrol(&app, &app.operator().await).await;
    let clients: Vec<Client> = (0..16).map(|_| app.anon()).collect();
    let answers = join_all(clients.iter().map(|client| sign_in(client, "operator", "000000"))).await;
    let wrong = answers.into_iter().map(code).filter(|code| *code == ProblemCode::SecondFactorWrong).count();
    assert_eq!(wrong, 4);
}

#[tokio::test]
async fn a_recovery_code_opens_the_door_once() {
    let app = still().await;
    let phone = enrol(&app, &app.operator().await).await;
    let [one, other, ..] = &phone.recovery[..] else { panic!("no recovery codes") };
    let client = app.anon();
    sign_in(&client, "operator", one).await.expect("in place of a code");
    assert_eq!(code(sign_in(&app.anon(), "operator", one).await), ProblemCode::SecondFactorWrong);
    sign_in(&app.anon(), "operator", &other.to_lowercase().replace('-', " ")).await.expect("as people type");
    assert_eq!(account(&client).await.second_factor.expect("there").recovery_left, 8);
    let left: Vec<_> =
        audited(&client, AuditCode::RecoveryCodeUsed).await.iter().map(|entry| entry.details["left"].clone()).collect();
    assert_eq!(left, ["8", "9"]);
    // Nobody else's.
    app.account("other", Role::Operator).await;
    let stranger = app.anon();
    stranger.sign_in("other", PASSWORD).await.expect("without a second factor");
    enrol(&app, &stranger).await;
    assert_eq!(code(sign_in(&app.anon(), "other", &phone.recovery[5]).await), ProblemCode::SecondFactorWrong);
}

#[tokio::test]
async fn one_s_own_is_removed_with_a_code_and_never_from_an_open_tab() {
    let app = still().await;
    let client = app.operator().await;
    let removing = async |code: &str| client.call::<()>("remove_second_factor", json!({ "code": code })).await;
    assert_eq!(code(removing("000000").await), ProblemCode::SecondFactorAbsent);
    let phone = enrol(&app, &client).await;
    assert_eq!(code(removing("000000").await), ProblemCode::SecondFactorWrong);
    app.clock.advance_minutes(6);
    let old = removing(&phone.code(&app, 0)).await.expect_err("an open tab");
    assert_eq!(old.params["missing"], "fresh-sign-in");
    confirm(&client, None).await.expect("the password");
    removing(&phone.code(&app, 0)).await.expect("removed");
    assert_eq!(client.me().await.expect("me").shown.second_factor, SecondFactor::NotEnrolled);
    app.anon().sign_in("operator", PASSWORD).await.expect("the password is enough again");
    assert_eq!(audited(&client, AuditCode::SecondFactorRemoved).await.len(), 1);
    let recovery = sign_in(&app.anon(), "operator", &phone.recovery[0]).await.expect("a code that nobody asks for");
    assert_eq!(recovery.shown.second_factor, SecondFactor::NotEnrolled);
}

#[tokio::test]
async fn an_admin_resets_somebody_else_s_loudly() {
    let app = still().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    enrol(&app, &operator).await;
    let phone = enrol(&app, &admin).await;
    let (id, own) = (operator.me().await.expect("me").id, admin.me().await.expect("me").id);
    let resetting = async |client: &Client, id| client.call::<()>("reset_second_factor", json!({ "id": id })).await;
    assert_eq!(code(resetting(&app.approver().await, id).await), ProblemCode::RoleTooLow);
    assert_eq!(code(resetting(&admin, own).await), ProblemCode::SecondFactorOwn);
    app.clock.advance_minutes(6);
    confirm(&admin, None).await.expect("the password");
    let old = resetting(&admin, id).await.expect_err("without the admin's own code");
    assert_eq!(old.params["missing"], "second-factor");
    confirm(&admin, Some(&phone.code(&app, 0))).await.expect("with it");
    resetting(&admin, id).await.expect("reset");
    assert_eq!(code(resetting(&admin, id).await), ProblemCode::SecondFactorAbsent);
    assert_eq!(code(operator.me().await), ProblemCode::NotSignedIn, "the sessions go on");

    let again = app.anon();
    again.sign_in("operator", PASSWORD).await.expect("the password is enough");
    let inbox: Inbox = again.call("inbox", json!({})).await.expect("inbox");
    assert_eq!(inbox.taken.expect("they are told").by, "admin");
    again.call::<()>("acknowledge_reset", json!({})).await.expect("known");
    let inbox: Inbox = again.call("inbox", json!({})).await.expect("inbox");
    assert_eq!(inbox.taken, None);
    let entry = &audited(&admin, AuditCode::SecondFactorReset).await[0];
    assert_eq!((entry.who.as_str(), entry.details["name"].as_str()), ("admin", "operator"));
    assert!(crate::logs::contains("a second factor was reset"), "the log says nothing");
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let app = still().await;
    let (client, other) = (app.operator().await, app.anon());
    other.sign_in("operator", PASSWORD).await.expect("a second browser");
    let new = "another-canary-password";
    let changing = async |password: &str, new: &str| {
        client.call::<()>("change_password", json!({ "password": password, "new": new })).await
    };
    assert_eq!(code(changing("wrong password", new).await), ProblemCode::WrongCredentials);
    assert_eq!(code(changing(PASSWORD, "short").await), ProblemCode::PasswordTooShort);
    other.me().await.expect("nothing has happened");
    let before = client.cookie();
    changing(PASSWORD, new).await.expect("changed");
    assert_ne!(client.cookie(), before);
    assert_eq!(client.me().await.expect("this one goes on").name, "operator");
    assert_eq!(code(other.me().await), ProblemCode::NotSignedIn);
    assert_eq!(code(app.anon().sign_in("operator", PASSWORD).await), ProblemCode::WrongCredentials);
    app.anon().sign_in("operator", new).await.expect("the new one");
    assert_eq!(audited(&client, AuditCode::PasswordChanged).await.len(), 1);
}
