//! The memory of the page, of the engine as a module, and of their tests ends at 512 MiB: a world that grew without end
//! would take all that the browser gives, 4 GiB, and the visitor's other pages with it. Ten minutes at full load use 182
//! MB of it. The page's module keeps each piece of its data apart, for `.ci/halve.mjs` to tell what may come late.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg=--max-memory={}", 512 << 20);
        println!("cargo::rustc-link-arg-bin=page=--no-merge-data-segments");
    }
}
