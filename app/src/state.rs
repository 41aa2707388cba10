//! What the pages share: who is signed in, what time it is, how the screen looks, and the cluster that is being watched.

pub mod belief;
pub mod clock;
mod cookie;
pub mod focus;
pub mod inbox;
pub mod language;
pub mod live;
pub mod poll;
pub mod session;
pub mod theme;
