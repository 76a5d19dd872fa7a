//! One route, asked in every way.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::Setup;
use super::holds::Holds;
use super::way::ways;
use crate::auth::{AccessFormat, Actor, UserRequest};
use crate::policy::{Decision, Term};
use crate::problem::Problem;
use crate::router::AccessRow;
use crate::testing::account::Carried;
use crate::testing::{Answer, TestApp, TestClient, must};

type Header = (HeaderName, HeaderValue);

/// Credentials that were good once.
pub(super) struct Spent {
    bearer: Vec<(&'static str, Header)>,
    basic: Vec<(&'static str, Header)>,
    cookie: Vec<(&'static str, Header)>,
}

impl Spent {
    /// Makes accounts and credentials, and ends them.
    pub(super) async fn of(app: &TestApp) -> Self {
        let mut spent = Self { bearer: Vec::new(), basic: Vec::new(), cookie: Vec::new() };
        app.user("alive").id().await;
        let schemes = schemes(app.document()["components"]["securitySchemes"].as_object());
        for scheme in schemes {
            match scheme {
                Brings::Bearer => {
                    let gone = app.user("logged-out");
                    for (what, client) in [
                        ("a token of an ended session", gone.clone()),
                        ("an opaque token of an ended session", gone.opaque()),
                    ] {
                        spent.bearer.push((what, client.credential().await));
                    }
                    let ghost = app.user("inactive").credential().await;
                    spent.bearer.push(("a token of an inactive user", ghost));
                    let alive = app.user("alive");
                    for client in [alive.clone(), alive.opaque()] {
                        let (name, value) = client.credential().await;
                        spent.bearer.push(("a forged token", (name, forged(&value))));
                    }
                }
                Brings::Basic => {
                    let ghost = app.user("inactive").basic().credential().await;
                    spent.basic.push(("the password of an inactive user", ghost));
                    let alive = app.user("alive").basic().with_password("not their password");
                    spent.basic.push(("a wrong password", alive.credential().await));
                }
                Brings::Cookie => {
                    let gone = app.user("logged-out").cookie().credential().await;
                    spent.cookie.push(("a cookie of an ended session", gone));
                    let ghost = app.user("inactive").cookie().credential().await;
                    spent.cookie.push(("a cookie of an inactive user", ghost));
                }
                Brings::Other(_) => {}
            }
        }
        let (gone, ghost) = (app.user("logged-out").id().await, app.user("inactive").id().await);
        must("ending sessions", app.auth().end_sessions(&Actor::system(), gone, None).await);
        let inactive = UserRequest { active: Some(false), ..UserRequest::default() };
        must("an inactive user", app.auth().change_user(&Actor::system(), ghost, inactive).await);
        spent
    }
}

/// The same token with one character of its last quarter changed.
fn forged(value: &HeaderValue) -> HeaderValue {
    let mut bytes = value.as_bytes().to_vec();
    let position = bytes.len() - 8;
    bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
    must("a header's value", HeaderValue::from_bytes(&bytes))
}

/// What kind of credential a scheme takes, read from its entry in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Brings {
    Basic,
    Bearer,
    Cookie,
    /// A header of this name.
    Other(String),
}

fn schemes(entries: Option<&serde_json::Map<String, Value>>) -> Vec<Brings> {
    entries.into_iter().flat_map(|entries| entries.values()).filter_map(brings).collect()
}

fn brings(entry: &Value) -> Option<Brings> {
    if entry["type"] == "oauth2" {
        return Some(Brings::Bearer);
    }
    match (entry["type"].as_str()?, entry["scheme"].as_str(), entry["in"].as_str()) {
        ("http", Some("basic"), _) => Some(Brings::Basic),
        ("http", Some("bearer"), _) => Some(Brings::Bearer),
        ("apiKey", _, Some("cookie")) => Some(Brings::Cookie),
        ("apiKey", _, Some("header")) => Some(Brings::Other(entry["name"].as_str()?.to_owned())),
        _ => None,
    }
}

/// What one route was asked, and what it answered wrongly.
pub(super) struct Asked<'a> {
    app: &'a TestApp,
    setup: &'a Setup,
    spent: &'a Spent,
    row: &'a AccessRow,
    number: usize,
    accepts: Vec<Brings>,
    others: Vec<Brings>,
    pub(super) requests: usize,
    pub(super) faults: Vec<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        app: &'a TestApp,
        setup: &'a Setup,
        spent: &'a Spent,
        row: &'a AccessRow,
        number: usize,
    ) -> Self {
        let document = app.document();
        let entries = document["components"]["securitySchemes"].as_object();
        let method = row.method.as_str().to_lowercase();
        let path = row.path.replace("{*", "{");
        let operation = &document["paths"][&path][method.as_str()];
        let mut accepts = Vec::new();
        for name in operation["security"].as_array().into_iter().flatten() {
            let names = name.as_object().into_iter().flat_map(|one| one.keys());
            for entry in names.filter_map(|name| entries.and_then(|all| all.get(name))) {
                let brought = brings(entry).filter(|one| !accepts.contains(one));
                accepts.extend(brought);
            }
        }
        if row.covers_all_below() {
            accepts = schemes(entries);
        }
        let mut others = schemes(entries);
        others.retain(|one| !accepts.contains(one));
        let faults = if operation.is_null() && !row.covers_all_below() {
            vec![format!("{} {}: the document does not know it", row.method, row.path)]
        } else {
            Vec::new()
        };
        Self { app, setup, spent, row, number, accepts, others, requests: 0, faults }
    }

    pub(super) async fn all(&mut self) {
        if self.row.who.is_public() {
            self.is_open().await;
        } else {
            self.refuses_nobody().await;
            self.refuses_bad_credentials().await;
            self.refuses_who_lacks().await;
            self.lets_through_who_holds().await;
        }
    }

    fn fault(&mut self, who: &str, answer: &Answer, expected: &str) {
        let AccessRow { method, path, who: required, .. } = self.row;
        self.faults.push(format!(
            "{method} {path} ({required}): {who} should be answered {expected}, not {}: {}",
            answer.status,
            answer.text()
        ));
    }

    /// Where this request comes from. Another part of loopback each time, so that many failures
    /// are no flood.
    fn address(&self) -> IpAddr {
        let [.., high, low] = self.number.to_be_bytes();
        let [.., last] = self.requests.to_be_bytes();
        self.setup.from.unwrap_or_else(|| Ipv4Addr::new(127, high, low, last.max(1)).into())
    }

    async fn ask(&mut self, client: TestClient, credential: &[Header]) -> Answer {
        let address = self.address().to_string();
        self.requests += 1;
        let request = client.from(&address).over_tls();
        let method =
            if self.row.covers_all_below() { Method::GET } else { self.row.method.clone() };
        let mut request = request.request(method.clone(), self.setup.path(self.row));
        for (name, value) in credential {
            let text = String::from_utf8_lossy(value.as_bytes());
            request = request.header(name.as_str(), &text);
        }
        if method != Method::GET {
            let body = (self.setup.body)(self.row);
            request = request.json(body.unwrap_or_else(|| Value::Object(serde_json::Map::new())));
        }
        request.await
    }

    async fn is_open(&mut self) {
        let plain = self.ask(self.app.anon(), &[]).await;
        let reads = self.setup.may_read_credentials(self.row);
        let status = plain.status.as_u16();
        // What looks at credentials by itself may miss one.
        if matches!(status, 429 | 500..) || (!reads && matches!(status, 401 | 403)) {
            self.fault("nobody", &plain, "as anyone");
        }
        if reads {
            return;
        }
        for brought in self.others.clone().into_iter().chain(self.accepts.clone()) {
            for (what, credential) in self.bad(&brought) {
                let answer = self.ask(self.app.anon(), &[credential]).await;
                if answer.status != plain.status {
                    self.fault(&what, &answer, "as nobody is");
                }
            }
        }
    }

    async fn refuses_nobody(&mut self) {
        let answer = self.ask(self.app.anon(), &[]).await;
        self.is_unauthenticated("nobody", &answer);
    }

    fn is_unauthenticated(&mut self, who: &str, answer: &Answer) {
        if answer.status != 401 || !is_problem(answer) {
            return self.fault(who, answer, "401 as a problem");
        }
        let lines = answer.challenges();
        for (brought, scheme) in [(Brings::Basic, "Basic"), (Brings::Bearer, "Bearer")] {
            let challenged = lines.iter().any(|line| line.starts_with(scheme));
            if self.accepts.contains(&brought) != challenged {
                self.fault(who, answer, &format!("{scheme} challenges for accepted schemes only"));
            }
        }
    }

    fn bad(&self, brought: &Brings) -> Vec<(String, Header)> {
        let header = |name: &'static str, value: &'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let (spent, made_up) = match brought {
            Brings::Basic => (
                &self.spent.basic,
                vec![
                    header("authorization", "Basic bm9ib2R5OndyaXR0ZW4gb24gdGhlIHdhbGw="),
                    header("authorization", "Basic not-base64"),
                    header("authorization", "Basic"),
                ],
            ),
            Brings::Bearer => (
                &self.spent.bearer,
                vec![
                    header("authorization", "Bearer made-up"),
                    header("authorization", "Bearer a.b.c"),
                    header("authorization", "Bearer"),
                ],
            ),
            Brings::Cookie => (&self.spent.cookie, Vec::new()),
            Brings::Other(name) => {
                let name = must("a header's name", name.parse::<HeaderName>());
                let value = HeaderValue::from_static("made-up");
                return vec![(format!("a made-up {name}"), (name, value))];
            }
        };
        let spent = spent.iter().map(|(what, header)| ((*what).to_owned(), header.clone()));
        let made_up =
            made_up.into_iter().map(|header| (format!("a malformed {brought:?}"), header));
        spent.chain(made_up).collect()
    }

    async fn refuses_bad_credentials(&mut self) {
        for brought in self.accepts.clone() {
            for (what, credential) in self.bad(&brought) {
                let answer = self.ask(self.app.anon(), &[credential]).await;
                self.is_unauthenticated(&what, &answer);
            }
        }
        let Some(holds) = self.holdings().into_iter().next() else { return };
        for brought in self.others.clone() {
            for carried in carried_by(&brought) {
                let credential = self.client(&holds, "elsewhere", carried).credential().await;
                let answer = self.ask(self.app.anon(), &[credential]).await;
                self.is_unauthenticated("a scheme the route does not accept", &answer);
            }
        }
        if self.accepts.contains(&Brings::Basic) && self.accepts.contains(&Brings::Bearer) {
            let basic = self.client(&holds, "twice", Carried::Basic).credential().await;
            let token = self.client(&holds, "twice", Carried::Token(None)).credential().await;
            let answer = self.ask(self.app.anon(), &[basic, token]).await;
            if answer.status != 400 {
                self.fault("two credentials at once", &answer, "400");
            }
        }
    }

    /// A user of this route alone.
    fn client(&self, holds: &Holds, who: &str, carried: Carried) -> TestClient {
        let name = format!("{who}-{}", self.number);
        holds.given_to(self.app.user(&name)).carrying(carried)
    }

    /// What each way asks for, where an account can be given it.
    fn holdings(&self) -> Vec<Holds> {
        let holdings = ways(&self.row.who).into_iter().map(|way| Holds::of(&way, self.app.auth()));
        holdings.filter(|holds| holds.beyond.is_empty()).collect()
    }

    fn judged(&self, holds: &Holds, carried: Carried) -> Decision {
        let roles = (self.app.auth(), self.setup.roles.as_ref());
        let by_token = matches!(carried, Carried::Token(_));
        holds.judged(self.row, roles, (by_token, Some(self.address())))
    }

    async fn refuses_who_lacks(&mut self) {
        let nothing = Holds { limited: true, ..Holds::default() };
        let mut lacking = vec![("lacks everything".to_owned(), nothing)];
        for way in ways(&self.row.who) {
            for (position, without) in way.iter().enumerate() {
                let mut rest = way.clone();
                rest.remove(position);
                let mut rest = Holds::of(&rest, self.app.auth());
                rest.limited |= matches!(without.term(), Term::Scope(_));
                lacking.push((format!("lacks {without}"), rest));
            }
            let whole = Holds::of(&way, self.app.auth());
            let beyond = Holds { scopes: BTreeSet::new(), limited: true, ..whole.clone() };
            lacking.push(("shows a token that reaches nothing of it".to_owned(), beyond));
            for permission in &whole.permissions {
                let denied = [permission.clone()].into();
                let what = format!("is denied {permission}");
                lacking.push((what, Holds { denied, ..whole.clone() }));
            }
        }
        for (count, (what, holds)) in lacking.into_iter().enumerate() {
            for carried in self.carried() {
                let expected = match self.judged(&holds, carried) {
                    Decision::Permit => continue,
                    Decision::Challenge(_) => [401, 401],
                    Decision::Forbid(_) | Decision::Defer => [403, 404],
                };
                let client = self.client(&holds, &format!("lacking-{count}"), carried);
                let answer = self.ask(client, &[]).await;
                if !expected.contains(&answer.status.as_u16()) || !is_problem(&answer) {
                    let who = format!("somebody who {what}, by {carried:?}");
                    self.fault(&who, &answer, &format!("{expected:?} as a problem"));
                }
            }
        }
    }

    async fn lets_through_who_holds(&mut self) {
        let mut reached = false;
        for (count, holds) in self.holdings().into_iter().enumerate() {
            for carried in self.carried() {
                let judged = self.judged(&holds, carried);
                if !matches!(judged, Decision::Permit | Decision::Defer) {
                    continue;
                }
                reached = true;
                let client = self.client(&holds, &format!("right-{count}"), carried);
                let answer = self.ask(client, &[]).await;
                let status = answer.status.as_u16();
                let refused = match judged {
                    // It is the handler's to say whose it is.
                    Decision::Defer => matches!(status, 401 | 429 | 500..),
                    _ => matches!(status, 401 | 403 | 429 | 500..),
                };
                if refused {
                    let who = format!("somebody who holds {holds:?}, by {carried:?}");
                    self.fault(&who, &answer, "by the handler");
                }
            }
        }
        if !reached {
            let AccessRow { method, path, who, .. } = self.row;
            self.faults.push(format!(
                "{method} {path} ({who}): no test account can come through at this clock, from \
                 this address: set the clock, or Setup::from, so that the conditions hold"
            ));
        }
    }

    fn carried(&self) -> Vec<Carried> {
        self.accepts.iter().flat_map(carried_by).collect()
    }
}

fn carried_by(brought: &Brings) -> Vec<Carried> {
    match brought {
        Brings::Basic => vec![Carried::Basic],
        Brings::Bearer => {
            vec![Carried::Token(None), Carried::Token(Some(AccessFormat::Opaque))]
        }
        Brings::Cookie => vec![Carried::Cookie],
        Brings::Other(_) => Vec::new(),
    }
}

fn is_problem(answer: &Answer) -> bool {
    answer.header("content-type") == Some(Problem::MEDIA_TYPE)
}
