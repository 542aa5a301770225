//! In a real browser: the engine gives the trace that it gives on the host, the JavaScript handle does what it says,
//! and the page's components mount and show the world. Run by `make test-web` in Chromium and in Firefox.
#![cfg(target_arch = "wasm32")]

mod long;
mod story;

use js_sys::{Array, Reflect};
use ringside::api::Engine;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn the_trace_is_the_host_s() {
    for (seed, expected) in (1..).zip(story::TRACES) {
        assert_eq!(story::trace(seed), expected, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn ten_thousand_events_of_fifty_seeds_are_those_of_the_host() {
    assert_eq!(long::recorded().len() as u64, long::SEEDS);
    for (seed, expected) in (1..).zip(long::recorded()) {
        let trace = long::trace(seed, long::PACES[1 - seed as usize % 2]);
        assert_eq!(trace, expected, "seed {seed}");
    }
}

/// Node.js plays the whole handle in `tests/page/package.test.mjs`; here it has to be the same in every browser.
#[wasm_bindgen_test]
fn the_handle_replicates() {
    let mut p = Engine::new("cluster seed=7 replicas=1").expect("a world");
    assert_eq!(p.exec("m", "SET city Oslo"), Ok("OK".into()));
    assert!(p.settle());
    assert_eq!(p.exec("r1", "GET city"), Ok("\"Oslo\"".into()));
    let field = |object: &JsValue, name: &str| {
        Reflect::get(object, &JsValue::from_str(name)).expect("an object")
    };
    let nodes = Array::from(&field(&p.snapshot().expect("a snapshot"), "nodes"));
    let offset = |i| field(&nodes.get(i), "offset").as_f64();
    assert!(offset(0).is_some_and(|n| n >= 56.0) && offset(0) == offset(1));
}

fn document() -> web_sys::Document {
    web_sys::window()
        .and_then(|w| w.document())
        .expect("a browser")
}

/// Lets Yew draw and the page's timers run.
async fn pause(ms: u32) {
    wasm_bindgen_futures::JsFuture::from(js_sys::Promise::new(&mut |resolve, _| {
        gloo_timers::callback::Timeout::new(ms, move || {
            let _ = resolve.call0(&JsValue::NULL);
        })
        .forget();
    }))
    .await
    .expect("a time-out cannot fail");
}

#[wasm_bindgen_test]
async fn the_page_mounts_and_shows_three_nodes_in_step() {
    let root = document().create_element("div").expect("an element");
    document()
        .body()
        .expect("a body")
        .append_child(&root)
        .expect("it can be mounted");
    ringside::ui::mount(root.clone());
    pause(400).await;
    let attr = |selector: &str, name: &str| {
        let found = root
            .query_selector(selector)
            .expect("a selector")
            .unwrap_or_else(|| panic!("{selector} is not on the page"));
        found
            .get_attribute(name)
            .unwrap_or_else(|| panic!("{selector} has no {name}"))
    };
    for node in ["m", "r1", "r2"] {
        assert_eq!(attr(&format!("[data-node={node}]"), "data-keys"), "3");
        assert_eq!(
            attr(&format!("[data-node={node}]"), "data-offset"),
            attr("[data-testid=ring]", "data-offset")
        );
    }
    assert_eq!(attr("[data-node=m]", "data-role"), "master");
    assert_eq!(attr("[data-node=r1]", "data-link"), "online");
    assert_eq!(attr("[data-testid=ring]", "data-size"), "512");
    assert_eq!(attr("[data-node=m]", "data-replid").len(), 40);
}
