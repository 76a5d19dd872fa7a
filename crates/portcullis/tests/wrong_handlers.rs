//! A handler that cannot be described does not compile, and the message says what to do.
//!
//! Runs the compiler itself on short programs, against the libraries this test was built with.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "it is a test")]

use std::path::{Path, PathBuf};
use std::process::Command;

const HEAD: &str = "
    extern crate axum;
    extern crate portcullis;
    use portcullis::extract::{Created, Json, NoContent, Path, Query};
    use portcullis::gate::Gate;
    use portcullis::policy::public;
    use portcullis::problem::Problem;

    pub fn routes(gate: &Gate) -> portcullis::router::Routes {
        gate.routes().get(\"/things/{id}\", public(\"a test\"), handler)
    }
";

/// Libraries of this name, the newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let file = path.file_name().unwrap().to_string_lossy();
            file.starts_with(&prefix) && file.ends_with(".rlib")
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.reverse();
    found
}

struct Compiler {
    folder: PathBuf,
    portcullis: PathBuf,
    axum: PathBuf,
}

impl Compiler {
    /// Finds the libraries with which a right program compiles.
    fn new() -> Self {
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        for portcullis in libraries(&folder, "portcullis") {
            for axum in libraries(&folder, "axum") {
                let found = Self { folder: folder.clone(), portcullis: portcullis.clone(), axum };
                if found.compile("right", RIGHT).is_ok() {
                    return found;
                }
            }
        }
        panic!("the right program does not compile");
    }

    fn compile(&self, name: &str, handler: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(format!("{name}.rs"));
        std::fs::write(&program, format!("{HEAD}{handler}")).unwrap();
        let with = |name: &str, path: &Path| format!("{name}={}", path.display());
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
            .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata"])
            .args(["--extern", &with("portcullis", &self.portcullis)])
            .args(["--extern", &with("axum", &self.axum)])
            .args(["-L", &with("dependency", &self.folder)])
            .arg("--out-dir")
            .arg(folder.path())
            .arg(&program)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(text) }
    }

    #[track_caller]
    fn refuses(&self, handler: &str, sentences: &[&str]) {
        let text = self.compile("wrong", handler).expect_err("it compiles");
        for sentence in sentences {
            assert!(text.contains(sentence), "{sentence:?} is missing in:\n{text}");
        }
    }
}

const RIGHT: &str = "
    async fn handler(Path(id): Path<u64>, Query(()): Query<()>) -> Result<Json<u64>, Problem> {
        Ok(Json(id))
    }
";

#[test]
fn the_compiler_names_the_guilty_type_and_says_what_to_do() {
    let compiler = Compiler::new();
    let wrong = |signature: &str, sentences: &[&str]| {
        let things = "#[derive(Clone)] pub struct Thing;";
        let handler = format!("{things} async fn handler{signature} {{ loop {{}} }}");
        compiler.refuses(&handler, sentences);
    };
    wrong(
        "(_: axum::Json<u64>) -> NoContent",
        &[
            "a handler takes `axum::Json<u64>`, which cannot say what it takes",
            "take `Json`, `Form`, `Query` or `Path` of `portcullis::openapi` (not axum's)",
        ],
    );
    wrong(
        "(_: Path<u64>, _: Thing, _: Query<()>) -> NoContent",
        &[
            "a handler takes `Thing`, which cannot say what it takes",
            "write `impl portcullis::openapi::Describe for …`",
        ],
    );
    wrong(
        "(_: Path<u64>, _: Json<Thing>) -> NoContent",
        &[
            "`Thing` cannot be read from a request",
            "`#[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]`",
        ],
    );
    wrong(
        "(_: Json<u64>, _: Path<u64>) -> NoContent",
        &["the trait bound `portcullis::extract::Json<u64>: FromRequestParts<"],
    );
    wrong(
        "(_: Path<Thing>) -> NoContent",
        &[
            "`Thing` cannot be read from a path",
            "`#[derive(serde::Deserialize, schemars::JsonSchema)]`",
        ],
    );
    wrong(
        "() -> Result<Created<Thing>, Problem>",
        &[
            "`Thing` cannot be sent as an answer",
            "`#[derive(serde::Serialize, schemars::JsonSchema)]`",
        ],
    );
    wrong(
        "() -> Result<axum::Json<u64>, Problem>",
        &[
            "a handler answers with `axum::Json<u64>`, which cannot say what it sends",
            "answer with `Json`, `Created`, `Accepted` or `NoContent` of `portcullis::openapi`",
        ],
    );
}

#[test]
fn no_suggestion_of_the_compiler_opens_a_route() {
    let compiler = Compiler::new();
    let slip = "
        pub fn slip(gate: &Gate) -> portcullis::router::Routes {
            gate.routes().get(\"/notes/{id}\", \"notes:read\", handler)
        }
    ";
    let text = compiler.compile("slip", &format!("{RIGHT}{slip}")).expect_err("it compiles");
    assert!(text.contains("expected `Requirement`, found `&str`"), "{text}");
    for way_in in ["help: try", "help: consider", "help: call", "Public", ".into()"] {
        assert!(!text.contains(way_in), "{way_in:?} is suggested in:\n{text}");
    }
}
