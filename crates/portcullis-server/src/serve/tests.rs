//! The server as a stranger's socket sees it.

use axum::body::Bytes;
use axum::http::Uri;
use axum::response::IntoResponse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;

/// A server under test, and the word that stops it.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Ended>,
}

const BOUNDS: Bounds = Bounds {
    connection_timeout: Duration::from_millis(400),
    shutdown_timeout: Duration::from_secs(5),
    max_connections: 100,
    connections_per_address: 100,
};

/// Answers `/slow` after 300 ms, `/never` never, `/big` with 64 MiB, the rest at once; reads a body
/// only where the path is `/read`.
async fn handler(uri: Uri, request: axum::extract::Request) -> axum::response::Response {
    match uri.path() {
        "/slow" => tokio::time::sleep(Duration::from_millis(300)).await,
        "/never" => std::future::pending().await,
        "/big" => return Bytes::from(vec![b'x'; 64 << 20]).into_response(),
        "/read" => {
            let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
            return body.map(|body| body.len().to_string()).unwrap_or_default().into_response();
        }
        _ => {}
    }
    "answered".into_response()
}

fn start(bounds: Bounds) -> Running {
    let router = Router::new().fallback(handler);
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), None, router).unwrap();
    let address = listener.address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serve(vec![listener], bounds, async {
        let _ = stopped.await;
    }));
    Running { address, stop, ended }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn asked(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Everything the server says to these bytes until it closes.
    async fn say(&self, bytes: &[u8]) -> String {
        read_all(self.asked(bytes).await).await
    }

    async fn stop(self) -> Ended {
        let _ = self.stop.send(());
        timeout(Duration::from_secs(10), self.ended).await.unwrap().unwrap()
    }
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    read.expect("the server hangs").expect("the connection was reset");
    String::from_utf8(answer).unwrap()
}

const CLOSE: &str = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_under_way_is_answered_and_newcomers_are_refused() {
    let running = start(BOUNDS);
    let address = running.address;
    let under_way = running.asked(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ended = tokio::spawn(running.stop());
    let answer = read_all(under_way).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("answered"), "{answer}");
    assert_eq!(ended.await.unwrap(), Ended::Answered);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn connections_that_ask_nothing_do_not_delay_the_end() {
    let running = start(Bounds { connection_timeout: Duration::from_secs(30), ..BOUNDS });
    let _silent = running.connect().await;
    let mut idle = running.asked(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert_eq!(running.stop().await, Ended::Answered);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let running = start(Bounds { shutdown_timeout: Duration::from_millis(200), ..BOUNDS });
    let _stuck = running.asked(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(running.stop().await, Ended::CutOff);
}

#[tokio::test]
async fn a_header_that_never_ends_is_not_waited_for() {
    let running = start(BOUNDS);
    let began = Instant::now();
    for start in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let answer = running.say(start).await;
        assert!(!answer.contains(" 200 ") && !answer.contains(" 500 "), "{answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_hurts_nobody() {
    let running = start(BOUNDS);
    let long_uri = format!("GET /{} {CLOSE}", "a".repeat(70_000));
    let long_header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(300_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1500));
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], "400"),
        (b"nonsense\r\n\r\n", "400"),
        (b"GET / HTTP/9.9\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", "400"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", "400"),
        (b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
        (
            b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "400",
        ),
        (long_uri.as_bytes(), "414"),
        (long_header.as_bytes(), "431"),
        (many_headers.as_bytes(), "431"),
    ] {
        let answer = running.say(bytes).await;
        let head = answer.lines().next().unwrap_or("nothing");
        assert!(
            head.contains(status),
            "{head} to {:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    }
    // Up to there it is for the application to say how much is too much.
    let quite_some =
        format!("GET / HTTP/1.1\r\n{}Connection: close\r\n\r\n", "X: y\r\n".repeat(500));
    assert!(running.say(quite_some.as_bytes()).await.ends_with("answered"));
    assert!(running.say(format!("GET / {CLOSE}").as_bytes()).await.ends_with("answered"));
    assert_eq!(running.stop().await, Ended::Answered);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_has_ended_is_not_lost() {
    let running = start(BOUNDS);
    let mut stream =
        running.asked(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n").await;
    for _ in 0..20 {
        stream.write_all(&vec![b'x'; 1_000_000]).await.expect("reset while sending");
    }
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("answered"), "{answer}");
}

#[tokio::test]
async fn a_whole_body_is_read_whatever_its_encoding() {
    let running = start(BOUNDS);
    let chunked = "POST /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(running.say(chunked.as_bytes()).await.contains("\r\n\r\n5"));
    let both =
        "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\nabc";
    assert!(running.say(both.as_bytes()).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn no_more_are_let_in_than_there_is_room_for_and_all_get_their_turn() {
    let running = start(Bounds { max_connections: 1, ..BOUNDS });
    let first = running.asked(format!("GET /slow {CLOSE}").as_bytes()).await;
    let second = running.asked(format!("GET / {CLOSE}").as_bytes()).await;
    let began = Instant::now();
    assert!(read_all(second).await.ends_with("answered"));
    assert!(began.elapsed() >= Duration::from_millis(200), "the second did not wait");
    assert!(read_all(first).await.ends_with("answered"));
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let running = start(Bounds { max_connections: 1, ..BOUNDS });
    let _greedy = running.asked(format!("GET /big {CLOSE}").as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // There is room for one: it is answered only once the first is gone.
    assert!(running.say(format!("GET / {CLOSE}").as_bytes()).await.ends_with("answered"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_plainly() {
    let running = start(BOUNDS);
    let error = Listener::bind(running.address, None, Router::new()).unwrap_err().to_string();
    assert!(error.contains(&running.address.to_string()) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn a_connection_whose_request_was_not_read_says_that_it_closes() {
    let running = start(BOUNDS);
    let head = "Host: localhost\r\nContent-Length: 5\r\n\r\n";
    let unread = running.say(format!("POST / HTTP/1.1\r\n{head}").as_bytes()).await;
    assert!(unread.to_lowercase().contains("connection: close"), "{unread}");
    let read = running.say(format!("POST /read HTTP/1.1\r\n{head}hello").as_bytes()).await;
    assert!(read.ends_with('5') && !read.to_lowercase().contains("connection: close"), "{read}");
    running.stop().await;
}

/// Faults §8: half-open connections of one host.
#[tokio::test]
async fn connections_that_ask_nothing_keep_nobody_out() {
    let bounds = Bounds {
        connection_timeout: Duration::from_secs(30),
        max_connections: 40,
        connections_per_address: 20,
        ..BOUNDS
    };
    let running = start(bounds);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(running.asked(b"GET / HTTP/1.1\r\nHost: x").await);
    }
    let began = Instant::now();
    for _ in 0..5 {
        assert!(running.say(format!("GET / {CLOSE}").as_bytes()).await.ends_with("answered"));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Faults §8: the listener of the probes has room of its own.
#[tokio::test]
async fn probes_are_answered_while_the_main_listener_is_full() {
    let bounds = Bounds { max_connections: 1, connections_per_address: 1, ..BOUNDS };
    let bind = || Listener::bind(([127, 0, 0, 1], 0).into(), None, Router::new().fallback(handler));
    let (main, probes) = (bind().unwrap(), bind().unwrap().for_probes());
    let (address, probed) = (main.address().unwrap(), probes.address().unwrap());
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(vec![main, probes], bounds, async {
        let _ = stopped.await;
    }));
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut probe = TcpStream::connect(probed).await.unwrap();
    probe.write_all(format!("GET / {CLOSE}").as_bytes()).await.unwrap();
    assert!(read_all(probe).await.ends_with("answered"));
}
