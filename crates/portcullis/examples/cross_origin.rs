//! What a page of another origin gets to see when things go wrong: a panic, a store that is away, an
//! answer that takes too long. The browser tests ask it from Chromium.
//!
//! `cargo run --example cross_origin -- 127.0.0.1:8000 https://app.example`

use std::error::Error;
use std::future::pending;
use std::time::Duration;

use portcullis::prelude::*;
use portcullis::problem::{Problem, ProblemKind};
use tokio::net::TcpListener;

fn app(page: &str) -> Result<App, Box<dyn Error>> {
    let gate = Gate::builder()
        .cors(
            Cors::closed()
                .origins([page])
                .credentials(true)
                .expose_headers(["www-authenticate", "retry-after", "x-request-id"])
                .explain_refusals(true),
        )
        .request_timeout(Duration::from_millis(300))
        .build()?;
    let tried = || public("to see what becomes of it");
    Ok(gate
        .routes::<()>()
        .get("/greeting", tried(), async || "Hello!")
        .get("/panic", tried(), broken)
        .get("/away", tried(), async || Problem::new(ProblemKind::Unavailable).retry_after(7))
        .get("/busy", tried(), async || Problem::new(ProblemKind::TooManyRequests).retry_after(9))
        .get("/slow", tried(), async || pending::<&'static str>().await)
        .get("/sealed", tried(), async || "for no page")
        .get("/open", tried(), async || "for every page")
        .cors("/sealed", Cors::never())
        .cors("/open", Cors::public_metadata())
        .finish()?)
}

#[expect(clippy::panic, reason = "it is what the example is about")]
async fn broken() -> &'static str {
    panic!("a bug in a handler")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let page = arguments.next().unwrap_or_else(|| "https://app.example".to_owned());
    Ok(app(&page)?.serve(TcpListener::bind(address).await?).await?)
}

#[cfg(test)]
mod tests {
    use portcullis::testing::{FixedClock, TestApp};

    use super::*;

    const PAGE: &str = "https://app.example";

    #[tokio::test]
    async fn the_page_reads_every_failure_and_another_none() {
        let auth = portcullis::testing::auth(&FixedClock::at("2026-03-02T12:00:00Z"));
        let app = TestApp::new(app(PAGE).unwrap(), auth.start().await.unwrap());
        for (path, status) in [("/panic", 500), ("/away", 503), ("/slow", 504), ("/busy", 429)] {
            let answer = app.anon().get(path).header("origin", PAGE).await.expect(status);
            assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{path}");
            let other = app.anon().get(path).header("origin", "https://app.example.evil").await;
            assert_eq!(other.header("access-control-allow-origin"), None, "{path}");
            assert_eq!(other.header("vary"), Some("origin"), "{path}");
        }
        let sealed = app.anon().get("/sealed").header("origin", PAGE).await.expect(200);
        assert_eq!(sealed.header("access-control-allow-origin"), None);
    }
}
