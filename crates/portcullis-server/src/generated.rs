//! Generated pages: compared in tests, rewritten by `cargo xtask bless`.

use std::path::Path;

/// Compares `docs/generated/<name>` with what it should be; rewrites it where `BLESS` is set.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the server")]
pub(crate) fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generated").join(name);
    if std::env::var("BLESS").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name} is out of date: `cargo xtask bless`, then read the diff");
}
