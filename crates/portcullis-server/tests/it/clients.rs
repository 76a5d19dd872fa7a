//! `portcullis client key …`.

use crate::portcullis::{Folder, bearer};

#[test]
fn a_key_made_here_opens_a_running_server_until_it_is_deleted() {
    let folder = Folder::new();
    folder.add_sample_roles();
    folder.run("client add shop --role user").good();
    assert_eq!(folder.run("client key shop").good(), "it has no key\n");
    let server = folder.start("serve");
    let secret = folder.run("client key shop add deploy").good();
    let secret = secret.trim();
    let in_header = vec![format!("X-API-Key: {secret}")];
    server.soon("/audit", &in_header, 200);
    assert_eq!(server.get("/audit", &bearer(secret)), 200);
    assert_eq!(server.get("/clients", &in_header), 403);
    folder.run("client roles shop add moderator").good();
    server.soon("/clients", &in_header, 200);

    let list = folder.run("client key shop --json").json();
    assert_eq!(list[0]["name"], "deploy");
    let id = list[0]["id"].as_str().unwrap();
    let text = folder.run("client key shop").good();
    assert!(text.contains("deploy") && !text.contains(secret), "{text}");
    folder.run(&format!("client key shop delete {id}")).good();
    server.soon("/audit", &in_header, 401);
    folder.run(&format!("client key shop delete {id}")).refused(1, &["no key", "client key shop"]);

    folder.run("client key shop delete deploy").refused(1, &["no key \"deploy\"", "by name"]);
    folder.run("client key shop add twice").good();
    folder.run("client key shop delete twice").good();
    folder.run("client key shop add twice").good();
    folder.run("client key shop add twice").good();
    folder.run("client key shop delete twice").refused(1, &["2 keys of the name", "by its id"]);

    let secret = folder.run("client key shop add again").good();
    let again = bearer(secret.trim());
    server.soon("/audit", &again, 200);
    folder.run("client disable shop").good();
    server.soon("/audit", &again, 401);
    folder.run("client key shop add x").refused(1, &["client"]);
    folder.run("client key shop add x --scope items:burn").refused(1, &["items:burn"]);
    folder.run("client key nobody add x").refused(1, &["no client \"nobody\""]);
    server.stop();
}
