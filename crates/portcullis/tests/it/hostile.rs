//! Every ready-made route, asked by strangers and by those who may.

use http::Method;
use portcullis::clock::Sources;
use portcullis::testing::{Setup, TestApp, hostile};

use crate::app::server;

#[tokio::test(flavor = "multi_thread")]
async fn every_ready_made_route_is_guarded_as_its_table_says() {
    let server = server(Sources::system()).await;
    let app = TestApp::new(server.finished, server.auth);
    // The endpoints of OAuth read the header as the client's credential (RFC 6749 §2.3.1).
    let setup = ["/token", "/revoke", "/auth/jwt/login", "/auth/opaque/login"]
        .iter()
        .fold(Setup::new(), |setup, path| setup.reads_credentials(&Method::POST, path));
    let covered = hostile(&app, &setup).await;
    assert_eq!(covered.routes.len(), app.access().iter().count());
}
