//! A data folder whose audit is archived again and again, and what is the same in it afterwards.

use crate::people::user;
use crate::sessions::row;
use crate::support::{at, cluster, entry, operation};
use ed25519_dalek::SigningKey;
use engine::audit::Person;
use engine::audit::segment::{Closer, NotClosed, Notary, Step};
use engine::ports::{
    AuditStore as _, ClusterStore as _, JournalEntry, NoticeStore as _, OperationStore as _, Outgoing,
    SessionStore as _, UserStore as _,
};
use jiff::Timestamp;
use model::audit::{AuditCode, AuditEntry, AuditFilter, ChainState, ChainedEntry};
use model::ids::{ClusterId, OperationId};
use model::notice::Notice;
use model::operation::{OperationState, StepEvent};
use model::role::Role;
use model::segment::{Segment, SegmentFault};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

/// Stands where no archive may have it: in accounts, sessions and secrets.
pub const CANARY: &str = "canary-of-the-archive-8d1f";

pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder") }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder().join("quorate.db")
    }

    pub fn archive(&self, one: &Segment) -> PathBuf {
        self.folder().join("audit").join(one.file())
    }

    pub async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.database()).await.expect("open")
    }

    /// Appends and lets go of the database.
    pub async fn append(&self, entries: &[AuditEntry]) {
        let store = self.store().await;
        store.fill_audit(entries).await.expect("filled");
        store.close().await;
    }

    pub async fn close(&self) -> Segment {
        close(&self.database()).await.expect("closed").expect("there is something to close")
    }

    /// What somebody with the files in hand does.
    pub async fn tamper(&self, path: &Path, sql: &str) {
        tamper(path, sql).await;
    }

    /// Two parts and what follows them, with 30 entries each.
    pub async fn with_two_parts() -> (Self, Segment, Segment) {
        let desk = Self::new();
        desk.append(&many(0, 30)).await;
        let one = desk.close().await;
        desk.append(&many(30, 30)).await;
        let two = desk.close().await;
        desk.append(&many(60, 30)).await;
        (desk, one, two)
    }

    pub async fn verified(&self) -> ChainState {
        let store = self.store().await;
        let state = store.verify().await.expect("verify");
        store.close().await;
        state
    }

    /// The fault and the part that verification names.
    pub async fn lost(&self) -> Option<(SegmentFault, u64)> {
        match self.verified().await {
            ChainState::Lost { unread, .. } => Some((unread.fault, unread.first)),
            ChainState::Whole { .. } | ChainState::Broken { .. } => None,
        }
    }

    /// All of it as a process would leave it that is killed now.
    pub fn copied(&self) -> Self {
        let copy = Self::new();
        copy_folder(self.folder(), copy.folder());
        copy
    }

    pub fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [self.folder().to_owned(), self.folder().join("audit")] {
            let Ok(all) = std::fs::read_dir(&folder) else { continue };
            names.extend(all.map(|one| one.expect("entry").file_name().to_string_lossy().into_owned()));
        }
        names.sort();
        names
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    for one in std::fs::read_dir(from).expect("folder") {
        let path = one.expect("entry").path();
        let target = to.join(path.file_name().expect("name"));
        if path.is_dir() {
            std::fs::create_dir(&target).expect("made");
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

/// Finer than the database keeps times.
pub fn closed_at() -> Timestamp {
    at(9_000).checked_add(jiff::Span::new().nanoseconds(7)).expect("time")
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub async fn close(database: &Path) -> Result<Option<Segment>, NotClosed> {
    close_watched(database, &|_| {}).await
}

/// Tells each step as it is on disk.
pub async fn close_watched(database: &Path, told: &(dyn Fn(Step) + Send + Sync)) -> Result<Option<Segment>, NotClosed> {
    let signer = key(1);
    let closer =
        Closer { signer: &signer, who: Person::system(), reason: Some("end of the year".into()), at: closed_at() };
    store::close_segment(database, &Watched { closer, told }).await
}

struct Watched<'a> {
    closer: Closer<'a>,
    told: &'a (dyn Fn(Step) + Send + Sync),
}

impl Notary for Watched<'_> {
    fn now(&self) -> Timestamp {
        self.closer.now()
    }

    fn sign(&self, one: Segment) -> Result<Segment, SegmentFault> {
        self.closer.sign(one)
    }

    fn entry(&self, one: &Segment) -> AuditEntry {
        self.closer.entry(one)
    }

    fn told(&self, step: Step) {
        (self.told)(step);
    }
}

pub async fn tamper(path: &Path, sql: &str) {
    let mut permissions = std::fs::metadata(path).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(path, permissions).expect("mode");
    let options = SqliteConnectOptions::new().filename(path);
    let mut intruder = SqliteConnection::connect_with(&options).await.expect("connect");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut intruder).await.expect("tamper");
    intruder.close().await.expect("closed");
}

/// Entries of many kinds, so that every filter meets some of them.
pub fn many(first: u32, count: u32) -> Vec<AuditEntry> {
    let codes = [AuditCode::SignedIn, AuditCode::PlanProposed, AuditCode::SignedOut];
    (first..first + count)
        .map(|number| {
            let code = codes[usize::try_from(number % 3).expect("small")];
            let mut one = AuditEntry { at: at(i64::from(number)), who: format!("ops-{}", number % 4), ..entry(code) };
            one.node = Some(format!("pve{}", number % 5));
            one.cluster = (number % 7 == 0).then(|| ClusterId::from_uuid(Uuid::from_u128(7)));
            one.operation =
                (number % 11 == 0).then(|| OperationId::from_uuid(Uuid::from_u128(u128::from(number / 110))));
            one.reason = (number % 13 == 0).then(|| format!("rack {number} is moved"));
            one.output = (number % 17 == 0).then(|| format!("Node {number}:\n  is   UP"));
            one
        })
        .collect()
}

/// Newest first, page by page, as a person leafs.
pub async fn leafed(store: &SqliteStore, filter: &AuditFilter, limit: u32) -> (Vec<ChainedEntry>, u64) {
    let (mut all, mut before) = (Vec::new(), filter.before);
    loop {
        let page = store.find(&AuditFilter { before, ..filter.clone() }, limit).await.expect("find");
        assert_eq!(page.unread, [], "{filter:?}");
        all.extend(page.entries);
        let Some(next) = page.next else { return (all, page.total) };
        before = Some(next);
    }
}

/// Something in most tables, by the product's own calls; secrets and hashes hold the canary.
pub async fn furnish(store: &SqliteStore) {
    let one = cluster(1);
    store.add_cluster(&one, entry(AuditCode::ClusterAdded)).await.expect("cluster");
    let running = operation(one.id, 1);
    store.propose(&running, entry(AuditCode::PlanProposed)).await.expect("propose");
    store.set_state(running.id, &OperationState::Proposed, &OperationState::Running, None, at(1)).await.expect("run");
    for event in [StepEvent::Started, StepEvent::Acted] {
        let line = JournalEntry { operation: running.id, step: 0, at: at(2), event };
        store.journal(&line, None).await.expect("journal");
    }
    let account = engine::ports::StoredUser { password_hash: Some(CANARY.into()), ..user(1, "anna", Role::Admin) };
    store.add_user(&account, entry(AuditCode::UserCreated)).await.expect("user");
    let session = engine::ports::SessionRow { data: CANARY.into(), ..row(1, Some(account.id)) };
    store.create_session(&session).await.expect("session");
    store.put_sealed(CANARY, CANARY.as_bytes()).await.expect("sealed");
    let notice =
        |number| Outgoing { id: Uuid::from_u128(number), place: "mail".into(), notice: Notice::test("anna", at(1)) };
    // The first is given up, so that numbers go on from more than is there.
    store.keep_notices(Some(2), &[notice(1), notice(2)], at(3), 1).await.expect("notices");
}

/// Every row of every table but those of the audit, as SQL writes its values.
pub async fn others(database: &Path) -> BTreeMap<String, Vec<String>> {
    let mut one = connected(database).await;
    let names = texts(&mut one, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").await;
    let own =
        ["audit", "audit_found", "audit_lists", "audit_spans", "audit_segments", "_sqlx_migrations", "sqlite_schema"];
    let mut all = BTreeMap::new();
    for name in names.into_iter().filter(|name| !own.contains(&name.as_str())) {
        let columns =
            texts(&mut one, &format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{name}')")).await;
        let rows = texts(&mut one, &format!("SELECT {} FROM {name} ORDER BY rowid", columns.join(" || ',' || "))).await;
        all.insert(name, rows);
    }
    all
}

/// Tables, indexes, views and triggers.
pub async fn schema(database: &Path) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' ' || ifnull(sql, '') FROM sqlite_schema ORDER BY type, name";
    texts(&mut connected(database).await, sql).await
}

async fn connected(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database).read_only(true).immutable(true);
    SqliteConnection::connect_with(&options).await.expect("connect")
}

async fn texts(one: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(one).await.expect("read");
    rows.iter().map(|row| row.get(0)).collect()
}
