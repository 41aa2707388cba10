//! Where the focus goes when the control that has it is taken off the page.
//!
//! Browsers begin again at the top of the document then, and whoever works by keyboard or listens to the page is lost. Here
//! what has taken the control's place gets the focus: the same control made anew, else the nearest part of the page around
//! it (WCAG 2.2, success criterion 2.4.3).

#[cfg(feature = "ssr")]
pub const fn keep() {}

#[cfg(not(feature = "ssr"))]
pub use browser::keep;

#[cfg(not(feature = "ssr"))]
mod browser {
    use leptos::ev;
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Element, FocusEvent, FocusOptions, HtmlElement, MutationObserver, MutationObserverInit};

    /// What can take the focus over, looked for from the inside out.
    const PLACES: &str = "[tabindex], li, form, section, dialog, main";
    const NAME: &str = "aria-label";
    const TAB_INDEX: &str = "tabindex";

    /// The element that had the focus last, and all that it stands in.
    type Way = StoredValue<Vec<Element>, LocalStorage>;

    /// Watches over the focus for as long as the page is there.
    pub fn keep() {
        let way: Way = StoredValue::new_local(Vec::new());
        let changed = Closure::<dyn FnMut()>::new(move || look_after(way));
        let Ok(observer) = MutationObserver::new(changed.as_ref().unchecked_ref()) else { return };
        let Some(body) = document().body() else { return };
        let what = MutationObserverInit::new();
        what.set_child_list(true);
        what.set_subtree(true);
        if observer.observe_with_options(&body, &what).is_ok() {
            changed.forget();
            drop(window_event_listener(ev::focusin, move |event| remember(way, &event)));
        }
    }

    fn remember(way: Way, event: &FocusEvent) {
        let mut next = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let mut found = Vec::new();
        while let Some(one) = next {
            next = one.parent_element();
            found.push(one);
        }
        way.set_value(found);
    }

    /// Called after every change of the page, before it is drawn.
    fn look_after(way: Way) {
        let gone = way.with_value(|way| way.first().is_some_and(|one| !one.is_connected()));
        if !gone {
            return;
        }
        let way = way.try_update_value(std::mem::take).unwrap_or_default();
        let nobody = document().active_element().is_none_or(|one| one.tag_name() == "BODY");
        let around = way.iter().find(|one| one.is_connected());
        let (Some(lost), Some(around), true) = (way.first(), around, nobody) else { return };
        if let Some(heir) = twin(lost, around).or_else(|| place(around)) {
            let quietly = FocusOptions::new();
            quietly.set_prevent_scroll(true);
            // Without focus the page works all the same.
            let _ = heir.focus_with_options(&quietly);
        }
    }

    /// The same control, made anew.
    fn twin(lost: &Element, around: &Element) -> Option<HtmlElement> {
        let name =
            |one: &Element| one.get_attribute(NAME).or_else(|| one.text_content()).filter(|name| !name.is_empty());
        let wanted = name(lost)?;
        let same = around.get_elements_by_tag_name(&lost.tag_name());
        let found =
            (0..same.length()).filter_map(|at| same.item(at)).find(|one| name(one).as_ref() == Some(&wanted))?;
        found.dyn_into().ok()
    }

    fn place(around: &Element) -> Option<HtmlElement> {
        let found = around.closest(PLACES).ok().flatten().or_else(|| document().get_element_by_id("main"))?;
        if !found.has_attribute(TAB_INDEX) {
            found.set_attribute(TAB_INDEX, "-1").ok()?;
        }
        found.dyn_into().ok()
    }
}
