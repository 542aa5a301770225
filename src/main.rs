//! Mounts the page. Built by trunk for wasm32; on any other machine there is nothing to mount.

#[cfg(target_arch = "wasm32")]
fn main() {
    let Some(document) = web_sys::window().and_then(|w| w.document()) else {
        return;
    };
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // The engine is gone, the page is not: a bar says so and offers to begin anew.
        let bar = web_sys::window()
            .and_then(|w| w.document())
            .and_then(|d| d.get_element_by_id("stopped"));
        if let Some(bar) = bar {
            let _ = bar.remove_attribute("hidden");
        }
    }));
    if let Some(root) = document.get_element_by_id("app") {
        yew::Renderer::<ringside::ui::App>::with_root(root).render();
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!(
        "This is the page; `trunk serve` builds it for the browser. The server is `cargo run -- server`."
    );
}
