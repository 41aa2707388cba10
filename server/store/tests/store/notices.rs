use crate::support::{Room, at, entry};
use engine::ports::{AuditStore as _, Fate, NoticeStore as _, Outgoing, PlaceState, Queue};
use model::audit::AuditCode;
use model::notice::Notice;
use model::problem::{Problem, ProblemCode};
use uuid::Uuid;

fn out(number: u128, place: &str) -> Outgoing {
    Outgoing { id: Uuid::from_u128(number), place: place.to_owned(), notice: Notice::test("anna", at(1)) }
}

fn failing() -> PlaceState {
    PlaceState {
        failures: 3,
        failing_since: Some(at(2)),
        told: true,
        resume_at: Some(at(60)),
        last_failure: Some((at(5), Problem::from(ProblemCode::PlaceUnreachable).quoting("refused"))),
        delivered_at: Some(at(1)),
        given_up: 0,
    }
}

#[tokio::test]
async fn what_waits_and_what_is_known_of_a_place_outlives_a_crash() {
    let room = Room::new().await;
    assert_eq!(room.store.notice_cursor().await.expect("read"), None);
    assert_eq!(room.store.place_state("mail").await.expect("read"), PlaceState::default());
    room.store.keep_notices(Some(7), &[out(1, "mail"), out(2, "webhook")], at(3), 10).await.expect("kept");
    room.store.put_place("mail", &failing(), Fate::None, vec![entry(AuditCode::MessagesFailing)]).await.expect("put");
    let room = room.crash().await;
    assert_eq!(room.store.notice_cursor().await.expect("read"), Some(7));
    assert_eq!(room.store.place_state("mail").await.expect("read"), failing());
    assert_eq!(room.store.notice_queue("mail").await.expect("read"), Queue { waiting: 1, oldest: Some(at(3)) });
    let due = room.store.due_notice("mail", at(3)).await.expect("read").expect("it waits");
    assert_eq!(
        (due.id, due.tries, due.made_at, due.notice),
        (Uuid::from_u128(1), 0, at(3), Notice::test("anna", at(1)))
    );
    assert_eq!(room.store.entry(1).await.expect("read").entry.code, AuditCode::MessagesFailing);
}

#[tokio::test]
async fn one_that_was_tried_waits_behind_the_others_and_until_its_time() {
    let room = Room::new().await;
    room.store.keep_notices(None, &[out(1, "mail"), out(2, "mail")], at(3), 10).await.expect("kept");
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let due = async |second| room.store.due_notice("mail", at(second)).await.expect("read").map(|one| one.id);
    assert_eq!(due(2).await, None, "not before it was made");
    assert_eq!(due(3).await, Some(first));
    let later = Fate::Later { id: first, tries: 1, next_at: at(9) };
    room.store.put_place("mail", &failing(), later, Vec::new()).await.expect("put");
    assert_eq!(due(9).await, Some(second));
    room.store.put_place("mail", &PlaceState::default(), Fate::Arrived(second), Vec::new()).await.expect("put");
    assert_eq!((due(8).await, due(9).await), (None, Some(first)));
    room.store.put_place("mail", &failing(), Fate::GivenUp(first), Vec::new()).await.expect("put");
    assert_eq!(due(9).await, None);
    assert_eq!(room.store.place_state("mail").await.expect("read").given_up, 1);
}

#[tokio::test]
async fn the_oldest_fall_off_and_are_counted_for_their_own_place() {
    let room = Room::new().await;
    let all = [out(1, "mail"), out(2, "mail"), out(3, "webhook"), out(4, "mail")];
    assert_eq!(room.store.keep_notices(None, &all, at(3), 2).await.expect("kept"), 1);
    assert_eq!(room.store.place_state("mail").await.expect("read").given_up, 1);
    assert_eq!(room.store.place_state("webhook").await.expect("read").given_up, 0);
    let due = room.store.due_notice("mail", at(3)).await.expect("read").map(|one| one.id);
    assert_eq!(due, Some(Uuid::from_u128(2)));
}

#[tokio::test]
async fn places_that_are_not_named_are_forgotten() {
    let room = Room::new().await;
    room.store.keep_notices(Some(7), &[out(1, "mail"), out(2, "webhook")], at(3), 10).await.expect("kept");
    room.store.put_place("mail", &failing(), Fate::None, Vec::new()).await.expect("put");
    room.store.settle_places(&["webhook".to_owned()]).await.expect("settled");
    assert_eq!(room.store.notice_queue("mail").await.expect("read"), Queue::default());
    assert_eq!(room.store.place_state("mail").await.expect("read"), PlaceState::default());
    assert_eq!(room.store.notice_queue("webhook").await.expect("read").waiting, 1);
    assert_eq!(room.store.notice_cursor().await.expect("read"), Some(7));
    room.store.settle_places(&[]).await.expect("settled");
    assert_eq!(room.store.notice_queue("webhook").await.expect("read"), Queue::default());
    assert_eq!(room.store.notice_cursor().await.expect("read"), None);
}
