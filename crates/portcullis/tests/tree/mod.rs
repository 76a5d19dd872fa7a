//! Reads the project's own files, for the tests of its shape.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders up").to_owned()
}

/// A file's text.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file under the folder that ends like this, in order. What a build leaves is not looked at.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a folder entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "vectors"].contains(&name) {
                found.extend(files(&path, ending));
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether the whole file is a test.
pub(crate) fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

/// The lines of code with their numbers: no comments, no documentation, no test modules.
pub(crate) fn code(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let plain = line.trim_start();
        if plain.starts_with("#[cfg(test)]") {
            let indent = &line[..line.len() - plain.len()];
            let end = format!("{indent}}}");
            let mut body = lines.by_ref().map(|(_, line)| line);
            let item = body.find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
            if !item.ends_with(';') && !item.ends_with('}') {
                body.find(|line| *line == end);
            }
        } else if !plain.is_empty() && !plain.starts_with("//") {
            kept.push((number + 1, line.split(" // ").next().unwrap_or(line)));
        }
    }
    kept
}
