//! `portcullis key …`.

use crate::portcullis::Folder;

#[test]
fn keys_are_listed_rotated_and_retired() {
    let folder = Folder::new();
    folder.run("migrate").good();
    let first = folder.run("key list --json").json();
    assert_eq!(first.as_array().unwrap().len(), 1);
    assert_eq!(first[0]["state"], "signs");
    assert_eq!(first[0]["algorithm"], "EdDSA");
    let id = first[0]["kid"].as_str().unwrap();

    assert!(folder.run("key rotate").good().contains("signs from"));
    let states = |folder: &Folder| -> Vec<String> {
        let keys = folder.run("key list --json").json();
        let keys = keys.as_array().unwrap();
        keys.iter().map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&folder), ["signs", "published"]);
    let given_way = folder.run(&format!("key retire {id}")).good();
    assert!(given_way.contains("gives way"), "{given_way}");
    assert_eq!(states(&folder), ["signs", "published"], "it had given way already");

    folder.run(&format!("key retire {id} --now")).good();
    assert_eq!(states(&folder), ["retired", "published", "signs"]);
    folder.run(&format!("key retire {id} --now")).good();
    folder.run("key retire nonsense").refused(1, &["no key \"nonsense\"", "key list"]);
}

#[test]
fn a_key_given_as_a_file_is_not_rotated_here() {
    let folder = Folder::new();
    folder.run("migrate").good();
    folder.write("portcullis.toml", "[tokens]\nalgorithm = \"HS256\"\nkey_file = \"hmac\"\n");
    let hmac = folder.write("hmac", "q7Zc0vX2nB5mK8pL1sD4fG6hJ9wE3rT0yU2iO5aP");
    set_private(&hmac);
    folder.run("key rotate").refused(1, &["hmac", "tokens.key_file"]);
    folder.run("key list").good();
}

fn set_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
