//! A whole console in a temporary folder, with a clock that tests can turn.

use crate::client::Client;
use crate::logs;
use axum::Router;
use engine::Engine;
use engine::ports::{Clock, UserStore};
use model::Timestamp;
use model::role::Role;
use server::accounts::Accounts;
use server::agent::ConsoleAgent;
use server::keys::{ConsoleKey, Seal};
use server::passwords::Passwords;
use server::routes;
use server::state::AppState;
use server::system::SystemIds;
use ssh::{SshDialer, TcpConnector};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use store::SqliteStore;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The password of every account that `TestApp` makes.
pub const PASSWORD: &str = "canary-account-password";

/// The real time, moved forward by what a test says.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance_minutes(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60, Ordering::SeqCst);
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let span = jiff::Span::new().seconds(self.0.load(Ordering::SeqCst));
        Timestamp::now().checked_add(span).expect("a time")
    }
}

pub struct TestApp {
    pub state: AppState,
    pub store: SqliteStore,
    pub clock: Arc<TestClock>,
    router: Router,
    peers: AtomicU8,
    folder: TempDir,
}

impl TestApp {
    /// As behind `http://`.
    pub async fn new() -> Self {
        Self::start(false).await
    }

    /// As behind `https://`.
    pub async fn secure() -> Self {
        Self::start(true).await
    }

    async fn start(secure: bool) -> Self {
        logs::capture();
        let folder = tempfile::tempdir().expect("folder");
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("database");
        let key = ConsoleKey::load(&store, folder.path()).await.expect("key");
        let clock = Arc::new(TestClock::default());
        let dialer = SshDialer::new(Arc::new(key), clock.clone(), Arc::new(TcpConnector));
        let engine = Engine::new(Arc::new(store.clone()), Arc::new(dialer), clock.clone(), Arc::new(SystemIds));
        let seal = Seal::read(folder.path()).expect("key file");
        let agent = ConsoleAgent::open(folder.path(), seal, clock.clone()).expect("shim");
        let engine = engine.with_agent(Arc::new(agent));
        let accounts = Accounts::new(engine.clone(), Passwords::new().expect("passwords"));
        let leptos = server::site::options();
        let state = AppState { engine, accounts, leptos, demo: None };
        let router = routes::router(state.clone(), secure).expect("router");
        Self { state, store, clock, router, peers: AtomicU8::new(1), folder }
    }

    /// A browser without a session, at an address of its own.
    pub fn anon(&self) -> Client {
        Client::new(self.router.clone(), self.peers.fetch_add(1, Ordering::SeqCst))
    }

    /// A browser whose person has this role everywhere.
    pub async fn signed_in(&self, role: Role) -> Client {
        self.account(role.as_str(), role).await;
        let client = self.anon();
        client.sign_in(role.as_str(), PASSWORD).await.expect("signed in");
        client
    }

    pub async fn viewer(&self) -> Client {
        self.signed_in(Role::Viewer).await
    }

    pub async fn operator(&self) -> Client {
        self.signed_in(Role::Operator).await
    }

    pub async fn approver(&self) -> Client {
        self.signed_in(Role::Approver).await
    }

    pub async fn admin(&self) -> Client {
        self.signed_in(Role::Admin).await
    }

    /// Makes the account if it is not there.
    pub async fn account(&self, name: &str, role: Role) {
        if self.store.user_by_name(name).await.is_err() {
            let password = Zeroizing::new(PASSWORD.to_owned());
            self.state.accounts.create(name, role, password).await.expect("account");
        }
    }

    /// Where the database and the key files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }
}
