//! Passwords: Argon2id on threads of its own, and which passwords are good enough.

mod phc;
mod pool;
mod rules;

use std::borrow::Cow;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use self::phc::StoredHash;
use self::pool::{Pool, Work};
use crate::clock::{NoRandomness, Sources};
use crate::crypto::Secret;
use crate::problem::{ConfigError, Problem, ProblemKind};

/// The longest password that is hashed at all, in bytes of UTF-8 after normalisation. A longer one
/// matches nothing.
const LONGEST: usize = 8 * 1024;

/// How passwords are hashed, and which are good enough.
///
/// ```
/// let mut settings = portcullis::crypto::PasswordSettings::default();
/// settings.memory_kib = 64 * 1024;
/// settings.context_words.push("acme".into());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// Argon2's memory, in KiB: 19456 (19 MiB) unless set.
    pub memory_kib: u32,
    /// Argon2's passes: 2 unless set.
    pub passes: u32,
    /// Argon2's lanes: 1 unless set.
    pub lanes: u32,
    /// The threads that hash, at most one memory block each: one a core unless set.
    pub threads: Option<usize>,
    /// How many passwords may wait for a thread: 64 a thread unless set. One more is refused as
    /// [`PasswordError::Overloaded`].
    pub waiting: Option<usize>,
    /// What a stored hash may ask for at most.
    pub limits: HashLimits,
    /// The fewest characters (code points): 15 unless set, the least where a password is the only
    /// factor (NIST SP 800-63B-4 §3.1.1.2).
    pub min_characters: usize,
    /// The most characters (code points): 256 unless set. Nothing is ever cut off.
    pub max_characters: usize,
    /// Words nobody may build a password on, such as the service's name.
    pub context_words: Vec<String>,
    cheap: bool,
}

/// What a stored hash may ask for at most: it came out of a database, and may be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLimits {
    /// Memory in KiB: 1 GiB unless set.
    pub memory_kib: u32,
    /// Passes: 10 unless set.
    pub passes: u32,
    /// Lanes: 4 unless set.
    pub lanes: u32,
}

impl Default for HashLimits {
    fn default() -> Self {
        Self { memory_kib: 1024 * 1024, passes: 10, lanes: 4 }
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            threads: None,
            waiting: None,
            limits: HashLimits::default(),
            min_characters: 15,
            max_characters: 256,
            context_words: vec!["portcullis".to_owned()],
            cheap: false,
        }
    }
}

impl PasswordSettings {
    /// Settings for tests, where a hash may cost nothing. Never for real passwords.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn cheap() -> Self {
        Self { memory_kib: 64, passes: 1, cheap: true, ..Self::default() }
    }

    /// Says everything that is wrong with them. They are checked at start as well.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault and its fix.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut faults = ConfigError::none();
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        // The cheapest of OWASP's equivalent choices is 7 MiB with 5 passes.
        if !self.cheap && (self.memory_kib < 7 * 1024 || work < 7 * 1024 * 5) {
            faults.add(
                "passwords.memory_kib",
                format!("{} KiB with {} passes is guessed too fast", self.memory_kib, self.passes),
                "use at least 19 MiB (19456 KiB) with 2 passes, or 46 MiB (47104 KiB) with 1",
            );
        }
        if self.memory_kib > self.limits.memory_kib
            || self.passes > self.limits.passes
            || self.lanes > self.limits.lanes
            || self.lanes == 0
            || self.passes == 0
        {
            faults.add(
                "passwords.limits",
                "new hashes would lie outside what a stored hash may ask for",
                "raise the limits or lower memory_kib, passes and lanes; none may be 0",
            );
        }
        if self.min_characters < 8 {
            faults.add(
                "passwords.min_characters",
                "fewer than 8 characters are guessed by trying",
                "use 15, or no less than 8 where a second factor is always asked for",
            );
        }
        if self.max_characters < 64 || self.max_characters > 1024 {
            faults.add(
                "passwords.max_characters",
                "it must leave room for long passwords and still be a bound",
                "use a number from 64 to 1024",
            );
        }
        if self.threads == Some(0) || self.waiting == Some(0) {
            faults.add("passwords.threads", "nothing could be hashed", "use at least 1");
        }
        faults.into_result(())
    }
}

/// Why a password could not be hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many are waiting already; trying again in a second may help.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// The stored hash is not one of Argon2id in PHC form.
    #[error("the stored password hash is not readable")]
    UnreadableHash,
    /// The stored hash asks for more than [`HashLimits`] allow.
    #[error("the stored password hash asks for an absurd amount of work")]
    AbsurdHash,
    /// The system gives no randomness for a salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Hashing itself failed.
    #[error("the password could not be hashed")]
    Failed,
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => {
                Self::new(ProblemKind::Unavailable).retry_after(1).source(error)
            }
            _ => Self::internal(error),
        }
    }
}

/// What came of comparing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether the stored hash is weaker than or different from what would be made now: hash the
    /// password again and keep that. Only ever true with `matches`.
    pub rehash_needed: bool,
}

/// Hashes and compares passwords, on a bounded number of threads of its own.
///
/// Cheap to clone. The threads end with the last clone. A request that is cancelled before its
/// turn costs nothing.
///
/// ```
/// # use portcullis::{clock::Sources, crypto::{Secret, Passwords, PasswordSettings}};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let passwords = Passwords::start(PasswordSettings::default(), Sources::system())?;
/// let hash = passwords.hash(Secret::from("down-the-rabbit-hole")).await?;
/// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert!(passwords.verify(Secret::from("down-the-rabbit-hole"), &hash).await?.matches);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Passwords {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: PasswordSettings,
    sources: Sources,
    pool: Pool,
    nobody: StoredHash,
}

impl Passwords {
    /// Starts the threads. Memory is taken when the first password comes and given back when none
    /// has come for a few seconds.
    ///
    /// # Errors
    /// [`ConfigError`] where the settings are too weak or contradict each other, or where the
    /// system gives no thread.
    pub fn start(settings: PasswordSettings, sources: Sources) -> Result<Self, ConfigError> {
        settings.check()?;
        let nobody = StoredHash::blank(&settings).ok_or_else(|| {
            ConfigError::one(
                "passwords.memory_kib",
                "Argon2 does not take these numbers together",
                "use at least 8 KiB of memory a lane",
            )
        })?;
        let threads = settings
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let waiting = settings.waiting.unwrap_or(64 * threads);
        let pool = Pool::start(threads, waiting, nobody.blocks()).map_err(|error| {
            ConfigError::one(
                "passwords.threads",
                format!("the system gives no thread ({error})"),
                "ask for fewer, or raise the system's limit",
            )
        })?;
        Ok(Self { inner: Arc::new(Inner { settings, sources, pool, nobody }) })
    }

    /// Hashes a password with a fresh salt. Returns a PHC string.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`], `NoRandomness` or `Failed`.
    pub async fn hash(&self, password: Secret<String>) -> Result<String, PasswordError> {
        let salt = self.inner.sources.bytes::<16>()?;
        let mut made = self.inner.nobody.clone();
        made.salt = salt.to_vec();
        let work = Work::new(prepare(password.expose()), &made);
        drop(password);
        let output = self.inner.pool.run(work).await?;
        made.output.clone_from(output.expose());
        Ok(made.to_string())
    }

    /// Compares a password with a stored PHC string, in constant time.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`], `UnreadableHash`, `AbsurdHash` or `Failed`.
    pub async fn verify(
        &self,
        password: Secret<String>,
        phc: &str,
    ) -> Result<Verdict, PasswordError> {
        let stored = StoredHash::read(phc, self.inner.settings.limits)?;
        let matches = self.compare(password, &stored).await?;
        let rehash_needed = matches && !stored.made_like(&self.inner.nobody);
        Ok(Verdict { matches, rehash_needed })
    }

    /// Does the work of [`verify`](Self::verify) where there is no such user, so that the time of
    /// the answer does not tell. Never matches.
    ///
    /// # Errors
    /// As for `verify`.
    pub async fn verify_nobody(&self, password: Secret<String>) -> Result<Verdict, PasswordError> {
        self.compare(password, &self.inner.nobody).await?;
        Ok(Verdict { matches: false, rehash_needed: false })
    }

    /// Says what is wrong with a new password, as a sentence for whoever chose it; `None` where it
    /// is good. There is no rule about kinds of characters (NIST SP 800-63B-4 §3.1.1.2).
    #[must_use]
    pub fn fault(&self, password: &str, username: &str) -> Option<Cow<'static, str>> {
        rules::fault(&self.inner.settings, password, username)
    }

    async fn compare(
        &self,
        password: Secret<String>,
        stored: &StoredHash,
    ) -> Result<bool, PasswordError> {
        let work = Work::new(prepare(password.expose()), stored);
        drop(password);
        if work.password.expose().len() > LONGEST {
            return Ok(false);
        }
        let output = self.inner.pool.run(work).await?;
        Ok(output.expose().ct_eq(&stored.output).into())
    }
}

/// One spelling for one password: every space is U+0020, and compatible characters are composed
/// (NFKC), much as RFC 8265 §4.2 has it.
fn prepare(password: &str) -> Secret<String> {
    let spelled = || password.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).nfkc();
    // Counted first, so that no half-filled copy is left behind when the string grows.
    let mut prepared =
        Secret::new(String::with_capacity(spelled().map(char::len_utf8).sum::<usize>()));
    prepared.expose_mut().extend(spelled());
    prepared
}

#[cfg(test)]
mod tests;
