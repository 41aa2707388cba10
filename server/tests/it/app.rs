//! A whole console in a temporary folder, with a clock that tests can turn.

use crate::client::Client;
use crate::logs;
use axum::Router;
use engine::Engine;
use engine::notify::Notifier;
use engine::ports::{Clock, MessagePlace, UserStore};
use model::Timestamp;
use model::role::Role;
use server::accounts::Accounts;
use server::agent::ConsoleAgent;
use server::guesses::Guesses;
use server::keys::ConsoleKey;
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

/// How browsers call the console, in messages.
pub const BASE: &str = "https://console.example";

/// The real time, moved forward by what a test says.
#[derive(Default)]
pub struct TestClock {
    moved_s: AtomicI64,
    /// The real second at which it was stopped; 0 while it runs.
    stopped_s: AtomicI64,
}

impl TestClock {
    pub fn advance_minutes(&self, minutes: i64) {
        self.advance_seconds(minutes * 60);
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.moved_s.fetch_add(seconds, Ordering::SeqCst);
    }

    /// From now on it goes only where a test moves it: for codes that are good for half a minute.
    pub fn stop(&self) {
        let now = Timestamp::now().as_second();
        // The first time counts.
        let _ = self.stopped_s.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let span = jiff::Span::new().seconds(self.moved_s.load(Ordering::SeqCst));
        let base = match self.stopped_s.load(Ordering::SeqCst) {
            0 => Timestamp::now(),
            second => Timestamp::from_second(second).expect("a time"),
        };
        base.checked_add(span).expect("a time")
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
        Self::start(false, Vec::new()).await
    }

    /// The same, with places that messages go to; only the test sends them.
    pub async fn telling(places: Vec<Arc<dyn MessagePlace>>) -> Self {
        Self::start(false, places).await
    }

    /// As behind `https://`.
    pub async fn secure() -> Self {
        Self::start(true, Vec::new()).await
    }

    /// Over a folder that a console has used before.
    pub async fn over(folder: TempDir) -> Self {
        Self::start_in(folder, false, Vec::new()).await
    }

    async fn start(secure: bool, places: Vec<Arc<dyn MessagePlace>>) -> Self {
        Self::start_in(tempfile::tempdir().expect("folder"), secure, places).await
    }

    async fn start_in(folder: TempDir, secure: bool, places: Vec<Arc<dyn MessagePlace>>) -> Self {
        logs::capture();
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("database");
        let key = ConsoleKey::load(&store, folder.path()).await.expect("key");
        let seal = key.seal();
        let clock = Arc::new(TestClock::default());
        let dialer = SshDialer::new(Arc::new(key), clock.clone(), Arc::new(TcpConnector));
        let engine = Engine::new(Arc::new(store.clone()), Arc::new(dialer), clock.clone(), Arc::new(SystemIds));
        let agent = ConsoleAgent::open(folder.path(), seal.clone(), clock.clone()).expect("shim");
        let engine = engine.with_agent(Arc::new(agent));
        let accounts = Accounts::new(engine.clone(), Passwords::new().expect("passwords"), seal);
        let leptos = server::site::options();
        let notifier = Arc::new(Notifier::new(&engine, places, Some(BASE.to_owned())));
        let state = AppState { engine, accounts, leptos, demo: None, notifier, guesses: Guesses::default() };
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
