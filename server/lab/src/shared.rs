//! The world behind its lock, and the task that lets its time pass.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::world::{Millis, World};

/// What is kept at most of what nodes are asked, in bytes; later bytes are not kept.
const OVERHEARD_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Longest sleep of the driver when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

pub(crate) struct Shared {
    world: Mutex<World>,
    started: Instant,
    /// Simulated time at which the lab was made.
    base: Millis,
    speed: f64,
    wake: Notify,
    /// Revision of the world, for streams that wait for a change.
    pub(crate) changes: watch::Sender<u64>,
    /// Bumped per node to drop its connections: name to generation.
    pub(crate) dropped: watch::Sender<std::collections::BTreeMap<String, u64>>,
    /// What every node would have told, once somebody wants to know.
    pub(crate) history: crate::history::History,
    /// Commands and input that came in over SSH, once a test wants to know.
    overheard: Mutex<Option<Vec<u8>>>,
    /// Told when the lab is shut down.
    pub(crate) closed: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(world: World, speed: f64) -> Arc<Self> {
        let shared = Arc::new(Self {
            base: world.now,
            world: Mutex::new(world),
            started: Instant::now(),
            speed,
            wake: Notify::new(),
            changes: watch::Sender::new(0),
            dropped: watch::Sender::default(),
            history: crate::history::History::default(),
            overheard: Mutex::default(),
            closed: watch::Sender::new(false),
        });
        tokio::spawn(drive(Arc::downgrade(&shared)));
        shared
    }

    fn now(&self) -> Millis {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now = (self.started.elapsed().as_secs_f64() * 1_000.0 * self.speed) as Millis;
        self.base + now
    }

    /// From now on what nodes are asked is kept.
    pub(crate) fn overhear(&self) {
        self.overheard.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// Keeps what a node was asked, if somebody wants to know.
    pub(crate) fn asked(&self, bytes: &[u8]) {
        let mut overheard = self.overheard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = overheard.as_mut().filter(|kept| kept.len() + bytes.len() < OVERHEARD_MAX_BYTES) {
            kept.extend_from_slice(bytes);
            kept.push(b'\n');
        }
    }

    pub(crate) fn overheard(&self) -> Vec<u8> {
        self.overheard.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Looks at or changes the world as it is now.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        let (result, revision) = {
            let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.now();
            world.advance(now);
            let before = world.revision;
            let result = work(&mut world);
            if world.revision != before || world.revision != *self.changes.borrow() {
                self.history.note(&world);
            }
            (result, world.revision)
        };
        let changed = self.changes.send_if_modified(|seen| {
            let changed = *seen != revision;
            *seen = revision;
            changed
        });
        if changed {
            self.wake.notify_one();
        }
        result
    }

    /// Real time that a simulated duration takes.
    pub(crate) fn real(&self, simulated: Millis) -> Duration {
        #[allow(clippy::cast_precision_loss)]
        let seconds = simulated as f64 / 1_000.0 / self.speed;
        Duration::from_secs_f64(seconds)
    }

    pub(crate) async fn sleep(&self, simulated: Millis) {
        tokio::time::sleep(self.real(simulated)).await;
    }

    /// Waits until the world has changed since `seen` was last read.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Handles events when they are due, so that streams hear of them without anybody asking.
async fn drive(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        let mut closed = strong.closed.subscribe();
        if *closed.borrow_and_update() {
            return;
        }
        // Half a millisecond late rather than early: an early look would find nothing due and spin.
        let wait = strong
            .with(|world| world.next_at().map(|at| at.saturating_sub(world.now)))
            .map_or(IDLE, |left| strong.real(left) + Duration::from_micros(500));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = strong.wake.notified() => {}
            _ = closed.changed() => return,
        }
    }
}
