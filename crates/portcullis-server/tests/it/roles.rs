//! `portcullis role …` and `client …`.

use serde_json::json;

use crate::portcullis::Folder;

#[test]
fn a_fresh_database_has_one_role() {
    let folder = Folder::with_a_file();
    assert_eq!(folder.run("migrate").good(), "sqlite://portcullis.db has the newest schema\n");
    let roles = folder.run("role list --json").json();
    let names: Vec<&str> =
        roles.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["admin"]);
    let admin = folder.run("role show admin --json").json();
    let permissions = admin["permissions"].as_array().unwrap();
    for permission in ["users:manage", "roles:manage", "clients:manage", "audit:read"] {
        assert!(permissions.contains(&json!(permission)), "{permissions:?}");
    }
    folder.run("migrate").good();
    assert_eq!(folder.run("role list --json").json(), roles, "nothing is made twice");
    folder.add_sample_roles();
    let shown = folder.run("role show moderator").good();
    assert!(shown.contains("includes      user"), "{shown}");
    assert!(shown.contains("in all        audit:read, clients:manage"), "{shown}");
}

#[test]
fn a_role_is_made_changed_and_deleted() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder
        .run("role add editor --permission articles:write,articles:read --deny delete --include user --description 'Writes.'")
        .good();
    folder.run("role add editor").refused(1, &["already", "role change editor"]);
    folder
        .run("role change editor --permission 'articles:*' --remove-permission articles:write --remove-deny delete --include guest")
        .good();
    let editor = folder.run("role show editor --json").json();
    assert_eq!(editor["permissions"], json!(["articles:*", "articles:read"]));
    assert_eq!(editor["denied"], json!([]));
    assert_eq!(editor["includes"], json!(["guest", "user"]));
    assert_eq!(editor["description"], "Writes.");
    folder.run("role change editor --remove-permission x").refused(1, &["\"x\"", "articles:read"]);
    folder.run("role change user --include editor").refused(1, &["include itself"]);
    folder.run("role change editor --permission 'a b'").refused(1, &["permissions", "not a name"]);
    folder.run("role add x --include nobody").refused(1, &["no role \"nobody\""]);
    folder.run("role delete editor").good();
    folder.run("role show editor").refused(1, &["no role \"editor\"", "admin, guest"]);
}

#[test]
fn a_client_is_registered_changed_and_deleted() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder.run("client add shop --name 'The shop' --role user").good();
    assert!(folder.run("client list").good().contains("shop   active   user    The shop"));
    folder.run("client roles shop add moderator").good();
    folder.run("client permissions shop deny delete").good();
    assert_eq!(folder.run("client permissions shop --json").json()[0]["effect"], "deny");
    folder.run("client disable shop").good();
    let shop = folder.run("client show shop --json").json();
    assert_eq!(shop["is_active"], false);
    assert_eq!(shop["roles"], json!(["moderator", "user"]));
    folder.run("client enable shop").good();
    folder.run("client add shop").refused(1, &["already"]);
    folder.run("client add 'a b'").refused(1, &["id: ", "visible ASCII"]);
    folder.run("client add other --role boss").refused(1, &["\"boss\""]);
    folder.run("client delete shop").good();
    folder.run("client show shop").refused(1, &["no client \"shop\""]);
    assert_eq!(folder.run("client list").good(), "there is no client\n");
}
