//! Building a gate: whatever can be wrong with it is said here, all at once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::request::Parts;
use quick_cache::sync::Cache;

use super::{Alias, Cleartext, ConnectInfoOf, Gate, Inner, Observer, Registered};
use crate::clock::Sources;
use crate::cors::Cors;
use crate::credential::SecurityScheme;
use crate::edge::{Bounds, Proxies, RequestIds};
use crate::identity::Scheme;
use crate::policy::Roles;
use crate::problem::{ConfigError, TypeBase};
use crate::types::{Permission, SchemeName, Scope, ScopeBook};

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
    connect_info: Option<ConnectInfoOf>,
    types: Option<String>,
    permissions: Option<BTreeSet<Permission>>,
}

impl GateBuilder {
    /// Which origins may read answers. None where this is left out.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Adds a way to sign in. A request may bring only one credential, so the order decides
    /// nothing but the order of the challenges in a 401. Two verifiers for one place, such as tokens of
    /// two issuers, are joined by [`first_of`](crate::identity::first_of).
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

    /// What stands before the short name in the `type` of a problem: `https://errors.example/`, where
    /// each kind is described, say. `urn:portcullis:problem:` where this is left out.
    pub fn problem_types(mut self, base: &str) -> Self {
        self.types = Some(base.to_owned());
        self
    }

    /// Names every permission there is: then a requirement, a role or a scope that names another is
    /// a mistake. Nothing is checked so where this is left out.
    ///
    /// ```
    /// use portcullis::gate::Gate;
    /// use portcullis::policy::Roles;
    ///
    /// let roles = Roles::new().grant("reader", ["notes:raed"]);
    /// let gate = Gate::builder().known_permissions(["notes:read", "notes:write"]).roles(roles);
    /// assert!(gate.build().unwrap_err().to_string().contains("notes:raed"));
    /// ```
    pub fn known_permissions<P: Into<Permission>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.permissions = Some(permissions.into_iter().map(Into::into).collect());
        self
    }

    /// Says from where a request comes, where the application has a connect info of its own instead of
    /// axum's `ConnectInfo<SocketAddr>`. Credentials over cleartext count from loopback alone, and
    /// from nowhere where this finds nothing.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// use portcullis::gate::Gate;
    ///
    /// #[derive(Clone)]
    /// struct Connection {
    ///     peer: SocketAddr,
    /// }
    ///
    /// let gate = Gate::builder().connect_info(|parts| {
    ///     let ConnectInfo(connection) = parts.extensions.get::<ConnectInfo<Connection>>()?;
    ///     Some(connection.peer)
    /// });
    /// # assert!(gate.build().is_ok());
    /// ```
    pub fn connect_info<F>(mut self, find: F) -> Self
    where
        F: Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static,
    {
        self.connect_info = Some(ConnectInfoOf::new(find));
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

    /// Checks all of it and builds the gate.
    ///
    /// # Errors
    /// A [`ConfigError`] that lists every mistake, each with its fix.
    pub fn build(self) -> Result<Gate, ConfigError> {
        let mut faults = ConfigError::none();
        self.permission_faults(&mut faults);
        let sources = self.sources.unwrap_or_default();
        let cors = faults.take(self.cors.unwrap_or_else(Cors::closed).build());
        // A challenge asks for `Authorization`, so a page must be able to send it.
        if let Some(cors) = &cors
            && self.schemes.iter().any(|one| one.scheme.challenge().is_some())
        {
            faults.take(cors.check_authorization());
        }
        name_faults(&self.schemes, &self.aliases, &mut faults);
        place_faults(&self.schemes, &mut faults);
        if let Some(roles) = &self.roles {
            roles.faults(&mut faults);
        }
        let types = self.types.as_deref().map_or_else(|| Ok(TypeBase::default()), TypeBase::parse);
        let types = faults.take(types).unwrap_or_default();
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
        if self.cleartext != Cleartext::LoopbackOnly {
            tracing::warn!(
                cleartext = ?self.cleartext,
                "passwords and tokens are taken over connections that others may listen in to"
            );
        }
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
            types,
            permissions: self.permissions,
            connect_info: self.connect_info,
            warned: AtomicBool::new(false),
        })))
    }
}

impl GateBuilder {
    /// Permissions that cannot be one, or that nobody registered.
    fn permission_faults(&self, faults: &mut ConfigError) {
        let known = self.permissions.as_ref();
        let behind = self.scopes.rules.values().filter_map(|rule| rule.permission.as_ref());
        let registered = known.into_iter().flatten();
        for fault in behind.clone().chain(registered).filter_map(|one| one.check().err()) {
            faults.add("permissions", fault.to_string(), "write it like `notes:read` or `notes:*`");
        }
        let Some(known) = known else { return };
        let roles = self.roles.iter().flat_map(Roles::records);
        let carried = roles.flat_map(|role| role.permissions.iter().chain(&role.denied));
        for unknown in carried.chain(behind).filter(|one| !one.is_among(known)) {
            faults.add(
                "permissions",
                format!("nobody registered the permission `{unknown}`"),
                "correct its name, or add it to `known_permissions`",
            );
        }
    }
}

/// Two schemes that find the same credential would make every request one with two credentials.
fn place_faults(schemes: &[Registered], faults: &mut ConfigError) {
    for (position, one) in schemes.iter().enumerate() {
        let Some(place) = one.scheme.place() else { continue };
        let before = &schemes[..position];
        if let Some(other) =
            before.iter().find(|other| other.scheme.place().as_ref() == Some(&place))
        {
            faults.add(
                "schemes",
                format!("{} and {} both find what stands in {place}", other.name, one.name),
                "make them one scheme whose verifiers are asked in turn: \
                 `.verified_by(first_of(one).or(other))`",
            );
        }
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
