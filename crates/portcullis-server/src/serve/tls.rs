//! The certificate, read anew when its files change.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use portcullis::problem::ConfigError;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::config::private_file;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// A certificate with its key, and the files they come from.
#[derive(Debug)]
pub(crate) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<ServerConfig>,
}

/// What a file looked like: another stamp means that it was written or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<(Option<std::time::SystemTime>, u64, u64)>);

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with them, and what to do about it.
    pub(crate) fn load(chain: &Path, key: &Path) -> Result<Arc<Self>, ConfigError> {
        let current = ArcSwap::from(read(chain, key)?);
        Ok(Arc::new(Self { chain: chain.into(), key: key.into(), current }))
    }

    /// What a handshake that begins now uses.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Looks at the files for ever. New ones are taken up by the next handshake; where they are
    /// broken, the old ones stay and the log says why.
    pub(crate) async fn follow(&self) {
        self.follow_every(EVERY).await;
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// What is wrong with them; the old ones stay then.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        self.current.store(read(&self.chain, &self.key)?);
        Ok(())
    }

    async fn follow_every(&self, pause: Duration) {
        let mut taken = self.stamp();
        loop {
            tokio::time::sleep(pause).await;
            let seen = self.stamp();
            if seen == taken {
                continue;
            }
            match read(&self.chain, &self.key) {
                Ok(fresh) => {
                    self.current.store(fresh);
                    tracing::info!(file = %self.chain.display(), "a new certificate is in use");
                }
                Err(faults) => {
                    // Files replaced one after the other do not fit together for a moment.
                    tracing::error!(error = %faults, "the new certificate cannot be used: the old one stays");
                }
            }
            taken = seen;
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp::of([&*self.chain, &*self.key])
    }
}

impl Stamp {
    /// What the files look like now.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a Path>) -> Self {
        let look = |path: &Path| {
            let facts = std::fs::metadata(path).ok()?;
            Some((facts.modified().ok(), facts.len(), facts.ino()))
        };
        Self(files.into_iter().map(|path| look(path).unwrap_or_default()).collect())
    }
}

fn read(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, ConfigError> {
    let mut faults = ConfigError::none();
    let certificates = faults.take(read_chain(chain));
    let private_key = faults.take(read_key(key));
    let (Some(certificates), Some(private_key)) = (certificates, private_key) else {
        return Err(faults);
    };
    let does_not_fit = |error: rustls::Error| {
        ConfigError::one(
            "server.tls_key_file",
            format!("{} and {} do not go together: {error}", chain.display(), key.display()),
            "name the private key that the certificate was made for",
        )
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(does_not_fit)?
        .with_no_client_auth()
        .with_single_cert(certificates, private_key)
        .map_err(does_not_fit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let fault = |wrong: String| {
        let fix = "write the certificate first, then those it hangs on, as `-----BEGIN CERTIFICATE-----` blocks";
        ConfigError::one("server.tls_cert_file", format!("{}: {wrong}", path.display()), fix)
    };
    let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(format!("it is not PEM ({error})")))?;
    if chain.is_empty() { Err(fault("it holds no certificate".to_owned())) } else { Ok(chain) }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let setting = "server.tls_key_file";
    let bytes = private_file::read_bytes(path)
        .map(Zeroizing::new)
        .map_err(|wrong| ConfigError::one(setting, wrong.to_string(), wrong.fix(path)))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        ConfigError::one(
            setting,
            format!("{} holds no private key in PEM", path.display()),
            "write it as a `-----BEGIN PRIVATE KEY-----` block, without a passphrase",
        )
    })
}

#[cfg(test)]
mod tests;
