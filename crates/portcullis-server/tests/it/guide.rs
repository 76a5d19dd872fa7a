//! The commands that the guide shows do run.

use std::path::Path;

use crate::portcullis::{Folder, PASSWORD};

#[test]
fn every_command_of_the_chapter_on_audit_runs() {
    let chapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/12-audit.md");
    let chapter = std::fs::read_to_string(chapter).unwrap();
    let blocks = chapter.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<&str> =
        blocks.flat_map(str::lines).map(|line| line.strip_prefix("portcullis ").unwrap()).collect();
    assert!(commands.len() > 10, "{commands:?}");
    let promised = chapter.lines().find(|line| line.starts_with("would be allowed from")).unwrap();
    let folder = Folder::new();
    let answers =
        commands.iter().map(|line| folder.run_with(line, &format!("{PASSWORD}\n")).good());
    let said = answers.collect::<Vec<_>>().concat();
    assert!(said.contains(promised), "{said}");
}
