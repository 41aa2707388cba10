//! Archived parts that are missing, changed, cut or replaced.

use crate::archived::{Desk, close, key, many};
use crate::support::entry;
use engine::audit::segment::sign;
use engine::ports::{AuditStore as _, StoreError};
use model::audit::{AuditCode, AuditFilter, ChainState};
use model::segment::{Segment, SegmentFault as Fault, Unread};
use sha2::{Digest as _, Sha256};
use std::path::Path;

#[tokio::test]
async fn an_untouched_audit_passes() {
    let (desk, _, _) = Desk::with_two_parts().await;
    assert!(matches!(desk.verified().await, ChainState::Whole { entries: 92, .. }));
}

#[tokio::test]
async fn a_file_that_is_missing_cut_changed_or_replaced_is_named() {
    let (desk, one, two) = Desk::with_two_parts().await;
    type Deed = fn(&Path, &Path);
    let deeds: [(Deed, Fault); 6] = [
        (|file, _| std::fs::remove_file(file).expect("gone"), Fault::Missing),
        (|file, _| changed(file, |bytes| bytes.truncate(bytes.len() - 4_096)), Fault::OtherFile),
        (|file, _| changed(file, |bytes| flip(bytes)), Fault::OtherFile),
        (|file, other| assert!(std::fs::copy(other, forced(file)).expect("replaced") > 0), Fault::OtherFile),
        (|file, _| std::fs::remove_file(file.with_extension("json")).expect("gone"), Fault::Statement),
        (|file, _| changed(&file.with_extension("json"), |text| text.extend(b"  \n,")), Fault::Statement),
    ];
    for (number, (deed, fault)) in deeds.iter().enumerate() {
        for (part, other) in [(&one, &two), (&two, &one)] {
            let copy = desk.copied();
            deed(&copy.archive(part), &copy.archive(other));
            assert_eq!(copy.lost().await, Some((*fault, part.first)), "deed {number} on {}", part.file());
        }
    }
}

#[tokio::test]
async fn a_part_that_is_not_in_the_list_any_more_is_missed() {
    let (desk, one, two) = Desk::with_two_parts().await;
    let forget = "DROP TRIGGER audit_segments_no_delete; DELETE FROM audit_segments WHERE";
    let (first, newest) = (desk.copied(), desk);
    first.tamper(&first.database(), &format!("{forget} last = {}", one.last)).await;
    assert_eq!(first.lost().await, Some((Fault::NotNext, two.first)));
    newest.tamper(&newest.database(), &format!("{forget} last = {}", two.last)).await;
    let found = newest.verified().await;
    assert!(matches!(found, ChainState::Broken { at_index, .. } if at_index == two.first), "{found:?}");
}

/// Whoever has the signing key too can sign what they like; the chain still shows it.
#[tokio::test]
async fn a_changed_entry_is_found_even_where_it_was_signed_again() {
    let changes = [
        "UPDATE audit SET bytes = CAST(replace(CAST(bytes AS TEXT), 'ops-1', 'ops-2') AS BLOB) WHERE idx = 2",
        "UPDATE audit_found SET code = 'signed_out' WHERE idx = 4",
        "DELETE FROM audit WHERE idx = 3",
        "INSERT INTO audit_index (audit_index) VALUES ('delete-all')",
    ];
    for change in changes {
        let (desk, one, _) = Desk::with_two_parts().await;
        let drop_all =
            "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_found_no_update;";
        desk.tamper(&desk.archive(&one), &format!("{drop_all} {change}")).await;
        signed_again(&desk, &one, 1).await;
        assert_eq!(desk.lost().await, Some((Fault::Broken, 1)), "{change}");
    }
    let (desk, one, _) = Desk::with_two_parts().await;
    let cut = "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE idx = 30";
    desk.tamper(&desk.archive(&one), cut).await;
    signed_again(&desk, &one, 1).await;
    assert_eq!(desk.lost().await, Some((Fault::OtherFile, 1)), "its last entry is another one");
}

#[tokio::test]
async fn a_part_that_was_closed_before_there_were_lists_is_read_as_ever() {
    let (desk, one, _) = Desk::with_two_parts().await;
    desk.tamper(&desk.archive(&one), "DROP TABLE audit_lists").await;
    signed_again(&desk, &one, 1).await;
    assert!(matches!(desk.verified().await, ChainState::Whole { entries: 92, .. }));
    let by = AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() };
    let page = desk.store().await.find(&by, 500).await.expect("found");
    assert!(page.entries.iter().any(|found| one.holds(found.index)) && page.unread.is_empty(), "{:?}", page.unread);
}

#[tokio::test]
async fn a_signature_that_does_not_fit_is_found() {
    let (desk, one, _) = Desk::with_two_parts().await;
    let forged = Segment { closed_at: model::Timestamp::UNIX_EPOCH, ..one.clone() };
    listed(&desk, &forged).await;
    assert_eq!(desk.lost().await, Some((Fault::Signature, 1)));
}

/// A whole chain that was made elsewhere, in the place of the newest part.
#[tokio::test]
async fn a_part_of_another_audit_does_not_lead_to_what_follows() {
    let (desk, other) = (Desk::new(), Desk::new());
    desk.append(&many(0, 30)).await;
    other.append(&many(7, 30)).await;
    let (one, foreign) = (desk.close().await, other.close().await);
    desk.append(&many(30, 5)).await;
    for end in ["db", "json"] {
        let (from, to) = (other.archive(&foreign).with_extension(end), desk.archive(&one).with_extension(end));
        std::fs::copy(from, forced(&to)).expect("replaced");
    }
    assert!(matches!(desk.lost().await, Some((Fault::OtherFile | Fault::Statement, 1))));
    listed(&desk, &foreign).await;
    let found = desk.verified().await;
    assert!(matches!(found, ChainState::Broken { at_index: 31, .. }), "{found:?}");
}

#[tokio::test]
async fn a_database_without_any_entry_after_its_parts_was_cut() {
    let (desk, _, two) = Desk::with_two_parts().await;
    let cut =
        "DROP TRIGGER audit_no_delete; DROP TRIGGER audit_found_no_delete; DELETE FROM audit; DELETE FROM audit_found";
    desk.tamper(&desk.database(), cut).await;
    let first = two.last + 1;
    assert!(matches!(desk.verified().await, ChainState::Broken { at_index, .. } if at_index == first));
}

#[tokio::test]
async fn a_part_that_cannot_be_read_is_said_on_every_page_that_may_need_it() {
    let (desk, one, two) = Desk::with_two_parts().await;
    let away = desk.folder().join("elsewhere.db");
    std::fs::rename(desk.archive(&one), &away).expect("moved");
    let store = desk.store().await;
    let missing = Unread::of(&one, Fault::Missing);
    let everything = AuditFilter::default();
    let page = store.find(&everything, 50).await.expect("find");
    assert_eq!((page.unread, page.total), (vec![missing.clone()], 62));
    let all = store.find(&everything, 500).await.expect("find");
    assert_eq!(all.entries.last().map(|one| one.index), Some(two.first), "what can be read is shown");
    let filter = AuditFilter { who: Some("ops-1".into()), ..AuditFilter::default() };
    assert_eq!(store.find(&filter, 3).await.expect("find").unread, std::slice::from_ref(&missing));
    match store.entry(7).await {
        Err(StoreError::Unread(unread)) => assert_eq!(unread, missing),
        other => panic!("{other:?}"),
    }
    store.entry(two.first).await.expect("another part");
    // Nothing that is there is refused, and what comes back counts at once.
    store.append(entry(AuditCode::SignedIn)).await.expect("append");
    std::fs::rename(&away, desk.archive(&one)).expect("brought back");
    assert_eq!(store.find(&everything, 500).await.expect("find").unread, []);
    store.entry(7).await.expect("entry");
    std::fs::remove_file(desk.archive(&one)).expect("gone while it is open");
    assert!(matches!(store.entry(7).await, Err(StoreError::Unread(_))), "an open file is no file that is there");
    changed(&desk.archive(&two), |bytes| bytes[..200].fill(0));
    let fresh = desk.store().await;
    let page = fresh.find(&everything, 50).await.expect("find");
    assert_eq!(page.unread, [Unread::of(&two, Fault::Unreadable), missing]);
}

#[tokio::test]
async fn a_part_is_not_closed_on_top_of_one_that_is_lost() {
    let (desk, one, _) = Desk::with_two_parts().await;
    std::fs::remove_file(desk.archive(&one)).expect("gone");
    let refused = close(&desk.database()).await.expect_err("not whole");
    assert!(refused.to_string().contains(&one.file()) && refused.to_string().contains("is missing"), "{refused}");
}

/// Somebody with the key: length, digest and signature of the file as it is now, in both places.
async fn signed_again(desk: &Desk, one: &Segment, seed: u8) {
    let bytes = std::fs::read(desk.archive(one)).expect("read");
    let digest = hex::encode(Sha256::digest(&bytes));
    let again = Segment { bytes: bytes.len() as u64, digest, ..one.clone() };
    listed(desk, &sign(again, &key(seed)).expect("signed")).await;
}

/// Puts a statement beside the file and into the list of the database.
async fn listed(desk: &Desk, one: &Segment) {
    let text = serde_json::to_vec(one).expect("text");
    std::fs::write(forced(&desk.archive(one).with_extension("json")), text).expect("written");
    let Segment { last, base, head, bytes, digest, key, signature, .. } = one;
    let at = one.closed_at.as_microsecond();
    let set = format!(
        "base = X'{base}', head = X'{head}', bytes = {bytes}, digest = X'{digest}', key = X'{key}', signature = X'{signature}', closed_at = {at}"
    );
    let sql = format!("DROP TRIGGER audit_segments_no_update; UPDATE audit_segments SET {set} WHERE last = {last}");
    desk.tamper(&desk.database(), &sql).await;
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

fn changed(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("read");
    change(&mut bytes);
    std::fs::write(forced(path), bytes).expect("written");
}

/// The same path, open to whoever writes.
fn forced(path: &Path) -> &Path {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("mode");
    path
}
