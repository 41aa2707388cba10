//! Ids for labels and descriptions.

use std::sync::atomic::{AtomicU64, Ordering};

/// A new id. The server's and the browser's never meet: woken elements keep the server's.
#[must_use]
pub fn fresh_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let side = if cfg!(feature = "ssr") { 's' } else { 'c' };
    format!("{side}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
