//! `portcullis doctor` and `/metrics`.

use crate::portcullis::{Folder, basic};

#[test]
fn a_server_that_is_well_is_called_so_and_what_is_wrong_is_named() {
    let folder = Folder::new();
    let server = folder.start("serve");
    let said = folder.run(&format!("doctor http://{}", server.address())).good();
    assert!(!said.contains("wrong"), "{said}");
    for word in [
        "TLS: ",
        "guard: ",
        "headers: ",
        "clock: ",
        "CORS: ",
        "discovery: ",
        "keys: ",
        "exposure: ",
    ] {
        assert!(said.contains(&format!("good   {word}")), "{word} is not in\n{said}");
    }
    server.stop();
    folder.write(
        "portcullis.toml",
        "[server]\npublic_url = \"http://localhost:9\"\n[cors]\norigins = [\"*\"]\n",
    );
    let server = folder.start("serve");
    let answer = folder.run(&format!("doctor http://{}", server.address()));
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer.out.contains("wrong  discovery: the issuer is \"http://localhost:9\""),
        "{answer:?}"
    );
    assert!(answer.out.contains("pages of any origin may read answers"), "{answer:?}");
    let address = server.address();
    server.stop();
    folder.run(&format!("doctor http://{address}")).refused(1, &["does not answer", "does it run"]);
    folder.run("doctor auth.example.org").refused(2, &["no address of a server"]);
}

#[test]
fn what_was_answered_is_counted_without_anything_of_a_person() {
    let folder = Folder::with_a_file();
    folder.add_user("ada --role admin");
    let id = folder.run("user show ada --json").json()["id"].as_str().unwrap().to_owned();
    let server = folder.start("serve");
    for _ in 0..3 {
        assert_eq!(server.get(&format!("/users/{id}"), &basic("ada")), 200);
    }
    assert_eq!(server.get("/nowhere/ada", &[]), 404);
    assert_eq!(server.get("/users", &[]), 401);
    let (status, text) = server.text("/metrics", &[]);
    assert_eq!(status, 200);
    for line in [
        r#"portcullis_http_requests_total{method="GET",route="/users/{id}",status="200"} 3"#,
        r#"portcullis_http_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"portcullis_http_requests_total{method="GET",route="/users",status="401"} 1"#,
        "portcullis_database_up 1",
        r#"portcullis_http_request_duration_seconds_bucket{method="GET",route="/users/{id}",le="+Inf"} 3"#,
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(r#"portcullis_database_bytes{file="database"} "#), "{text}");
    // One or more: a connection that was closed a moment ago may still be counted.
    assert!(text.contains(r#"portcullis_connections{listener="main"} "#), "{text}");
    assert!(!text.contains(&id) && !text.contains("ada"), "{text}");
    let proxied = vec!["X-Forwarded-For: 203.0.113.7".to_owned()];
    assert_eq!(server.text("/metrics", &proxied).0, 404);
    server.stop();
}
