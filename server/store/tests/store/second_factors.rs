use crate::people::user;
use crate::support::{Room, at, conflict, entry, missing};
use engine::ports::{
    AuditStore as _, FactorReset, SecondFactorStore as _, SessionStore as _, StoredFactor, UserStore as _,
};
use model::audit::{AuditCode, AuditFilter};
use model::ids::UserId;
use model::role::Role;

const CODES: [[u8; 32]; 2] = [[1; 32], [2; 32]];

async fn account(room: &Room) -> UserId {
    let account = user(1, "anna", Role::Operator);
    room.store.add_user(&account, entry(AuditCode::UserCreated)).await.expect("added");
    account.id
}

async fn enrolled(room: &Room) -> UserId {
    let id = account(room).await;
    room.store.begin_factor(id, b"sealed", at(1)).await.expect("begun");
    let audit = entry(AuditCode::SecondFactorEnrolled);
    room.store.enrol_factor(id, b"sealed", 10, &CODES, at(2), audit).await.expect("enrolled");
    id
}

async fn audited(room: &Room, code: AuditCode) -> usize {
    let filter = AuditFilter { code: Some(code), ..AuditFilter::default() };
    room.store.find(&filter, 10).await.expect("audit").entries.len()
}

#[tokio::test]
async fn what_no_code_has_confirmed_is_asked_for_by_nobody() {
    let room = Room::new().await;
    let id = account(&room).await;
    assert_eq!(room.store.second_factor(id).await.expect("read"), None);
    room.store.begin_factor(id, b"first", at(1)).await.expect("begun");
    room.store.begin_factor(id, b"second", at(2)).await.expect("begun anew");
    assert!(!room.store.user(id).await.expect("user").second_factor);
    let audit = || entry(AuditCode::SecondFactorEnrolled);
    assert!(!room.store.use_step(id, 5).await.expect("asked"), "an unconfirmed secret lets somebody in");
    assert_eq!(missing(room.store.remove_factor(id, audit()).await), "second factor");
    let late = room.store.enrol_factor(id, b"first", 5, &CODES, at(3), audit()).await;
    assert_eq!(conflict(late), "second factor", "the code of a secret that was replaced");
    room.store.enrol_factor(id, b"second", 5, &CODES, at(3), audit()).await.expect("enrolled");
    let found = room.store.second_factor(id).await.expect("read").expect("there");
    let expected = StoredFactor {
        sealed: b"second".to_vec(),
        begun_at: at(2),
        enrolled_at: Some(at(3)),
        last_step: 5,
        recovery_left: 2,
    };
    assert_eq!(found, expected);
    assert!(room.store.user(id).await.expect("user").second_factor);
    assert_eq!(conflict(room.store.begin_factor(id, b"third", at(4)).await), "second factor");
    assert_eq!(conflict(room.store.enrol_factor(id, b"second", 6, &CODES, at(4), audit()).await), "second factor");
    assert_eq!(audited(&room, AuditCode::SecondFactorEnrolled).await, 1);
}

#[tokio::test]
async fn a_step_counts_once_and_never_after_a_later_one() {
    let room = Room::new().await;
    let id = enrolled(&room).await;
    for (step, accepted) in [(10, false), (11, true), (11, false), (13, true), (12, false), (14, true)] {
        assert_eq!(room.store.use_step(id, step).await.expect("asked"), accepted, "{step}");
    }
    let (one, other) = tokio::join!(room.store.use_step(id, 20), room.store.use_step(id, 20));
    assert!(one.expect("asked") ^ other.expect("asked"), "one code let two people in");
}

#[tokio::test]
async fn a_recovery_code_counts_once_and_says_how_many_are_left() {
    let room = Room::new().await;
    let id = enrolled(&room).await;
    let using = async |code: [u8; 32]| {
        room.store.use_recovery_code(id, &code, at(5), entry(AuditCode::RecoveryCodeUsed)).await.expect("asked")
    };
    assert!(!using([9; 32]).await);
    assert!(using(CODES[0]).await);
    assert!(!using(CODES[0]).await);
    assert_eq!(room.store.second_factor(id).await.expect("read").expect("there").recovery_left, 1);
    let filter = AuditFilter { code: Some(AuditCode::RecoveryCodeUsed), ..AuditFilter::default() };
    let entries = room.store.find(&filter, 10).await.expect("audit").entries;
    let left: Vec<_> = entries.iter().map(|one| one.entry.details["left"].as_str()).collect();
    assert_eq!(left, ["1"], "what was refused left an entry");
}

#[tokio::test]
async fn what_the_person_removes_leaves_nothing() {
    let room = Room::new().await;
    let id = enrolled(&room).await;
    room.store.remove_factor(id, entry(AuditCode::SecondFactorRemoved)).await.expect("removed");
    assert_eq!(room.store.second_factor(id).await.expect("read"), None);
    assert_eq!(room.store.factor_reset(id).await.expect("read"), None);
    assert!(
        !room.store.use_recovery_code(id, &CODES[1], at(5), entry(AuditCode::RecoveryCodeUsed)).await.expect("asked")
    );
    assert_eq!(missing(room.store.remove_factor(id, entry(AuditCode::SecondFactorRemoved)).await), "second factor");
    assert_eq!(audited(&room, AuditCode::SecondFactorRemoved).await, 1);
}

#[tokio::test]
async fn what_somebody_else_resets_ends_sessions_and_is_told_until_it_is_known() {
    let room = Room::new().await;
    let id = enrolled(&room).await;
    let session = crate::sessions::row(1, Some(id));
    room.store.create_session(&session).await.expect("session");
    room.store.reset_factor(id, "ada", at(7), entry(AuditCode::SecondFactorReset)).await.expect("reset");
    assert_eq!(room.store.second_factor(id).await.expect("read"), None);
    assert_eq!(room.store.load_session(&session.id_hash, at(8)).await.expect("load"), None);
    let told = FactorReset { by: "ada".into(), at: at(7) };
    assert_eq!(room.store.factor_reset(id).await.expect("read"), Some(told.clone()));
    let twice = room.store.reset_factor(id, "ada", at(8), entry(AuditCode::SecondFactorReset)).await;
    assert_eq!(missing(twice), "second factor");
    // Setting it up again says that the person knows, as well as saying so.
    room.store.begin_factor(id, b"new", at(9)).await.expect("begun");
    assert_eq!(room.store.factor_reset(id).await.expect("read"), Some(told));
    let audit = entry(AuditCode::SecondFactorEnrolled);
    room.store.enrol_factor(id, b"new", 20, &CODES, at(10), audit).await.expect("enrolled");
    assert_eq!(room.store.factor_reset(id).await.expect("read"), None);
    room.store.reset_factor(id, "ada", at(11), entry(AuditCode::SecondFactorReset)).await.expect("reset");
    room.store.forget_factor_reset(id).await.expect("known");
    assert_eq!(room.store.factor_reset(id).await.expect("read"), None);
}
