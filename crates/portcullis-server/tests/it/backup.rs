//! `portcullis backup` and `restore`.

use std::os::unix::fs::PermissionsExt as _;

use crate::portcullis::{Folder, basic};

#[test]
fn a_backup_of_a_running_server_is_whole_and_can_be_put_back() {
    let folder = Folder::with_a_file();
    folder.add_user("ada --role admin");
    let server = folder.start("serve");
    let said = folder.run("backup kept.db").good();
    assert!(said.contains("kept.db is a whole copy of portcullis.db"), "{said}");
    assert!(said.contains("keep portcullis.db.secret elsewhere"), "{said}");
    assert_eq!(folder.path("kept.db").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    folder.run("backup kept.db").refused(1, &["kept.db is there already"]);
    folder.add_user("late");
    folder.run("restore kept.db").refused(1, &["a database portcullis.db already", "--replace"]);
    folder
        .run("restore kept.db --replace")
        .refused(1, &["portcullis.db is in use", "stop the server"]);
    assert_eq!(server.get("/users/me", &basic("late")), 200, "nothing happened to it");
    server.stop();
    let said = folder.run("restore kept.db --replace").good();
    assert!(said.contains("is restored, and its audit log is whole"), "{said}");
    assert!(said.contains("is now portcullis.db.replaced"), "{said}");
    folder.run("user show ada").good();
    folder.run("user show late").refused(1, &["no user"]);
    folder.run("user show late --database sqlite://portcullis.db.replaced").refused(1, &["secret"]);
    let server = folder.start("serve");
    assert_eq!(server.get("/users", &basic("ada")), 200);
    server.stop();
    for left in ["kept.db.part", "kept.db-wal", "portcullis.db.part", "portcullis.db.part-wal"] {
        assert!(!folder.path(left).exists(), "{left}");
    }
}

#[test]
fn a_copy_that_is_broken_or_another_ones_is_refused_and_nothing_changes() {
    let folder = Folder::with_a_file();
    folder.run("backup a.db").refused(1, &["there is no database portcullis.db"]);
    folder.add_user("ada");
    folder.run("backup kept.db").good();
    let before = folder.run("user list --json").good();
    folder.write("text.db", "this is no database at all, and long enough for that");
    folder.run("restore none.db --replace").refused(1, &["none.db is no backup"]);
    folder.run("restore text.db --replace").refused(1, &["error: "]);
    let mut bytes = std::fs::read(folder.path("kept.db")).unwrap();
    // Where a page begins: what is harmed within one may be free.
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 2000].fill(0xa5);
    std::fs::write(folder.path("harmed.db"), bytes).unwrap();
    folder.run("restore harmed.db --replace").refused(1, &["error: "]);
    let other = Folder::with_a_file();
    other.add_user("eve");
    other.run("backup theirs.db").good();
    std::fs::copy(other.path("theirs.db"), folder.path("theirs.db")).unwrap();
    folder
        .run("restore theirs.db --replace")
        .refused(1, &["tokens.master_secret", "kept under another one"]);
    assert_eq!(folder.run("user list --json").good(), before);
    assert!(!folder.path("portcullis.db.part").exists());
}

#[test]
fn a_backup_goes_into_an_empty_folder_with_its_secret() {
    let folder = Folder::with_a_file();
    folder.add_user("ada --role admin");
    folder.run("backup kept.db").good();
    let new = Folder::with_a_file();
    std::fs::copy(folder.path("kept.db"), new.path("kept.db")).unwrap();
    new.run("restore kept.db").refused(1, &["portcullis.db.secret is not there"]);
    assert!(!new.path("portcullis.db").exists());
    std::fs::copy(folder.path("portcullis.db.secret"), new.path("portcullis.db.secret")).unwrap();
    new.run("restore kept.db").good();
    new.run("user show ada").good();
}
