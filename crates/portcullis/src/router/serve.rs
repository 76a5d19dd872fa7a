//! Serving a finished application.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::App;

impl App {
    /// Serves requests until the process ends.
    ///
    /// The same as `axum::serve` with the address of each connection, which the gate must know:
    /// without it credentials over cleartext are refused, and conditions on networks never hold.
    /// Where you call `axum::serve` yourself, give it
    /// `app.router.into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// # Errors
    /// Where the listener fails for good.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let router = self.router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, router).await
    }
}
