use crate::support::{Room, at, conflict, entry, missing};
use engine::ports::{SessionRow, SessionStore as _, StoredUser, UserStore as _};
use model::audit::AuditCode;
use model::ids::UserId;
use model::role::{Access, Role};
use uuid::Uuid;

#[tokio::test]
async fn a_session_lives_until_its_end() {
    let room = Room::new().await;
    let session = row(1, None);
    room.store.create_session(&session).await.expect("create");
    assert_eq!(conflict(room.store.create_session(&session).await), "session");
    assert_eq!(room.store.load_session(&session.id_hash, at(99)).await.expect("load"), Some(session.clone()));
    assert_eq!(room.store.load_session(&session.id_hash, at(100)).await.expect("load"), None);
    let longer = SessionRow { data: "{\"seen\":2}".into(), expires_at: at(200), ..session };
    room.store.save_session(&longer).await.expect("save");
    assert_eq!(room.store.load_session(&longer.id_hash, at(150)).await.expect("load"), Some(longer.clone()));
    room.store.delete_session(&longer.id_hash).await.expect("delete");
    room.store.delete_session(&longer.id_hash).await.expect("deleting twice is no error");
    assert_eq!(room.store.load_session(&longer.id_hash, at(1)).await.expect("load"), None);
    assert_eq!(missing(room.store.save_session(&longer).await), "session");
}

#[tokio::test]
async fn sessions_end_by_time_and_by_person() {
    let room = Room::new().await;
    let id = account(&room).await;
    for (number, end) in [(1, 10), (2, 20), (3, 30)] {
        let user = if number == 3 { None } else { Some(id) };
        room.store.create_session(&SessionRow { expires_at: at(end), ..row(number, user) }).await.expect("create");
    }
    assert_eq!(room.store.expire_sessions(at(10)).await.expect("expire"), 1);
    assert_eq!(room.store.delete_sessions_of(id).await.expect("delete"), 1);
    assert!(room.store.load_session(&[3; 32], at(1)).await.expect("load").is_some());
    let stranger = UserId::from_uuid(Uuid::from_u128(5));
    assert_eq!(missing(room.store.create_session(&row(4, Some(stranger))).await), "user");
}

pub fn row(number: u8, user: Option<UserId>) -> SessionRow {
    SessionRow { id_hash: [number; 32], user, data: "{}".into(), created_at: at(0), expires_at: at(100) }
}

async fn account(room: &Room) -> UserId {
    let user = StoredUser {
        id: UserId::from_uuid(Uuid::from_u128(1)),
        name: "ops-1".into(),
        password_hash: None,
        access: Access::everywhere(Role::Viewer),
        disabled: false,
        created_at: at(0),
        last_sign_in: None,
        failures: 0,
        locked_until: None,
        second_factor: false,
    };
    room.store.add_user(&user, entry(AuditCode::UserCreated)).await.expect("add");
    user.id
}
