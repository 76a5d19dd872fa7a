use std::os::unix::fs::PermissionsExt;

use axum::Router;
use rcgen::CertifiedKey;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::serve::{Bounds, Listener, serve};

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Puts a fresh certificate there and says how a client trusts it.
    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.chain(), cert.pem()).unwrap();
        std::fs::write(self.key(), signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(self.key(), std::fs::Permissions::from_mode(0o600)).unwrap();
        cert.der().clone()
    }
}

/// Asks over TLS, trusting this certificate alone.
async fn ask(address: std::net::SocketAddr, trusted: &CertificateDer<'static>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Some(answer)
}

async fn answers_over(address: std::net::SocketAddr, trusted: &CertificateDer<'static>) -> bool {
    ask(address, trusted).await.is_some_and(|answer| answer.ends_with("answered"))
}

#[tokio::test]
async fn a_certificate_is_renewed_and_a_broken_one_is_not_taken() {
    const PAUSE: Duration = Duration::from_millis(20);
    let files = Files::new();
    let first = files.renew();
    let certificate = Certificate::load(&files.chain(), &files.key()).unwrap();
    let followed = Arc::clone(&certificate);
    let following = tokio::spawn(async move { followed.follow_every(PAUSE).await });
    let router = Router::new().fallback(|| async { "answered" });
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), Some(certificate), router).unwrap();
    let address = listener.address().unwrap();
    let bounds = Bounds {
        connection_timeout: Duration::from_secs(5),
        shutdown_timeout: Duration::ZERO,
        max_connections: 10,
        connections_per_address: 10,
    };
    tokio::spawn(serve(vec![listener], bounds, std::future::pending()));
    assert!(answers_over(address, &first).await);

    std::fs::write(files.chain(), "-----BEGIN nonsense").unwrap();
    tokio::time::sleep(10 * PAUSE).await;
    assert!(answers_over(address, &first).await, "the old one is kept");

    let second = files.renew();
    for _ in 0..100 {
        if answers_over(address, &second).await {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert!(answers_over(address, &second).await, "the new one is used");
    assert!(!answers_over(address, &first).await, "the old one is gone");

    // Cleartext to a TLS port gets no answer and takes nothing down.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!String::from_utf8_lossy(&said).contains("200"));
    assert!(answers_over(address, &second).await);
    following.abort();
}

#[test]
fn what_is_wrong_with_the_files_is_said_at_once() {
    let files = Files::new();
    std::fs::write(files.chain(), "nothing").unwrap();
    std::fs::write(files.key(), "nothing").unwrap();
    std::fs::set_permissions(files.key(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = Certificate::load(&files.chain(), &files.key()).unwrap_err();
    let settings: Vec<_> = error.faults.iter().map(|fault| fault.setting.as_str()).collect();
    assert_eq!(settings, ["server.tls_cert_file", "server.tls_key_file"]);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (one, other) = (Files::new(), Files::new());
    one.renew();
    other.renew();
    let error = Certificate::load(&one.chain(), &other.key()).unwrap_err();
    assert!(error.to_string().contains("do not go together"), "{error}");
}
