//! `/auth/…/login` and `/token`, and what a log-out ends.

use axum::body::Body;
use http::{Request, StatusCode};
use portcullis::clock::Sources;
use tower::ServiceExt;

use crate::app::server;

#[tokio::test]
async fn the_database_outlives_the_process_and_every_family_is_mounted() {
    let server = server(Sources::system()).await;
    let shared = server.auth.database().is_shared();
    assert!(shared || server.folder.path().join("test.db").exists());
    for (path, expected) in [
        ("/.well-known/jwks.json", StatusCode::OK),
        ("/users/me", StatusCode::UNAUTHORIZED),
        ("/roles", StatusCode::UNAUTHORIZED),
        ("/nowhere", StatusCode::NOT_FOUND),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = server.finished.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), expected, "{path}");
    }
    assert_eq!(server.auth.roles().records().count(), 0);
}
