//! HTTP Basic in twenty lines.
//!
//! `cargo run --example hello`, then `curl -u ann:"a walk in the wood" http://127.0.0.1:8000`.

use portcullis::prelude::*;
use std::error::Error;
use tokio::net::TcpListener;

async fn app() -> Result<App, Box<dyn Error>> {
    let secret = MasterSecret::generate(&Sources::system())?;
    let auth = Auth::builder(Database::in_memory(), secret).start().await?;
    auth.add_missing_user(NewAccount::new("ann", "a walk in the wood"), &[]).await?;
    let basic = basic("hello").verified_by(PasswordVerifier::new(auth));
    let gate = Gate::builder().scheme("basic", basic).build()?;
    let hello = async |who: Principal| format!("Hello, {}!", who.name);
    Ok(gate.routes().get("/", authenticated(), hello).finish()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    Ok(app().await?.serve(listener).await?)
}

#[cfg(test)]
#[tokio::test]
async fn ann_is_greeted_and_nobody_else() {
    let app = portcullis::testing::TestApp::without_auth(app().await.unwrap());
    let ann = ("authorization", "Basic YW5uOmEgd2FsayBpbiB0aGUgd29vZA==");
    assert_eq!(app.anon().header(ann.0, ann.1).get("/").await.expect(200).text(), "Hello, ann!");
    let refused = app.anon().get("/").await.expect(401);
    assert_eq!(refused.challenges(), [r#"Basic realm="hello", charset="UTF-8""#]);
}
