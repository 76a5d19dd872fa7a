//! Building a gate: whatever can be wrong with it is said here, all at once.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::{Alias, Cleartext, Gate, Inner, Observer, Registered};
use crate::auth::Auth;
use crate::clock::Sources;
use crate::cors::Cors;
use crate::credential::SecurityScheme;
use crate::edge::{Bounds, Proxies, RequestIds};
use crate::identity::Scheme;
use crate::policy::Roles;
use crate::problem::ConfigError;
use crate::types::{SchemeName, Scope, ScopeBook};

/// The parts of a gate, not yet checked.
#[derive(Debug, Default)]
#[must_use]
pub struct GateBuilder {
    cors: Option<Cors>,
    schemes: Vec<Registered>,
    aliases: Vec<Alias>,
    roles: Option<Roles>,
    scopes: ScopeBook,
    proxies: Proxies,
    sources: Option<Sources>,
    bounds: Bounds,
    cleartext: Cleartext,
    observer: Option<Arc<dyn Observer>>,
}

impl GateBuilder {
    /// Which origins may read answers. None where this is left out.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Adds a way to sign in. A request may bring only one credential, so the order decides
    /// nothing but the order of the challenges in a 401.
    pub fn scheme(mut self, name: &str, scheme: impl Scheme) -> Self {
        self.schemes.push(Registered { name: name.into(), scheme: Arc::new(scheme) });
        self
    }

    /// Documents a scheme under another name as well: bearer tokens as what a password flow
    /// yields, say.
    pub fn documented_also(mut self, name: &str, of: &str, described: SecurityScheme) -> Self {
        self.aliases.push(Alias { name: name.into(), of: of.into(), described });
        self
    }

    /// Roles written in code: role to permissions, role to roles. Leave it out where they live in
    /// a store.
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }

    /// The scopes that exist, each with its sentence and the permission behind it.
    pub fn scopes(mut self, book: ScopeBook) -> Self {
        self.scopes = book;
        self
    }

    /// The proxies whose word on address, scheme and host counts. None where this is left out.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// The largest body a route reads, in bytes. 1 MiB where this is left out.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.bounds.body = Some(bytes);
        self
    }

    /// The largest body a public route reads, in bytes: no credential counts there, so anybody may send
    /// one. As any other where this is left out.
    pub fn public_body_limit(mut self, bytes: usize) -> Self {
        self.bounds.public_body = Some(bytes);
        self
    }

    /// How many bytes of all bodies together may be in memory while they arrive; of these, one half
    /// for bodies of public routes. What goes beyond is a 503. Unbounded where this is left out.
    pub fn bodies_in_flight(mut self, bytes: usize) -> Self {
        self.bounds.bodies_in_flight = Some(bytes);
        self
    }

    /// The longest path and query that is answered, in bytes; longer ones are a 414.
    pub fn uri_limit(mut self, bytes: usize) -> Self {
        self.bounds.uri = Some(bytes);
        self
    }

    /// The largest header that is answered, in bytes, all fields together; larger ones are a 431.
    pub fn header_limit(mut self, bytes: usize) -> Self {
        self.bounds.header = Some(bytes);
        self
    }

    /// Whether a request by HTTP/1.1 that names no host is a 400, as RFC 9112 §3.2 has it. Said by
    /// whoever serves real connections; one that names two is refused in any case.
    pub fn require_host(mut self, required: bool) -> Self {
        self.bounds.host = required;
        self
    }

    /// How long an answer may take to begin. Then it is a 504, and the handler is dropped.
    pub fn request_timeout(mut self, time: Duration) -> Self {
        self.bounds.time = Some(time);
        self
    }

    /// Whether credentials are taken over cleartext. From loopback only where this is left out.
    pub fn cleartext(mut self, cleartext: Cleartext) -> Self {
        self.cleartext = cleartext;
        self
    }

    /// Tells somebody of each refusal of a request that brought a credential: rules, which note it
    /// in the audit log, say.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Where time and chance come from. The system where this is left out.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = Some(sources);
        self
    }

    /// Takes scopes, time and chance from these rules, so that both go by the same clock.
    pub fn rules(self, rules: &Auth) -> Self {
        self.scopes(ScopeBook::clone(rules.scope_book())).sources(rules.sources().clone())
    }

    /// Checks all of it and builds the gate.
    ///
    /// # Errors
    /// A [`ConfigError`] that lists every mistake, each with its fix.
    pub fn build(self) -> Result<Gate, ConfigError> {
        let mut faults = ConfigError::none();
        let sources = self.sources.unwrap_or_default();
        let cors = faults.take(self.cors.unwrap_or_else(Cors::closed).build());
        // A challenge asks for `Authorization`, so a page must be able to send it.
        if let Some(cors) = &cors
            && self.schemes.iter().any(|one| one.scheme.challenge().is_some())
        {
            faults.take(cors.check_authorization());
        }
        name_faults(&self.schemes, &self.aliases, &mut faults);
        if let Some(roles) = &self.roles {
            roles.faults(&mut faults);
        }
        for scope in self.scopes.rules.keys() {
            if let Err(fault) = Scope::parse(scope.as_str()) {
                faults.add("scopes", fault.to_string(), "name it in plain characters");
            }
        }
        if self.bounds.body == Some(0) {
            faults.add("body_limit", "no body fits into 0 bytes", "give at least 1024 bytes");
        }
        let prefix = sources.bytes::<8>().map_err(|error| {
            ConfigError::one("sources", error.to_string(), "give the process access to randomness")
        });
        let prefix = faults.take(prefix);
        let (Some(cors), Some(prefix)) = (cors, prefix) else { return Err(faults) };
        faults.into_result(Gate(Arc::new(Inner {
            schemes: self.schemes,
            aliases: self.aliases,
            cors,
            proxies: self.proxies,
            roles: self.roles,
            unfolded: Cache::new(1024),
            scopes: Arc::new(self.scopes),
            sources,
            bounds: self.bounds,
            cleartext: self.cleartext,
            observer: self.observer,
            ids: RequestIds::new(prefix),
        })))
    }
}

fn name_faults(schemes: &[Registered], aliases: &[Alias], faults: &mut ConfigError) {
    let names: Vec<&SchemeName> = schemes
        .iter()
        .map(|one| &one.name)
        .chain(aliases.iter().map(|alias| &alias.name))
        .collect();
    for (position, name) in names.iter().enumerate() {
        if names[..position].contains(name) {
            faults.add(
                "schemes",
                format!("two schemes are named {name:?}", name = name.to_string()),
                "give each a name of its own",
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.0.is_empty() || !name.0.chars().all(plain) {
            faults.add(
                "schemes",
                format!("{:?} cannot be a scheme's name in OpenAPI", name.to_string()),
                "use letters, digits, '-', '_' and '.'",
            );
        }
    }
    for alias in aliases {
        if !schemes.iter().any(|one| one.name == alias.of) {
            faults.add(
                "schemes",
                format!("{} documents {}, which is not a scheme", alias.name, alias.of),
                "add that scheme, or take the further name out",
            );
        }
    }
}
