//! The commands that the guide and the page for operators show do run.

use std::path::Path;

use crate::portcullis::{Folder, PASSWORD};

/// Runs every command of a page, in order, in one folder, and answers all they printed.
fn run_all(page: &str) -> (String, String) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: Vec<&str> =
        blocks.flat_map(str::lines).map(|line| line.strip_prefix("portcullis ").unwrap()).collect();
    assert!(commands.len() > 9, "{commands:?}");
    let folder = Folder::with_a_file();
    let answers =
        commands.iter().map(|line| folder.run_with(line, &format!("{PASSWORD}\n")).good());
    let said = answers.collect::<Vec<_>>().concat();
    (page, said)
}

#[test]
fn every_command_of_the_chapter_on_audit_runs() {
    let (chapter, said) = run_all("guide/12-audit.md");
    let promised = chapter.lines().find(|line| line.starts_with("would be allowed from")).unwrap();
    assert!(said.contains(promised), "{said}");
}

#[test]
fn every_command_for_operators_runs() {
    let (_, said) = run_all("running.md");
    assert!(said.contains("the configuration is good") && said.contains("is restored"), "{said}");
}

/// The settings that are shipped are good ones, but for the folder that is not there.
#[test]
fn the_settings_to_begin_with_are_good() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/portcullis.toml");
    let folder = Folder::with_a_file();
    let command = format!("check --config {} --database sqlite://a.db", shipped.display());
    assert!(folder.run(&command).good().contains("the configuration is good"));
}
