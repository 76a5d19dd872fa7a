//! One connection: TLS where there is a certificate, then HTTP/1.1, then a close that loses no answer.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use portcullis::edge::{Answered, OverTls, X_REQUEST_ID};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::patience::Patient;
use super::room::{Busy, Place};
use super::tls::Certificate;
use super::{Bounds, Listener};
use crate::telemetry::metrics;

/// How much of a request's header hyper reads. What is above the bounds of `[server]` and below this
/// gets an answer in our own words; what is above this gets hyper's bare 431 or 414.
const HEADER_BUFFER: usize = 128 * 1024;

/// How many lines a header may have before hyper refuses it, far above what `header_limit` lets through.
const HEADER_LINES: usize = 1000;

/// How long a connection that has not asked anything yet may still do so once the server stops.
const LAST_WORD: Duration = Duration::from_millis(500);

/// How long, and how much, is read on after an answer that came before its request had ended. Closed
/// at once, the system would reset the connection, and the client might never see the answer.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: u64 = 64 * 1024 * 1024;

/// What all connections of a listener share.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    router: Router,
    certificate: Option<Arc<Certificate>>,
    bounds: Bounds,
    stopped: watch::Receiver<()>,
}

impl Connections {
    pub(super) fn new(listener: &Listener, bounds: Bounds, stopped: watch::Receiver<()>) -> Self {
        Self {
            router: listener.router.clone(),
            certificate: listener.certificate.clone(),
            bounds,
            stopped,
        }
    }

    /// Answers what comes over the connection until it ends.
    pub(super) async fn attend(self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let place = Arc::new(place);
        tokio::select! {
            () = self.answer_all(stream, peer, Arc::clone(&place)) => {}
            () = place.lost() => {}
        }
    }

    async fn answer_all(mut self, stream: TcpStream, peer: SocketAddr, place: Arc<Place>) {
        // Answers are small and written whole: waiting for more to send only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone before it was answered");
            return;
        }
        let stream = Patient::new(stream, self.bounds.connection_timeout);
        let Some(certificate) = &self.certificate else {
            self.converse(stream, peer, false, place).await;
            return;
        };
        let handshake = TlsAcceptor::from(certificate.current()).accept(stream);
        let handshake = timeout(self.bounds.connection_timeout, handshake);
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            _ = self.stopped.changed() => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.converse(stream, peer, true, place).await,
            Ok(Err(error)) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn converse<S>(mut self, stream: S, peer: SocketAddr, over_tls: bool, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = Arc::new(AtomicBool::new(false));
        let (router, seen) = (self.router, Arc::clone(&asked));
        let service = service_fn(move |request| {
            seen.store(true, Ordering::Relaxed);
            Box::pin(answer(router.clone(), request, peer, over_tls, place.busy()))
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.connection_timeout)
            .max_buf_size(HEADER_BUFFER)
            .max_headers(HEADER_LINES)
            // A client that has sent all it wants may close its half and still be answered.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(ended),
            _ = self.stopped.changed() => None,
        };
        let (ended, patience) = if let Some(ended) = ended {
            (ended, LINGER)
        } else {
            Pin::new(&mut connection).graceful_shutdown();
            let mut rest = poll_fn(|context| connection.poll_without_shutdown(context));
            match timeout(LAST_WORD, &mut rest).await {
                Ok(ended) => (ended, LAST_WORD),
                // A browser opens connections ahead of need; they must not delay the end.
                Err(_) if !asked.load(Ordering::Relaxed) => return,
                Err(_) => (rest.await, LAST_WORD),
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "a connection ended early");
        }
        let mut stream = connection.into_parts().io.into_inner();
        tokio::select! {
            () = linger(&mut stream, patience) => {}
            _ = self.stopped.changed() => {}
        }
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    over_tls: bool,
    busy: Busy,
) -> Result<Response, Infallible> {
    let (began, method) = (Instant::now(), request.method().clone());
    let asked_first = (method == Method::OPTIONS).then(|| request.uri().path().to_owned());
    let read = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    let mut request = request.map(|body| Body::new(Watched { body, read: Arc::clone(&read) }));
    request.extensions_mut().insert(ConnectInfo(peer));
    if over_tls {
        request.extensions_mut().insert(OverTls);
    }
    let mut response = router.call(request).await?;
    let route = response.extensions().get::<Answered>().map(|answered| &*answered.route);
    metrics::answered(&method, route, response.status().as_u16(), began.elapsed());
    if let (Some(path), None) = (asked_first, response.headers().get(X_REQUEST_ID)) {
        let status = response.status().as_u16();
        tracing::info!(target: "portcullis::access", %method, ?path, status, "answered a preflight");
    }
    // Hyper closes where a body was not read to its end, and the client should not have to guess.
    if !read.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Body::new(Answering { body, _busy: busy })))
}

/// An answer's body: until it was handed over, the connection is at work.
struct Answering {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body that notes when it was read to its end.
struct Watched {
    body: Incoming,
    read: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.read.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Says that nothing more is sent, and reads on until the client has understood.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, patience: Duration) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let read_on = async {
        let mut sink = [0; 8192];
        let mut left = LINGER_BYTES;
        while let Ok(read @ 1..) = stream.read(&mut sink).await {
            left = left.saturating_sub(read as u64);
            if left == 0 {
                break;
            }
        }
    };
    // Whether the time ran out makes no difference: the connection is closed either way.
    let _ = timeout(patience, read_on).await;
}
