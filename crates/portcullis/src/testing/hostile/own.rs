//! The same for an application that knows its users by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::way::ways;
use super::{Covered, Setup};
use crate::clock::Sources;
use crate::policy::{Decision, Requirement, Term, Whereabouts};
use crate::problem::Problem;
use crate::router::AccessRow;
use crate::testing::{Answer, TestApp};
use crate::types::{ClientId, Context, Permission, Place, Principal, Role, Scope, Subject};

/// What somebody must hold, and nothing else: [`hostile_by`] asks for a credential of such a one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Permissions.
    pub permissions: BTreeSet<Permission>,
    /// Roles in single places: those that the path names.
    pub roles_in: BTreeMap<Place, BTreeSet<Role>>,
    /// Permissions in single places.
    pub permissions_in: BTreeMap<Place, BTreeSet<Permission>>,
    /// Scopes that the credential is limited to; not limited where `None`.
    pub scopes: Option<BTreeSet<Scope>>,
}

impl Held {
    /// Just what these terms ask for; `None` where nobody can be given that.
    fn of(terms: &[&Requirement], place: impl Fn(&Whereabouts) -> Place) -> Option<Self> {
        let mut held = Self::default();
        for term in terms {
            match term.term() {
                Term::Role(role) => drop(held.roles.insert(role.clone())),
                Term::Permission(one) => drop(held.permissions.insert(one.clone())),
                Term::RoleIn(at, role) => {
                    held.roles_in.entry(place(at)).or_default().insert(role.clone());
                }
                Term::PermissionIn(at, one) => {
                    held.permissions_in.entry(place(at)).or_default().insert(one.clone());
                }
                Term::Scope(scope) => {
                    held.scopes.get_or_insert_default().insert(scope.clone());
                }
                Term::Is(_) => return None,
                _ => {}
            }
        }
        Some(held)
    }

    /// What the requirement says of whoever holds it, worked out from the value alone.
    fn judged(&self, setup: &Setup, row: &AccessRow, parts: &[(Arc<str>, Arc<str>)]) -> Decision {
        let mut who = Principal::new(Subject::Client(ClientId::from("model")), "model")
            .with_roles(self.roles.iter().cloned())
            .with_permissions(self.permissions.iter().cloned());
        for (place, roles) in &self.roles_in {
            who = who.with_roles_in(place.clone(), roles.iter().cloned());
        }
        for (place, permissions) in &self.permissions_in {
            who = who.with_permissions_in(place.clone(), permissions.iter().cloned());
        }
        if let Some(roles) = &setup.roles {
            let access = Arc::make_mut(&mut who.access);
            let all = roles.unfold(access.roles.iter().cloned());
            access.roles.extend(all.roles);
            access.allowed.extend(all.allowed);
            access.denied.extend(all.denied);
            for there in access.within.values_mut() {
                let all = roles.unfold(there.roles.iter().cloned());
                there.roles.extend(all.roles);
                there.allowed.extend(all.allowed);
                there.denied.extend(all.denied);
            }
        }
        if let Some(scopes) = &self.scopes {
            who = who.with_scopes(scopes.iter().cloned());
        }
        who.context = Context {
            method: Some(row.method.clone()),
            route: Some(Arc::clone(&row.path)),
            address: setup.from.or(Some(std::net::Ipv4Addr::LOCALHOST.into())),
            now: Sources::system().now(),
            parts: parts.to_vec().into(),
            ..Context::default()
        };
        row.who.check(&who)
    }
}

/// A header that shows who somebody is.
type Header = (HeaderName, HeaderValue);

/// As [`hostile()`](super::hostile), for an application without `Auth`: `credential` makes one for somebody
/// who holds just what it is told, or `None` where the application has no such thing.
///
/// Nobody, whoever brings a made-up credential, and whoever lacks one of the things required is refused;
/// somebody who holds them comes through. A route that nobody comes through is a fault, unless what it
/// requires is a condition or the answer to a question: those are the application's own to test.
///
/// ```
/// use http::{HeaderValue, header::AUTHORIZATION};
/// use portcullis::credential::{Rejection, TokenCredential, bearer};
/// use portcullis::gate::{Cleartext, Gate};
/// use portcullis::identity::{VerifiedBy, Verifier};
/// use portcullis::policy::{permission, public};
/// use portcullis::testing::{Setup, TestApp, hostile_by};
/// use portcullis::types::{ClientId, Principal, Subject};
///
/// /// Knows one token: `may-` and a permission.
/// #[derive(Debug)]
/// struct OwnUsers;
///
/// #[async_trait::async_trait]
/// impl Verifier<TokenCredential> for OwnUsers {
///     async fn verify(
///         &self,
///         token: TokenCredential,
///         _: &http::request::Parts,
///     ) -> Result<Principal, Rejection> {
///         let held = token.0.expose().strip_prefix("may-").ok_or(Rejection::Invalid)?;
///         let who = Principal::new(Subject::Client(ClientId::from("ann")), "ann");
///         Ok(who.with_permissions(held.split('+').filter(|one| !one.is_empty())))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let gate = Gate::builder().scheme("bearer", bearer().verified_by(OwnUsers)).build().unwrap();
/// let routes = gate.routes::<()>().get("/", public("a greeting"), async || "hello");
/// let routes = routes.get("/read", permission("reports.read"), async || "a report");
/// let app = TestApp::without_auth(routes.finish().unwrap());
/// let setup = Setup::new();
/// let covered = hostile_by(&app, &setup, |held| {
///     let all = held.permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
///     Some((AUTHORIZATION, HeaderValue::from_str(&format!("Bearer may-{all}")).unwrap()))
/// });
/// assert_eq!(covered.await.routes.len(), 2);
/// # });
/// ```
///
/// # Panics
/// With the list of every answer that was not right.
pub async fn hostile_by(
    app: &TestApp,
    setup: &Setup,
    credential: impl Fn(&Held) -> Option<Header>,
) -> Covered {
    let mut covered = Covered::default();
    let mut faults = Vec::new();
    for row in app.access() {
        let mut asked = Asked { app, setup, row, requests: 0, faults: Vec::new() };
        asked.all(&credential).await;
        covered.requests += asked.requests;
        faults.append(&mut asked.faults);
        covered.routes.insert(format!("{} {}", row.method, row.path));
    }
    assert!(covered.requests > 0, "the access table is empty");
    assert!(faults.is_empty(), "{} answers are not right:\n{}", faults.len(), faults.join("\n"));
    covered
}

/// Credentials that nobody has.
const MADE_UP: [&str; 5] =
    ["Bearer made-up", "Bearer a.b.c", "Bearer", "Basic bm9ib2R5OndyaXR0ZW4=", "Basic not-base64"];

struct Asked<'a> {
    app: &'a TestApp,
    setup: &'a Setup,
    row: &'a AccessRow,
    requests: usize,
    faults: Vec<String>,
}

impl Asked<'_> {
    async fn ask(&mut self, credential: Option<Header>) -> Answer {
        self.requests += 1;
        let method =
            if self.row.covers_all_below() { Method::GET } else { self.row.method.clone() };
        let client = self.app.anon().over_tls();
        let client = match self.setup.from {
            Some(address) => client.from(&address.to_string()),
            None => client,
        };
        let mut request = client.request(method.clone(), self.setup.path(self.row));
        if let Some((name, value)) = credential {
            request = request.header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
        if method != Method::GET {
            let body = (self.setup.body)(self.row);
            request = request.json(body.unwrap_or_else(|| Value::Object(serde_json::Map::new())));
        }
        request.await
    }

    fn fault(&mut self, who: &str, answer: &Answer, expected: &str) {
        let AccessRow { method, path, who: required, .. } = self.row;
        self.faults.push(format!(
            "{method} {path} ({required}): {who} should be answered {expected}, not {}: {}",
            answer.status,
            answer.text()
        ));
    }

    async fn all(&mut self, credential: &impl Fn(&Held) -> Option<Header>) {
        let plain = self.ask(None).await;
        let made_up =
            MADE_UP.map(|text| (http::header::AUTHORIZATION, HeaderValue::from_static(text)));
        if self.row.who.is_public() {
            if matches!(plain.status.as_u16(), 401 | 403 | 429 | 500..) {
                self.fault("nobody", &plain, "as anyone");
            }
            let asks = self.setup.may_read_credentials(self.row);
            for one in made_up.into_iter().filter(|_| !asks) {
                let answer = self.ask(Some(one)).await;
                if answer.status != plain.status {
                    self.fault("a made-up credential", &answer, "as nobody is");
                }
            }
            return;
        }
        self.is_refused("nobody", &plain, &[401]);
        for one in made_up {
            let answer = self.ask(Some(one.clone())).await;
            self.is_refused(&format!("{:?}", one.1), &answer, &[401]);
        }
        let parts = self.setup.parts(self.row);
        let place = |at: &Whereabouts| match at {
            Whereabouts::At(place) => place.clone(),
            Whereabouts::Part(part) => {
                let value = parts.iter().find(|(name, _)| name == part);
                Place::new(
                    Arc::clone(part),
                    value.map_or("".into(), |(_, value)| Arc::clone(value)),
                )
            }
        };
        let mut reached = false;
        for way in ways(&self.row.who) {
            for (position, without) in way.iter().enumerate() {
                let mut rest = way.clone();
                rest.remove(position);
                let Some(held) = Held::of(&rest, place) else { continue };
                let passes = held.judged(self.setup, self.row, &parts) == Decision::Permit;
                let Some(shown) = credential(&held).filter(|_| !passes) else { continue };
                let answer = self.ask(Some(shown)).await;
                self.is_refused(&format!("who lacks {without}"), &answer, &[401, 403, 404]);
            }
            let Some(held) = Held::of(&way, place) else { continue };
            let judged = held.judged(self.setup, self.row, &parts);
            let Some(shown) = credential(&held) else { continue };
            if !matches!(judged, Decision::Permit | Decision::Defer) {
                continue;
            }
            reached = true;
            let answer = self.ask(Some(shown)).await;
            let refused = matches!(answer.status.as_u16(), 401 | 429 | 500..)
                || (answer.status == 403 && judged == Decision::Permit);
            if refused {
                self.fault(&format!("somebody who holds {held:?}"), &answer, "by the handler");
            }
        }
        if !reached && !asks_circumstances(&self.row.who) {
            let AccessRow { method, path, who, .. } = self.row;
            self.faults.push(format!("{method} {path} ({who}): nobody comes through"));
        }
    }

    fn is_refused(&mut self, who: &str, answer: &Answer, statuses: &[u16]) {
        let problem = answer.header("content-type") == Some(Problem::MEDIA_TYPE);
        if !problem || !statuses.contains(&answer.status.as_u16()) {
            self.fault(who, answer, &format!("{statuses:?} as a problem"));
        }
    }
}

/// Whether something is required that does not hang on who asks alone.
fn asks_circumstances(who: &Requirement) -> bool {
    match who.term() {
        Term::When(_) | Term::Asked(_) | Term::Is(_) => true,
        Term::All(terms) | Term::Any(terms) => terms.iter().any(asks_circumstances),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::credential::{Rejection, TokenCredential, bearer};
    use crate::gate::Gate;
    use crate::identity::{VerifiedBy as _, Verifier};
    use crate::policy::{authenticated, permission, permission_in, public, role};

    /// Takes `role=a;permission=b;in=c` at its word. Careless, it lets everybody have a role.
    #[derive(Clone, Copy, Debug)]
    struct OwnUsers {
        careless: bool,
    }

    #[async_trait::async_trait]
    impl Verifier<TokenCredential> for OwnUsers {
        async fn verify(
            &self,
            token: TokenCredential,
            _: &http::request::Parts,
        ) -> Result<Principal, Rejection> {
            let held = token.0.expose().strip_prefix("ann~").ok_or(Rejection::Invalid)?.to_owned();
            let mut who = Principal::new(Subject::Client(ClientId::from("ann")), "ann");
            for (kind, name) in held.split('~').filter_map(|one| one.split_once('/')) {
                let place = Place::new("tenant", "00000000-0000-7000-8000-000000000000");
                who = match kind {
                    "role" => who.with_roles([name]),
                    "permission" => who.with_permissions([name]),
                    _ => who.with_permissions_in(place, [name]),
                };
            }
            Ok(if self.careless { who.with_roles(["clerk"]) } else { who })
        }
    }

    fn app(careless: bool) -> TestApp {
        let gate = Gate::builder().scheme("bearer", bearer().verified_by(OwnUsers { careless }));
        let gate = gate.build().unwrap();
        let routes = gate
            .routes::<()>()
            .get("/", public("a greeting"), async || "hello")
            .get("/me", authenticated(), async || "me")
            .get("/both", role("clerk") & permission("desk.read"), async || "both")
            .get("/tenants/{tenant}", permission_in("tenant", "notes.read"), async || "notes");
        TestApp::without_auth(routes.finish().unwrap())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the test kit takes a function that may have none"
    )]
    fn shown(held: &Held) -> Option<Header> {
        let roles = held.roles.iter().map(|role| format!("role/{role}~"));
        let permissions = held.permissions.iter().map(|one| format!("permission/{one}~"));
        let within = held.permissions_in.values().flatten().map(|one| format!("in/{one}~"));
        let all = roles.chain(permissions).chain(within);
        let text = std::iter::once("Bearer ann~".to_owned()).chain(all).collect::<String>();
        Some((AUTHORIZATION, HeaderValue::from_str(&text).unwrap()))
    }

    #[tokio::test]
    async fn a_service_with_users_of_its_own_is_asked_in_every_way() {
        let covered = hostile_by(&app(false), &Setup::new(), shown).await;
        assert_eq!(covered.routes.len(), 4);
    }

    #[tokio::test]
    #[should_panic(
        expected = "GET /both (role clerk and permission desk.read): who lacks role clerk"
    )]
    async fn a_verifier_that_gives_too_much_is_found() {
        hostile_by(&app(true), &Setup::new(), shown).await;
    }

    #[tokio::test]
    #[should_panic(expected = "GET /me (signed in): somebody who holds")]
    async fn a_credential_that_is_not_taken_is_found() {
        let wrong = |_: &Held| Some((AUTHORIZATION, HeaderValue::from_static("Bearer nobody")));
        hostile_by(&app(false), &Setup::new(), wrong).await;
    }
}
