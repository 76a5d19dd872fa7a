//! The process as a server: listeners, bounds on every wait, and an orderly end.

mod connection;
mod patience;
pub(crate) mod signals;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::connection::Connections;
use self::tls::Certificate;
use crate::config::server::Server;

/// How long the accept loop rests when the system has no file left to give.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// How many connections the kernel may keep waiting.
const BACKLOG: u32 = 1024;

/// What bounds a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long a header, a handshake and the taking of an answer may last.
    pub(crate) connection_timeout: Duration,
    /// How long requests under way may take once the server is asked to stop.
    pub(crate) shutdown_timeout: Duration,
    /// How many connections are open at once.
    pub(crate) max_connections: u32,
}

impl From<&Server> for Bounds {
    fn from(server: &Server) -> Self {
        Self {
            connection_timeout: server.connection_timeout,
            shutdown_timeout: server.shutdown_timeout,
            max_connections: server.max_connections,
        }
    }
}

/// The address is taken, or not ours to take.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}{}", hint(.error))]
pub(crate) struct BindError {
    address: SocketAddr,
    #[source]
    error: io::Error,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            ". Another program listens there: stop it, or choose another port with `--listen`"
        }
        io::ErrorKind::PermissionDenied => {
            ". A port below 1024 takes a right this user does not have: choose another with `--listen`"
        }
        io::ErrorKind::AddrNotAvailable => {
            ". This machine does not have that address: choose one of its own, or 127.0.0.1"
        }
        _ => "",
    }
}

/// A socket that listens, and how what comes over it is answered.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    certificate: Option<Arc<Certificate>>,
    router: Router,
}

impl Listener {
    /// Begins to listen: from here on connections wait, and none is refused.
    ///
    /// # Errors
    /// [`BindError`] where the address cannot be had.
    pub(crate) fn bind(
        address: SocketAddr,
        certificate: Option<Arc<Certificate>>,
        router: Router,
    ) -> Result<Self, BindError> {
        let socket = listen(address).map_err(|error| BindError { address, error })?;
        Ok(Self { socket, certificate, router })
    }

    /// The address it listens on: the port that the system chose, where 0 was asked for.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // A server that starts again must not wait for the last one's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every request under way was answered.
    Answered,
    /// Time ran out, and some were cut off.
    CutOff,
}

/// Serves until `stop` is ready; then accepts nothing more, answers what is under way within the
/// bound, and returns.
pub(crate) async fn serve(
    listeners: Vec<Listener>,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) -> Ended {
    let (stopping, stopped) = watch::channel(());
    let room = Arc::new(Semaphore::new(bounds.max_connections as usize));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let connections = Connections::new(&listener, bounds, stopped.clone());
        accepting.spawn(accept(listener.socket, connections, Arc::clone(&room)));
    }
    drop(stopped);
    stop.await;
    tracing::info!("stopping: answering what is under way");
    accepting.abort_all();
    while accepting.join_next().await.is_some() {}
    // Closed sockets refuse newcomers before the first connection is told to end.
    stopping.send_replace(());
    let all_gone = room.acquire_many(bounds.max_connections);
    if tokio::time::timeout(bounds.shutdown_timeout, all_gone).await.is_ok() {
        return Ended::Answered;
    }
    tracing::warn!("requests were cut off: they took longer than server.shutdown_timeout");
    Ended::CutOff
}

/// Accepts for ever, never more than there is room for.
async fn accept(socket: TcpListener, connections: Connections, room: Arc<Semaphore>) {
    // The semaphore is never closed; were it, nobody could be let in any more.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let (stream, peer) = next(&socket).await;
        let connections = connections.clone();
        tokio::spawn(async move {
            connections.attend(stream, peer).await;
            drop(place);
        });
    }
}

/// The next connection, whatever becomes of those before it.
async fn next(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_connection(&error) => {
                tracing::debug!(%error, "a connection was gone before it was accepted");
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Asks the system for as many open files as it lets this process have, up to what the connections
/// and the database need.
pub(crate) fn raise_file_limit(max_connections: u32) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::from(max_connections) + 256;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let current = now.maximum.map_or(wanted, |most| most.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..now });
    if raised.is_err() || current < wanted {
        tracing::warn!(
            "this process may open {current} files, and server.max_connections asks for {wanted}: \
             raise the limit (`ulimit -n`, `LimitNOFILE=`)"
        );
    }
}
