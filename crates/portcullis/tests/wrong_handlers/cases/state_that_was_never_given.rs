//! An application that is served though its handlers lack their state.

use portcullis::router::Routes;

pub async fn serve(routes: Routes<u64>, listener: tokio::net::TcpListener) {
    if let Ok(app) = routes.finish() {
        let _ = app.serve(listener).await;
    }
}
