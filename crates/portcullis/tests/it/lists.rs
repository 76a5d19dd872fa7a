//! Lists that can grow are read a page at a time.

use portcullis::testing::TestClient;
use serde_json::{Value, json};

use crate::stand::{Kind, Place, Stand};

/// The names of a list, read to its end by pages of two.
async fn by_pages(client: &TestClient, path: &str, name: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), String::new());
    loop {
        let page: Value = client.get(format!("{path}?limit=2{rest}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|item| item[name].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => rest = format!("&cursor={next}"),
            None => return names,
        }
        assert!(names.len() < 100, "{path} has no end: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_grants_are_read_by_pages() {
    let stand = Stand::new(Place::File, Kind::Jwt.format()).await;
    let root =
        stand.app.user("root").with_permission("roles:manage").with_permission("users:manage");
    let bob = stand.app.user("bob");
    let user = format!("/users/{}", bob.id().await);
    let long = format!("r{}", "0".repeat(99));
    for name in ["r3", "r1", "r5", "r2", &long] {
        root.post("/roles").json(json!({"name": name})).await.expect(201);
        root.put(format!("{user}/roles/{name}")).await.expect(204);
    }
    for permission in ["a:b", "a:c", "a:d", "a:e", "a:f"] {
        let grant = json!({"permission": permission});
        root.post(format!("{user}/grants")).json(grant).await.expect(201);
    }
    let held = by_pages(&root, &format!("{user}/roles"), "name").await;
    assert_eq!(held, [&long, "r1", "r2", "r3", "r5"]);
    let all = by_pages(&root, "/roles", "name").await;
    assert!(held.iter().all(|name| all.contains(name)) && all.is_sorted(), "{all:?}");
    let whole: Value = root.get("/roles?limit=200").await.expect(200).json();
    assert_eq!(all.len(), whole["items"].as_array().unwrap().len());
    let mut granted = by_pages(&root, &format!("{user}/grants"), "permission").await;
    granted.sort();
    assert_eq!(granted, ["a:b", "a:c", "a:d", "a:e", "a:f"]);
    for path in ["/roles".to_owned(), format!("{user}/roles"), format!("{user}/grants")] {
        root.get(format!("{path}?cursor=*")).await.expect(422);
        root.get(format!("{path}?limit=201")).await.expect(422);
    }
}
