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
    use js_sys::{Array, Function, JSON, Reflect};
    use leptos::ev;
    use leptos::prelude::*;
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Element, FocusEvent};

    /// What can take the focus over, looked for from the inside out.
    const PLACES: &str = "[tabindex], li, form, section, dialog, main";
    const NAME: &str = "aria-label";
    const TAB_INDEX: &str = "tabindex";
    /// Elements that come and go, wherever they are.
    const EVERYTHING: &str = r#"{"childList":true,"subtree":true}"#;
    /// The page stays where it is scrolled to.
    const QUIETLY: &str = r#"{"preventScroll":true}"#;

    /// The element that had the focus last, and all that it stands in.
    type Way = StoredValue<Vec<Element>, LocalStorage>;

    /// Watches over the focus for as long as the page is there. A browser that refuses does without.
    pub fn keep() {
        let way: Way = StoredValue::new_local(Vec::new());
        let changed = Closure::<dyn FnMut()>::new(move || look_after(way));
        if observe(changed.as_ref()).is_ok() {
            changed.forget();
            drop(window_event_listener(ev::focusin, move |event| remember(way, &event)));
        }
    }

    /// `new MutationObserver(changed).observe(document.body, …)`
    fn observe(changed: &JsValue) -> Result<(), JsValue> {
        let class: Function = Reflect::get(&window(), &"MutationObserver".into())?.dyn_into()?;
        let observer = Reflect::construct(&class, &Array::of1(changed))?;
        call(
            &observer,
            "observe",
            &Array::of2(&Reflect::get(&document(), &"body".into())?, &JSON::parse(EVERYTHING)?),
        )?;
        Ok(())
    }

    fn call(of: &JsValue, method: &str, arguments: &Array) -> Result<JsValue, JsValue> {
        Reflect::get(of, &method.into())?.dyn_into::<Function>()?.apply(of, arguments)
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

    /// Called after every change of the page, before it is drawn. Where nothing can take the focus over yet, because a new
    /// page is still on its way, a later change finds it.
    fn look_after(way: Way) {
        let heir = way.with_value(|way| {
            let lost = way.first().filter(|one| !one.is_connected())?;
            Some(twin(lost, way).or_else(|| place(way)))
        });
        let Some(heir) = heir else { return };
        let taken = document().active_element().is_some_and(|one| one.tag_name() != "BODY");
        if taken || heir.is_some() {
            way.set_value(Vec::new());
        }
        if let (Some(heir), false) = (heir, taken) {
            // Without focus the page works all the same.
            let _ = JSON::parse(QUIETLY).and_then(|quietly| call(&heir, "focus", &Array::of1(&quietly)));
        }
    }

    /// The same control, made anew.
    fn twin(lost: &Element, way: &[Element]) -> Option<Element> {
        let around = way.iter().find(|one| one.is_connected())?;
        let name =
            |one: &Element| one.get_attribute(NAME).or_else(|| one.text_content()).filter(|name| !name.is_empty());
        let wanted = name(lost)?;
        let same = call(around, "getElementsByTagName", &Array::of1(&lost.tag_name().into())).ok()?;
        let mut same = Array::from(&same).into_iter().filter_map(|one| one.dyn_into::<Element>().ok());
        same.find(|one| name(one).as_ref() == Some(&wanted))
    }

    fn place(way: &[Element]) -> Option<Element> {
        let around = way.iter().find(|one| one.is_connected())?;
        let found = around.closest(PLACES).ok().flatten().or_else(|| document().get_element_by_id("main"))?;
        if !found.has_attribute(TAB_INDEX) {
            found.set_attribute(TAB_INDEX, "-1").ok()?;
        }
        Some(found)
    }
}
