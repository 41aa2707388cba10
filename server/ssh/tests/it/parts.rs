//! What every test needs: a key source, a clock that the test turns, endpoints.

use engine::ports::{Clock, Endpoint};
use jiff::{SignedDuration, Timestamp};
use model::host_key::{HostKey, Pin};
use model::ids::NodeId;
use model::name::SshAddress;
use model::problem::{Problem, ProblemCode};
use ssh::{Connector, ConsoleKeySource, SshDialer, generate};
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a test waits for a state before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a state; fails with words when it does not come.
pub async fn eventually<F, Fut>(what: &str, mut state: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let waiting = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !state().await {
            tick.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never came: {what}");
}

/// A console key in memory; counts how often it is opened, and can be out of reach.
pub struct TestKeys {
    pem: Mutex<Option<String>>,
    pub line: String,
    pub opened: AtomicUsize,
}

impl TestKeys {
    pub fn new() -> Arc<Self> {
        let (pem, line) = generate().expect("a key");
        Arc::new(Self { pem: Mutex::new(Some(pem.to_string())), line, opened: AtomicUsize::new(0) })
    }

    pub fn lose(&self) {
        *self.pem.lock().expect("no panic") = None;
    }

    pub fn pem(&self) -> String {
        self.pem.lock().expect("no panic").clone().expect("not lost")
    }
}

impl ConsoleKeySource for TestKeys {
    fn open(&self) -> Result<Zeroizing<String>, Problem> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let pem = self.pem.lock().expect("no panic").clone();
        pem.map(Zeroizing::new).ok_or_else(|| ProblemCode::SealMissing.into())
    }

    fn public_line(&self) -> Result<String, Problem> {
        Ok(self.line.clone())
    }
}

/// A clock that stands still until a test turns it.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn turn_s(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs(self.0.load(Ordering::SeqCst))).expect("in range")
    }
}

/// A dialer with its key and its clock.
pub struct Console {
    pub dialer: SshDialer,
    pub keys: Arc<TestKeys>,
    pub clock: Arc<TestClock>,
}

impl Console {
    pub fn new(connector: Arc<dyn Connector>) -> Self {
        let keys = TestKeys::new();
        let clock = Arc::new(TestClock::default());
        let dialer = SshDialer::new(
            Arc::clone(&keys) as Arc<dyn ConsoleKeySource>,
            Arc::clone(&clock) as Arc<dyn Clock>,
            connector,
        );
        Self { dialer, keys, clock }
    }
}

pub fn endpoint(address: SshAddress, pinned: Option<HostKey>) -> Endpoint {
    Endpoint {
        node: node(1),
        address,
        pin: pinned.map(|key| Pin { key, pinned_at: Timestamp::UNIX_EPOCH, pinned_by: "ops-1".to_owned() }),
        via: None,
    }
}

pub fn node(number: u128) -> NodeId {
    NodeId::from_uuid(uuid::Uuid::from_u128(number))
}
