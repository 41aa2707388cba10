//! Clock and ids are passed in, so that tests decide what time it is.

use jiff::Timestamp;
use uuid::Uuid;

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

pub trait Ids: Send + Sync + 'static {
    /// A UUIDv7.
    fn next(&self) -> Uuid;
}
