use crate::support::{Room, at, cluster_id, conflict, entry, missing};
use engine::ports::{AuditStore as _, ClusterStore as _, SessionStore as _, StoredUser, UserStore as _, WaitAfter};
use jiff::Span;
use model::audit::{AuditCode, AuditFilter};
use model::ids::UserId;
use model::role::{Access, Role};
use uuid::Uuid;

const TOKEN: [u8; 32] = [7; 32];

#[tokio::test]
async fn accounts_come_back_with_their_roles() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let mut ops = user(1, "Ops-1", Role::Operator);
    ops.access.clusters.insert(one.id, Role::Approver);
    room.store.add_user(&ops, entry(AuditCode::UserCreated)).await.expect("add");
    room.store.add_user(&user(2, "admin", Role::Admin), entry(AuditCode::UserCreated)).await.expect("add");
    assert_eq!(room.store.users().await.expect("users"), [user(2, "admin", Role::Admin), ops.clone()]);
    assert_eq!(room.store.user_by_name("ops-1").await.expect("by name"), ops);
    assert_eq!(room.store.user(ops.id).await.expect("by id"), ops);
    assert_eq!(
        conflict(room.store.add_user(&user(3, "OPS-1", Role::Viewer), entry(AuditCode::UserCreated)).await),
        "user of that name"
    );
    assert_eq!(missing(room.store.user_by_name("nobody").await), "user");
}

#[tokio::test]
async fn roles_change_everywhere_or_on_one_cluster() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let id = added(&room, 1).await;
    let audit = || entry(AuditCode::RoleChanged);
    room.store.set_role(id, None, Role::Viewer, audit()).await.expect("everywhere");
    room.store.set_role(id, Some(one.id), Role::Operator, audit()).await.expect("cluster");
    room.store.set_role(id, Some(one.id), Role::Approver, audit()).await.expect("again");
    let access = room.store.user(id).await.expect("user").access;
    assert_eq!(access, Access { everywhere: Role::Viewer, clusters: [(one.id, Role::Approver)].into() });
    assert_eq!(missing(room.store.set_role(id, Some(cluster_id(9)), Role::Admin, audit()).await), "user or cluster");
    assert_eq!(missing(room.store.set_role(nobody(), None, Role::Admin, audit()).await), "user");
    room.store.forget_cluster(one.id, entry(AuditCode::ClusterForgotten)).await.expect("forget");
    assert!(room.store.user(id).await.expect("user").access.clusters.is_empty());
}

#[tokio::test]
async fn failures_are_counted_until_a_sign_in() {
    let room = Room::new().await;
    let id = added(&room, 1).await;
    let second_waits: WaitAfter =
        |failures, now| now.checked_add(Span::new().seconds(60)).ok().filter(|_| failures > 1);
    room.store.note_failure(id, at(0), second_waits).await.expect("failure");
    assert_eq!(room.store.user(id).await.expect("user").locked_until, None);
    room.store.note_failure(id, at(0), second_waits).await.expect("failure");
    let locked = room.store.user(id).await.expect("user");
    assert_eq!((locked.failures, locked.locked_until), (2, Some(at(60))));
    let shorter: [WaitAfter; 2] = [|_, _| None, |_, now| Some(now)];
    for wait in shorter {
        room.store.note_failure(id, at(1), wait).await.expect("failure");
    }
    let longer = room.store.user(id).await.expect("user");
    assert_eq!((longer.failures, longer.locked_until), (4, Some(at(60))), "only a sign-in ends a lock");
    room.store.note_sign_in(id, at(61)).await.expect("sign-in");
    let free = room.store.user(id).await.expect("user");
    assert_eq!((free.failures, free.locked_until, free.last_sign_in), (0, None, Some(at(61))));
    room.store.note_failure(id, at(99), second_waits).await.expect("failure");
    room.store.set_password(id, "$argon2id$other", entry(AuditCode::PasswordChanged)).await.expect("password");
    let renewed = room.store.user(id).await.expect("user");
    assert_eq!((renewed.failures, renewed.password_hash.as_deref()), (1, Some("$argon2id$other")));
    assert_eq!(missing(room.store.note_failure(nobody(), at(0), second_waits).await), "user");
}

#[tokio::test]
async fn a_role_on_a_cluster_is_taken_away_once() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let id = added(&room, 1).await;
    let audit = || entry(AuditCode::RoleChanged);
    assert_eq!(missing(room.store.drop_role(id, one.id, audit()).await), "role");
    room.store.set_role(id, Some(one.id), Role::Approver, audit()).await.expect("given");
    room.store.drop_role(id, one.id, audit()).await.expect("taken");
    assert!(room.store.user(id).await.expect("user").access.clusters.is_empty());
    assert_eq!(missing(room.store.drop_role(id, one.id, audit()).await), "role");
    let filter = AuditFilter { code: Some(AuditCode::RoleChanged), ..AuditFilter::default() };
    assert_eq!(room.store.find(&filter, 10).await.expect("audit").entries.len(), 2, "what was refused left an entry");
}

#[tokio::test]
async fn the_last_admin_stays() {
    let room = Room::new().await;
    let admin = |number, name| user(number, name, Role::Admin);
    let (one, other, unborn) =
        (admin(1, "one"), admin(2, "other"), StoredUser { password_hash: None, ..admin(3, "unborn") });
    let audit = || entry(AuditCode::RoleChanged);
    for account in [&one, &unborn] {
        room.store.add_user(account, entry(AuditCode::UserCreated)).await.expect("added");
    }
    assert_eq!(conflict(room.store.set_role(one.id, None, Role::Approver, audit()).await), "last admin");
    assert_eq!(conflict(room.store.disable(one.id, entry(AuditCode::UserDisabled)).await), "last admin");
    room.store.set_role(one.id, None, Role::Admin, audit()).await.expect("it stays what it is");
    // Who cannot sign in helps nobody, and may go.
    room.store.disable(unborn.id, entry(AuditCode::UserDisabled)).await.expect("disabled");
    room.store.add_user(&other, entry(AuditCode::UserCreated)).await.expect("added");
    room.store.set_role(one.id, None, Role::Viewer, audit()).await.expect("there is another one");
    assert_eq!(conflict(room.store.disable(other.id, entry(AuditCode::UserDisabled)).await), "last admin");
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once() {
    let room = Room::new().await;
    let id = added(&room, 1).await;
    let session = crate::sessions::row(1, Some(id));
    room.store.create_session(&session).await.expect("session");
    room.store.disable(id, entry(AuditCode::UserDisabled)).await.expect("disable");
    assert!(room.store.user(id).await.expect("user").disabled);
    assert_eq!(room.store.load_session(&session.id_hash, at(1)).await.expect("load"), None);
    assert_eq!(missing(room.store.save_session(&session).await), "session", "a late save does not bring it back");
}

#[tokio::test]
async fn an_invitation_is_used_once_even_by_eight_at_once() {
    let room = Room::new().await;
    invite(&room, None).await;
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let store = room.store.clone();
            let user = user(number, &format!("ops-{number}"), Role::Admin);
            tokio::spawn(async move { store.accept_invite(&TOKEN, &user, at(5), entry(AuditCode::UserCreated)).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.expect("task") {
            Ok(()) => accepted += 1,
            refused => assert_eq!(missing(refused), "invitation"),
        }
    }
    assert_eq!((accepted, room.store.users().await.expect("users").len()), (1, 1));
    let created = AuditFilter { code: Some(AuditCode::UserCreated), ..AuditFilter::default() };
    assert_eq!(room.store.find(&created, 9).await.expect("find").total, 1);
    assert_eq!(missing(room.store.invite(&TOKEN, at(5)).await), "invitation");
}

#[tokio::test]
async fn an_invitation_ends() {
    let room = Room::new().await;
    invite(&room, None).await;
    room.store.invite(&TOKEN, at(1_799)).await.expect("valid");
    assert_eq!(missing(room.store.invite(&TOKEN, at(1_800)).await), "invitation");
    let late = room
        .store
        .accept_invite(&TOKEN, &user(1, "ops-1", Role::Admin), at(1_800), entry(AuditCode::UserCreated))
        .await;
    assert_eq!(missing(late), "invitation");
    assert_eq!(missing(room.store.invite(&[8; 32], at(1)).await), "invitation");
}

#[tokio::test]
async fn an_invitation_makes_the_account_it_was_for() {
    let room = Room::new().await;
    added(&room, 9).await;
    invite(&room, Some("ops-1")).await;
    assert_eq!(room.store.invite(&TOKEN, at(1)).await.expect("invite"), (Role::Admin, Some("ops-1".into())));
    let audit = || entry(AuditCode::UserCreated);
    conflict(room.store.accept_invite(&TOKEN, &user(1, "eve", Role::Admin), at(1), audit()).await);
    conflict(room.store.accept_invite(&TOKEN, &user(1, "ops-1", Role::Viewer), at(1), audit()).await);
    room.store.accept_invite(&TOKEN, &user(1, "ops-1", Role::Admin), at(1), audit()).await.expect("accept");
}

#[tokio::test]
async fn a_taken_name_does_not_use_the_invitation_up() {
    let room = Room::new().await;
    added(&room, 9).await;
    invite(&room, None).await;
    let taken =
        room.store.accept_invite(&TOKEN, &user(1, "user-9", Role::Admin), at(1), entry(AuditCode::UserCreated)).await;
    assert_eq!(conflict(taken), "user of that name");
    room.store
        .accept_invite(&TOKEN, &user(1, "ops-1", Role::Admin), at(1), entry(AuditCode::UserCreated))
        .await
        .expect("accept");
}

#[tokio::test]
async fn sealed_blobs_are_kept_as_they_are() {
    let room = Room::new().await;
    assert_eq!(room.store.sealed("ssh").await.expect("sealed"), None);
    room.store.put_sealed("ssh", &[0, 255, 1]).await.expect("put");
    room.store.put_sealed("ssh", &[2]).await.expect("replace");
    assert_eq!(room.store.sealed("ssh").await.expect("sealed"), Some(vec![2]));
}

async fn invite(room: &Room, name: Option<&str>) {
    room.store.add_invite(&TOKEN, Role::Admin, name, at(1_800), entry(AuditCode::InviteIssued)).await.expect("invite");
}

async fn added(room: &Room, number: u128) -> UserId {
    let user = user(number, &format!("user-{number}"), Role::Operator);
    room.store.add_user(&user, entry(AuditCode::UserCreated)).await.expect("add");
    user.id
}

fn nobody() -> UserId {
    UserId::from_uuid(Uuid::from_u128(404))
}

pub fn user(number: u128, name: &str, role: Role) -> StoredUser {
    StoredUser {
        id: UserId::from_uuid(Uuid::from_u128(number)),
        name: name.into(),
        password_hash: Some("$argon2id$hash".into()),
        access: Access::everywhere(role),
        disabled: false,
        created_at: at(0),
        last_sign_in: None,
        failures: 0,
        locked_until: None,
        second_factor: false,
    }
}
