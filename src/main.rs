//! Mounts the page. Built by trunk for wasm32; on any other machine there is nothing to mount.

/// How the first half of the module asks for the late one (`.ci/halve.mjs`).
#[cfg(target_arch = "wasm32")]
mod halves {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// `boot.js` brings the late half, and lets everything wait for it.
        #[wasm_bindgen(js_name = ringsideLate)]
        fn bring(first: &JsValue);
    }

    /// Something of the late half is wanted before it has come.
    #[wasm_bindgen]
    pub fn missing() {
        bring(&wasm_bindgen::exports());
    }
}

#[cfg(target_arch = "wasm32")]
fn main() {
    let Some(document) = web_sys::window().and_then(|w| w.document()) else {
        return;
    };
    // Yew's own hook would take the place of one that is set by the standard library's way.
    yew::set_custom_panic_hook(Box::new(|info| {
        // The trap that follows is an error event of the window: `boot.js` shows this text and offers to go on.
        let text = info.to_string();
        web_sys::console::error_1(&text.as_str().into());
        let root = web_sys::window().and_then(|w| w.document()?.document_element());
        if let Some(root) = root {
            let _ = root.set_attribute("data-panic", &text);
        }
    }));
    if let Some(root) = document.get_element_by_id("app") {
        ringside::ui::mount(root);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!(
        "This is the page; `trunk serve` builds it for the browser. The server is `cargo run -- server`."
    );
}
