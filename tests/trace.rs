//! Same seed and actions, same trace: on the host. `tests/web` asks Chromium and Firefox the same question.

#[path = "web/story.rs"]
mod story;

#[test]
fn the_trace_is_the_one_that_browsers_give() {
    for (seed, expected) in (1..).zip(story::TRACES) {
        assert_eq!(
            story::trace(seed),
            expected,
            "seed {seed}: {:#018x}",
            story::trace(seed)
        );
    }
}

#[test]
fn another_seed_is_another_story() {
    assert_ne!(story::trace(4), story::trace(5));
}
