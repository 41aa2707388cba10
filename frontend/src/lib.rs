//! Wakes the server's page up in the browser.

// A page is one deep type.
#![recursion_limit = "512"]

use leptos::prelude::window;
use std::panic::PanicHookInfo;
use wasm_bindgen::prelude::wasm_bindgen;

/// A page that panics sooner than this after it was opened is not opened again: it would panic again, ms.
const RELOAD_AFTER_MS: f64 = 10_000.0;

/// Called by the page as soon as the module is there.
#[wasm_bindgen]
pub fn hydrate() {
    std::panic::set_hook(Box::new(open_again));
    leptos::mount::hydrate_lazy(app::App);
}

/// A module that has panicked answers nothing any more. It happens to a page that was opened before the console was
/// replaced and asks for a room that is no longer served; opened again, it is whole.
fn open_again(info: &PanicHookInfo<'_>) {
    console_error_panic_hook::hook(info);
    let window = window();
    if window.performance().is_some_and(|clock| clock.now() > RELOAD_AFTER_MS) {
        // When the browser refuses, the page stays as it is.
        let _ = window.location().reload();
    }
}
