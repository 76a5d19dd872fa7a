//! The process as a server: listeners, bounds on every wait, and an orderly end.

mod connection;
mod patience;
mod room;
pub(crate) mod signals;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::connection::Connections;
use self::room::Room;
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
    /// How many of them one address may have.
    pub(crate) connections_per_address: u32,
}

/// How many connections a listener of probes may have beside those of the main one.
const PROBE_CONNECTIONS: u32 = 64;

impl From<&Server> for Bounds {
    fn from(server: &Server) -> Self {
        Self {
            connection_timeout: server.connection_timeout,
            shutdown_timeout: server.shutdown_timeout,
            max_connections: server.max_connections,
            connections_per_address: server
                .connections_per_address
                .unwrap_or(server.max_connections / 4)
                .max(1),
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
    /// For whom no share of connections counts.
    proxies: Vec<IpNet>,
    is_for_probes: bool,
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
        Ok(Self { socket, certificate, router, proxies: Vec::new(), is_for_probes: false })
    }

    /// Connections of these are of many clients: one address's share does not count for them.
    pub(crate) fn behind(mut self, proxies: Vec<IpNet>) -> Self {
        self.proxies = proxies;
        self
    }

    /// Gives the listener room of its own: where the main one is full, probes are still answered.
    pub(crate) fn for_probes(mut self) -> Self {
        self.is_for_probes = true;
        self
    }

    fn room(&self, bounds: Bounds) -> Room {
        if self.is_for_probes {
            return Room::new("probes", PROBE_CONNECTIONS, PROBE_CONNECTIONS, Vec::new());
        }
        let (most, share) = (bounds.max_connections, bounds.connections_per_address);
        Room::new("main", most, share, self.proxies.clone())
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
    let mut rooms = Vec::new();
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let room = listener.room(bounds);
        let connections = Connections::new(&listener, bounds, stopped.clone());
        accepting.spawn(accept(listener.socket, connections, room.clone()));
        rooms.push(room);
    }
    drop(stopped);
    stop.await;
    tracing::info!("stopping: answering what is under way");
    accepting.abort_all();
    while accepting.join_next().await.is_some() {}
    // Closed sockets refuse newcomers before the first connection is told to end.
    stopping.send_replace(());
    let all_gone = async {
        for room in &rooms {
            room.emptied().await;
        }
    };
    if tokio::time::timeout(bounds.shutdown_timeout, all_gone).await.is_ok() {
        return Ended::Answered;
    }
    tracing::warn!("requests were cut off: they took longer than server.shutdown_timeout");
    Ended::CutOff
}

/// Accepts for ever, never more than there is room for.
async fn accept(socket: TcpListener, connections: Connections, room: Room) {
    loop {
        let (stream, peer) = next(&socket).await;
        let Some(place) = room.place(peer).await else {
            tracing::debug!(%peer, "a connection was refused: its address has its share");
            continue;
        };
        let connections = connections.clone();
        tokio::spawn(async move { connections.attend(stream, peer, place).await });
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
