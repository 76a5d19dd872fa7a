//! A running server, and commands beside it: what they change counts within 200 ms.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::portcullis::{Folder, basic, bearer};

#[test]
fn what_a_command_changes_counts_at_a_running_server() {
    let folder = Folder::new();
    let server = folder.start("serve");
    assert_eq!(server.get("/users/me", &[]), 401);
    folder.add_user("ada --role admin");
    server.soon("/users", &basic("ada"), 200);
    folder.add_sample_roles();
    folder.add_user("alice --role user");
    let answer = server.token("alice");
    let token = bearer(answer["access_token"].as_str().unwrap());
    assert_eq!(server.get("/audit", &token), 200);
    assert_eq!(server.get("/clients", &token), 403);

    folder.run("user permissions alice allow clients:manage").good();
    server.soon("/clients", &token, 200);
    folder.run("user permissions alice deny clients:manage").good();
    server.soon("/clients", &token, 403);
    folder.run("role change user --remove-permission audit:read").good();
    server.soon("/audit", &token, 403);
    folder.run("role change user --permission audit:read").good();
    server.soon("/audit", &token, 200);
    folder.run("user roles alice remove user").good();
    server.soon("/audit", &token, 403);
    folder.run("user disable alice").good();
    server.soon("/users/me", &token, 401);
    folder.run("user enable alice").good();
    server.soon("/users/me", &basic("alice"), 200);
    assert_eq!(server.get("/users/me", &token), 401, "its session ended");
    folder.run_with("user password alice", "an-altogether-new-one\n").good();
    server.soon("/users/me", &basic("alice"), 401);
    folder.run("user delete alice").good();

    let said = server.stop();
    assert!(said.contains("There is no user yet"), "{said}");
    let database = if folder.is_on_a_server() {
        "\"$PORTCULLIS_DATABASE_URL\"".to_owned()
    } else {
        format!("sqlite://{}", folder.path("portcullis.db").display())
    };
    let command = format!("user add --database {database} --role admin");
    assert!(said.contains(&command), "{said}");
}

#[test]
fn tokens_and_keys_are_ended_at_a_running_server() {
    let folder = Folder::new();
    folder.add_user("ada --role admin");
    let server = folder.start("serve");
    let shared = format!("--listen {}", server.address());
    let answer = server.token("ada");
    let text = answer["access_token"].as_str().unwrap();
    let said = folder.run_with(&format!("token revoke {shared}"), &format!("{text}\n")).good();
    assert!(said.contains("of ada is revoked"), "{said}");
    server.soon("/users/me", &bearer(text), 401);
    folder
        .run_with(&format!("token revoke {shared}"), &format!("{text}\n"))
        .refused(1, &["not valid"]);

    let answer = server.token("ada");
    let access = bearer(answer["access_token"].as_str().unwrap());
    let refresh = answer["refresh_token"].as_str().unwrap();
    folder.run_with(&format!("token revoke {shared}"), refresh).good();
    server.soon("/users/me", &access, 401);
    folder.run("token revoke not-as-an-argument").refused(2, &["unexpected argument"]);
    folder.run(&format!("token revoke {shared} --id nonsense")).refused(2, &["--id"]);

    let answer = server.token("ada");
    let text = answer["access_token"].as_str().unwrap();
    let id = claim(text, "jti");
    assert_eq!(id.len(), 22);
    assert_eq!(server.get("/users/me", &bearer(text)), 200);
    folder.run(&format!("token revoke {shared} --id {id}")).good();
    server.soon("/users/me", &bearer(text), 401);
    // One in 64 begins with a dash.
    let dashed = "-_v7-_v7-_v7-_v7-_v7-w";
    for id in [dashed, "fbfbfbfb-fbfb-fbfb-fbfb-fbfbfbfbfbfb"] {
        let said = folder.run(&format!("token revoke {shared} --id {id}")).good();
        assert_eq!(said, format!("{dashed} is revoked\n"));
    }

    let access = bearer(server.token("ada")["access_token"].as_str().unwrap());
    assert_eq!(server.get("/users/me", &access), 200);
    let id = folder.run("key list --json").json()[0]["kid"].as_str().unwrap().to_owned();
    folder.run(&format!("key retire {id} --now")).good();
    server.soon("/users/me", &access, 401);
    let said = server.stop();
    assert!(!said.contains("no user yet"), "{said}");
}

/// A claim of a JWT.
fn claim(token: &str, name: &str) -> String {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    claims[name].as_str().unwrap().to_owned()
}

#[test]
fn a_port_that_is_taken_and_a_demo_for_the_world_are_refused() {
    let folder = Folder::with_a_file();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = folder.run(&format!("serve --listen {address}"));
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("cannot listen on"), "{said:?}");
    folder.run("demo --listen 0.0.0.0:0").refused(1, &["0.0.0.0", "fix: "]);
    assert!(!folder.path("portcullis-demo.db").exists());
}

#[test]
fn the_demo_says_how_to_try_it_and_never_uses_the_database_of_the_settings() {
    let folder = Folder::with_a_file();
    folder.write("portcullis.toml", "[database]\nurl = \"sqlite://real.db\"\n");
    let server = folder.start("demo");
    assert_eq!(server.get("/", &[]), 200);
    assert_eq!(server.get("/user", &basic("alice")), 200);
    let said = server.stop();
    assert!(said.contains("/docs") && said.contains("lois"), "{said}");
    assert_eq!(said.matches("  curl ").count(), 3, "{said}");
    assert!(folder.path("portcullis-demo.db").exists());
    assert!(!folder.path("real.db").exists());
}
