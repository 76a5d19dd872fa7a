//! How many connections are open, whose they are, and which goes where there is no room for one more.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::telemetry::metrics;

/// How long a connection may do nothing before it goes for another address's.
const GRACE: Duration = Duration::from_millis(250);

/// The room of a listener.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What the listener is called where it is counted.
    name: &'static str,
    /// How many connections there may be.
    most: usize,
    /// How many of them one address may have.
    share: usize,
    /// Whose connections are of many clients: no share counts for them.
    proxies: Vec<IpNet>,
    open: Mutex<Open>,
    /// Told when a connection is gone or has nothing more to do.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    owner: IpAddr,
    /// Since when it waits for a request; nothing while one is answered.
    idle_since: Option<Instant>,
    /// Whether it ever asked anything.
    asked: bool,
    close: Arc<Notify>,
}

/// A connection's place, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    number: u64,
    close: Arc<Notify>,
}

/// While it is held, the connection answers a request and keeps its place.
#[derive(Debug)]
pub(super) struct Busy {
    room: Room,
    number: u64,
}

impl Room {
    pub(super) fn new(name: &'static str, most: u32, share: u32, proxies: Vec<IpNet>) -> Self {
        Self(Arc::new(Shared {
            name,
            most: most as usize,
            share: share as usize,
            proxies,
            open: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// A place for a connection of this peer, as soon as there is one. Where the peer's address has
    /// its share, its idlest connection goes; `None` where all of them are answering.
    pub(super) async fn place(&self, peer: SocketAddr) -> Option<Place> {
        let owner = owner(peer.ip());
        loop {
            let changed = self.0.changed.notified();
            {
                let mut open = self.open();
                if !self.is_a_proxy(peer.ip()) && open.count_of(owner) >= self.0.share {
                    metrics::connection_dropped(self.0.name);
                    open.drop_idlest(|one| one.owner == owner)?;
                }
                let long =
                    |one: &Connection| one.idle_since.is_some_and(|at| at.elapsed() >= GRACE);
                if open.connections.len() < self.0.most {
                    return Some(self.take(&mut open, owner));
                }
                if open.drop_idlest(long).is_some() {
                    metrics::connection_dropped(self.0.name);
                    return Some(self.take(&mut open, owner));
                }
            }
            // Whether something changed or a connection has now been idle for long enough.
            let _ = timeout(GRACE / 4, changed).await;
        }
    }

    /// Waits until no connection is open.
    pub(super) async fn emptied(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.open().connections.is_empty() {
                return;
            }
            let _ = timeout(GRACE / 4, changed).await;
        }
    }

    fn take(&self, open: &mut Open, owner: IpAddr) -> Place {
        let (number, close) = (open.next, Arc::new(Notify::new()));
        open.next += 1;
        let connection = Connection {
            owner,
            idle_since: Some(Instant::now()),
            asked: false,
            close: Arc::clone(&close),
        };
        open.connections.insert(number, connection);
        metrics::connections(self.0.name, open.connections.len());
        Place { room: self.clone(), number, close }
    }

    fn is_a_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.proxies.iter().any(|proxy| proxy.contains(&address))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_idle(&self, number: u64, idle_since: Option<Instant>) {
        if let Some(connection) = self.open().connections.get_mut(&number) {
            connection.idle_since = idle_since;
            connection.asked = true;
        }
    }
}

impl Open {
    fn count_of(&self, owner: IpAddr) -> usize {
        self.connections.values().filter(|one| one.owner == owner).count()
    }

    /// Has the idlest of these connections closed: of those that never asked anything first.
    fn drop_idlest(&mut self, of: impl Fn(&Connection) -> bool) -> Option<()> {
        let idle = self.connections.iter().filter(|(_, one)| one.idle_since.is_some() && of(one));
        let (number, _) = idle.min_by_key(|(_, one)| (one.asked, one.idle_since))?;
        let number = *number;
        let connection = self.connections.remove(&number)?;
        connection.close.notify_one();
        tracing::debug!(address = %connection.owner, "an idle connection was closed: there is no room");
        Some(())
    }
}

impl Place {
    /// Waits until the connection has to go.
    pub(super) async fn lost(&self) {
        self.close.notified().await;
    }

    /// A request is being answered from here on.
    pub(super) fn busy(&self) -> Busy {
        self.room.set_idle(self.number, None);
        Busy { room: self.room.clone(), number: self.number }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.room.set_idle(self.number, Some(Instant::now()));
        self.room.0.changed.notify_waiters();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.room.open();
        open.connections.remove(&self.number);
        metrics::connections(self.room.0.name, open.connections.len());
        drop(open);
        self.room.0.changed.notify_waiters();
    }
}

/// Who has a connection: an address, of IPv6 the /64 it is in.
fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = Ipv6Net::new(address, 64).map(|network| network.network());
            IpAddr::V6(network.unwrap_or(address))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 5)
    }

    async fn is_lost(place: &Place) -> bool {
        timeout(Duration::from_millis(20), place.lost()).await.is_ok()
    }

    #[tokio::test]
    async fn one_address_has_its_share_and_its_idlest_goes() {
        let room = Room::new("main", 10, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let asked = room.place(peer("192.0.2.1")).await.unwrap();
        drop(asked.busy());
        let silent = room.place(peer("::ffff:192.0.2.1")).await.unwrap();
        let _third = room.place(peer("192.0.2.1")).await.unwrap();
        assert!(is_lost(&silent).await, "of the idle ones, the one that never asked");
        assert!(!is_lost(&asked).await);
        let mut proxied = Vec::new();
        for _ in 0..5 {
            proxied.push(room.place(peer("10.0.0.1")).await.unwrap());
        }
        assert!(!is_lost(&proxied[0]).await, "a proxy speaks for many");
    }

    #[tokio::test]
    async fn of_one_network_of_ipv6_all_addresses_are_one() {
        let room = Room::new("main", 10, 1, Vec::new());
        let first = room.place(peer("2001:db8::1")).await.unwrap();
        let _other_network = room.place(peer("2001:db8:0:1::1")).await.unwrap();
        let _second = room.place(peer("2001:db8::2")).await.unwrap();
        assert!(is_lost(&first).await);
    }

    #[tokio::test]
    async fn whoever_has_all_its_share_busy_gets_no_more() {
        let room = Room::new("main", 10, 1, Vec::new());
        let first = room.place(peer("192.0.2.1")).await.unwrap();
        let busy = first.busy();
        assert!(room.place(peer("192.0.2.1")).await.is_none());
        assert!(room.place(peer("192.0.2.2")).await.is_some());
        drop(busy);
        assert!(room.place(peer("192.0.2.1")).await.is_some());
    }

    #[tokio::test]
    async fn a_full_room_takes_the_place_of_the_idlest_and_waits_for_the_busy() {
        let room = Room::new("main", 2, 2, Vec::new());
        let idle = room.place(peer("192.0.2.1")).await.unwrap();
        let first = room.place(peer("192.0.2.2")).await.unwrap();
        let busy = first.busy();
        let began = Instant::now();
        let second = room.place(peer("192.0.2.3")).await.unwrap();
        assert!(began.elapsed() >= GRACE && is_lost(&idle).await);
        let _busy_too = second.busy();
        let waiting = timeout(GRACE * 2, room.place(peer("192.0.2.4"))).await;
        assert!(waiting.is_err(), "both are answering");
        drop((busy, first));
        assert!(room.place(peer("192.0.2.4")).await.is_some());
    }
}
