//! In a real browser: the engine gives the trace that it gives on the host, the JavaScript handle does what it says,
//! and the page's components mount and show the world. Run by `make test-web` in Chromium and in Firefox.
#![cfg(target_arch = "wasm32")]

mod story;

use js_sys::{Array, Object, Reflect};
use ringside::api::Playground;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn the_trace_is_the_host_s() {
    for (seed, expected) in (1..).zip(story::TRACES) {
        assert_eq!(story::trace(seed), expected, "seed {seed}");
    }
}

fn playground() -> Playground {
    Playground::new(JsValue::UNDEFINED)
        .map_err(JsValue::from)
        .expect("the default world")
}

fn field(object: &JsValue, path: &[&str]) -> JsValue {
    path.iter()
        .fold(object.clone(), |at, name| match name.parse::<u32>() {
            Ok(i) => Array::from(&at).get(i),
            Err(_) => Reflect::get(&at, &JsValue::from_str(name)).expect("an object"),
        })
}

#[wasm_bindgen_test]
fn the_handle_replicates() {
    let mut p = playground();
    assert_eq!(
        p.exec("m", "SET city Oslo").map_err(JsValue::from),
        Ok("OK".into())
    );
    assert!(p.settle());
    assert_eq!(
        p.exec("r1", "GET city").map_err(JsValue::from),
        Ok("\"Oslo\"".into())
    );
    let s = p.snapshot().map_err(JsValue::from).expect("a snapshot");
    assert_eq!(field(&s, &["nodes", "0", "name"]), JsValue::from_str("m"));
    assert_eq!(
        field(&s, &["nodes", "0", "offset"]),
        field(&s, &["nodes", "1", "offset"])
    );
    assert!(
        field(&s, &["nodes", "0", "offset"])
            .as_f64()
            .is_some_and(|n| n >= 56.0),
        "offsets are plain numbers"
    );
    assert_eq!(
        field(&s, &["nodes", "1", "phase", "is"]),
        JsValue::from_str("online")
    );
    let told = Array::from(&p.events(0.0).map_err(JsValue::from).expect("events"));
    assert!(
        told.iter()
            .any(|e| field(&e, &["what", "is"]) == JsValue::from_str("written"))
    );
}

#[wasm_bindgen_test]
fn a_partial_resynchronization_by_the_handle() {
    let mut p = playground();
    for line in ["cut m r2", "load m 20/s reads r1"] {
        p.act(line).map_err(JsValue::from).expect(line);
    }
    p.run(300.0);
    p.act("load m 0/s")
        .map_err(JsValue::from)
        .expect("the load ends");
    p.act("restore m r2")
        .map_err(JsValue::from)
        .expect("the path is mended");
    assert!(p.settle());
    let s = p.snapshot().map_err(JsValue::from).expect("a snapshot");
    assert_eq!(
        field(&s, &["verdict", "outcome", "is"]),
        JsValue::from_str("continue")
    );
    assert_eq!(field(&s, &["nodes", "2", "behind"]).as_f64(), Some(0.0));
}

#[wasm_bindgen_test]
fn mistakes_are_thrown_with_their_text() {
    let mut p = playground();
    let text = |e| {
        Object::from(JsValue::from(e))
            .unchecked_into::<js_sys::Error>()
            .message()
    };
    assert_eq!(
        text(p.act("cut m nobody").expect_err("no such node")),
        "there is no node 'nobody'; there are m, r1, r2"
    );
    assert_eq!(
        text(p.exec("m", "SET \"k").expect_err("open quotes")),
        "Invalid argument(s)"
    );
    let before = p.trace();
    assert!(p.act("fly").is_err());
    assert_eq!(p.trace(), before, "a failed call changes nothing");
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
