//! The browser's end of the stream.

use super::LiveCluster;

#[cfg(feature = "ssr")]
pub const fn open(_live: LiveCluster) {}

/// Opens the stream as soon as the page is awake, and closes it with the component.
#[cfg(not(feature = "ssr"))]
pub fn open(live: LiveCluster) {
    use leptos::prelude::*;
    Effect::new(move |_| {
        live.attempt.track();
        let Some(wire) = browser::Wire::connect(live) else { return };
        let wire = StoredValue::new_local(Some(wire));
        on_cleanup(move || drop(wire.try_update_value(Option::take)));
    });
}

#[cfg(not(feature = "ssr"))]
mod browser {
    use super::LiveCluster;
    use crate::state::live::Connection;
    use leptos::prelude::*;
    use model::live::LiveEvent;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Event, EventSource, MessageEvent};

    /// Name of the server's events.
    const EVENT: &str = "live";
    /// How long to wait before a new try when the browser has given up (a 502 of a proxy ends an EventSource for good).
    const RETRY: std::time::Duration = std::time::Duration::from_secs(3);

    type Handler = Closure<dyn FnMut(Event)>;

    /// An open stream with its handlers, which must live as long as it does.
    pub struct Wire {
        source: EventSource,
        _handlers: [Handler; 3],
    }

    impl Drop for Wire {
        fn drop(&mut self) {
            self.source.close();
        }
    }

    impl Wire {
        pub fn connect(live: LiveCluster) -> Option<Self> {
            let source = EventSource::new(&format!("/live/clusters/{}", live.id)).ok()?;
            let opened = handler(move |_| {
                live.connection.set(Connection::Live);
                live.catch_up();
            });
            let failed = handler({
                let source = source.clone();
                move |_| lost(live, &source)
            });
            let message = handler(move |event| {
                live.connection.set(Connection::Live);
                let text = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
                if let Some(event) = text.and_then(|text| crate::api::read::<LiveEvent>(&text).ok()) {
                    live.take(event);
                }
            });
            source.set_onopen(Some(opened.as_ref().unchecked_ref()));
            source.set_onerror(Some(failed.as_ref().unchecked_ref()));
            source.add_event_listener_with_callback(EVENT, message.as_ref().unchecked_ref()).ok()?;
            Some(Self { source, _handlers: [opened, failed, message] })
        }
    }

    fn handler(work: impl FnMut(Event) + 'static) -> Handler {
        Closure::new(work)
    }

    fn lost(live: LiveCluster, source: &EventSource) {
        // A handler can still be called once after the component is gone.
        let Some(known) = live.connection.try_get_untracked() else { return };
        if !matches!(known, Connection::Reconnecting { .. }) {
            live.connection.set(Connection::Reconnecting { since: live.clock.now_untracked() });
        }
        if source.ready_state() == EventSource::CLOSED {
            set_timeout(
                move || {
                    // Nothing to do when the component has gone meanwhile.
                    let _ = live.attempt.try_update(|count| *count = count.wrapping_add(1));
                },
                RETRY,
            );
        }
    }
}
