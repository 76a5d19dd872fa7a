//! What the walk costs: nanoseconds a request for each kind of credential, beside a bare handler
//! of axum in the same run.
//!
//! One thread, no socket, the answer's body read. Each row is the median of several rounds; the
//! rows take turns, so that whatever else the machine does falls on all of them alike.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks on its output")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use portcullis::auth::{
    AccessFormat, AccessTokenVerifier, Actor, ApiKeyRequest, ApiKeyVerifier, Auth, Caller,
    Database, GrantRequest, NewAccount, PasswordVerifier, SessionVerifier, SignedIn,
};
use portcullis::clock::Sources;
use portcullis::cors::Cors;
use portcullis::credential::{api_key_header, basic, bearer, cookie};
use portcullis::crypto::{
    AccessClaims, Algorithm, JwtVerifier, KeyRing, MasterSecret, SigningKey, VerifierSettings,
};
use portcullis::gate::{Cleartext, Gate};
use portcullis::identity::VerifiedBy;
use portcullis::policy::{Requirement, authenticated, permission, public};
use portcullis::types::{ClientId, Scopes, Subject, TokenId};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PHRASE: &str = "orchids grow on tall trees";
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(40);

async fn hello() -> &'static str {
    "Hello, world!"
}

/// One thing to be measured: what it is, and the request that is made over and over.
struct Row {
    name: &'static str,
    router: Router,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    status: StatusCode,
    rounds: Vec<f64>,
}

impl Row {
    fn new(name: &'static str, router: &Router, path: &str) -> Self {
        let (router, path) = (router.clone(), path.to_owned());
        let (headers, rounds) = (Vec::new(), Vec::new());
        Self { name, router, method: "GET", path, headers, status: StatusCode::OK, rounds }
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    async fn once(&self) {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), self.status, "{}", self.name);
        black_box(answer.into_body().collect().await.unwrap());
    }

    async fn round(&mut self) {
        let begun = Instant::now();
        let mut count = 0_u32;
        while begun.elapsed() < ROUND {
            for _ in 0..16 {
                self.once().await;
            }
            count += 16;
        }
        self.rounds.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(count));
    }

    fn median(&mut self) -> f64 {
        self.rounds.sort_by(f64::total_cmp);
        self.rounds[self.rounds.len() / 2]
    }
}

fn terms(count: usize) -> Requirement {
    (1..count).fold(permission("work:1"), |all, n| all & permission(&*format!("work:{}", n + 1)))
}

fn app(auth: &Auth) -> Router {
    let gate = Gate::builder()
        .cleartext(Cleartext::InProcess)
        .cors(Cors::closed().origins(["https://app.example"]).methods(["PUT"]))
        .scheme("basic", basic("bench").verified_by(PasswordVerifier::new(auth.clone())))
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .scheme(
            "api_key",
            api_key_header("X-API-Key").verified_by(ApiKeyVerifier::new(auth.clone())),
        )
        .scheme("cookie", cookie("session").verified_by(SessionVerifier::new(auth.clone())))
        .auth(auth)
        .build()
        .unwrap();
    let routes = gate
        .routes::<()>()
        .get("/public", public("a greeting"), hello)
        .get("/mine", authenticated(), hello)
        .put("/mine", authenticated(), hello)
        .get("/one", terms(1), hello)
        .get("/five", terms(5), hello)
        .get("/twenty", terms(20), hello);
    routes.finish().unwrap().router
}

async fn ada(auth: &Auth) -> SignedIn {
    let account = NewAccount {
        username: "ada".to_owned(),
        password: PHRASE.to_owned().into(),
        email: None,
        name: None,
    };
    let subject =
        Subject::User(auth.add_user(&Actor::system(), account, true, &[]).await.unwrap().id);
    for n in 1..=20 {
        let permission = format!("work:{n}");
        let grant = GrantRequest::allow(&*permission);
        auth.grant(&Actor::system(), subject.clone(), grant).await.unwrap();
    }
    auth.sign_in(&Actor::system(), "ada", PHRASE.to_owned().into()).await.unwrap()
}

async fn rows(auth: &Auth) -> Vec<Row> {
    let (app, signed) = (app(auth), ada(auth).await);
    let token = async |format| {
        let issued =
            auth.begin_tokens(&signed, Scopes::All, Some(format), Caller::default()).await.unwrap();
        format!("Bearer {}", issued.access.expose())
    };
    let (jwt, opaque) = (token(AccessFormat::Jwt).await, token(AccessFormat::Opaque).await);
    let pair = format!("Basic {}", STANDARD.encode(format!("ada:{PHRASE}")));
    let (_, session) = auth.begin_cookie(&signed, Caller::default()).await.unwrap();
    let session = format!("session={}", session.expose());
    let who = auth.basic(&Actor::system(), "ada", PHRASE.to_owned().into()).await.unwrap();
    let request = ApiKeyRequest { name: "bench".to_owned(), ..ApiKeyRequest::default() };
    let (_, key) = auth.create_api_key(&who, request).await.unwrap();
    let bare = Router::new();
    #[expect(clippy::disallowed_methods, reason = "the bare handler is what we are compared with")]
    let bare = bare.route("/", get(hello));
    let refused = |row: Row, status| Row { status, ..row };
    let preflight = Row::new("preflight", &app, "/mine")
        .with("origin", "https://app.example")
        .with("access-control-request-method", "PUT");
    let preflight = Row { method: "OPTIONS", status: StatusCode::NO_CONTENT, ..preflight };
    vec![
        Row::new("bare axum handler", &bare, "/"),
        Row::new("public route", &app, "/public"),
        preflight,
        refused(Row::new("nothing brought: 401", &app, "/mine"), StatusCode::UNAUTHORIZED),
        Row::new("Basic, remembered", &app, "/mine").with("authorization", pair),
        Row::new("JWT, cached", &app, "/mine").with("authorization", &jwt),
        Row::new("opaque token, cached", &app, "/mine").with("authorization", opaque),
        Row::new("session cookie, cached", &app, "/mine")
            .with("cookie", session)
            .with("sec-fetch-site", "same-origin"),
        Row::new("API key, cached", &app, "/mine").with("x-api-key", key.expose()),
        Row::new("JWT, 1 term", &app, "/one").with("authorization", &jwt),
        Row::new("JWT, 5 terms", &app, "/five").with("authorization", &jwt),
        Row::new("JWT, 20 terms", &app, "/twenty").with("authorization", &jwt),
    ]
}

/// What a JWT costs the first time it is shown.
fn uncached() -> f64 {
    let sources = Sources::system();
    let key = SigningKey::generate(Algorithm::EdDsa, &sources).unwrap();
    let now = sources.now();
    let issuer = "https://api.example".to_owned();
    let claims = AccessClaims {
        issuer: issuer.clone(),
        audience: vec![issuer.clone()],
        subject: sources.uuid().unwrap().to_string(),
        client: ClientId::first_party(),
        id: TokenId(sources.uuid().unwrap()),
        session: None,
        scopes: BTreeSet::new(),
        all_scopes: false,
        issued_at: now,
        expires_at: now + Duration::from_mins(15),
        authenticated_at: None,
        methods: Vec::new(),
    };
    let token = claims.sign(&key).unwrap();
    let settings = VerifierSettings::new(&issuer, &issuer, &[Algorithm::EdDsa]).unwrap();
    let (verifier, keys) = (JwtVerifier::new(settings), KeyRing::single(key));
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..200 {
                black_box(verifier.verify(&token, &keys, now).unwrap());
            }
            begun.elapsed().as_secs_f64() * 1e9 / 200.0
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        let store = Database::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let auth = Auth::builder(store, master).start().await.unwrap();
        let mut rows = rows(&auth).await;
        for row in &rows {
            // Whatever is cached is cached from here on.
            row.once().await;
        }
        for _ in 0..ROUNDS {
            for row in &mut rows {
                row.round().await;
            }
        }
        let bare = rows[0].median();
        println!("{:<28}{:>14}{:>10}{:>12}", "", "ns a request", "× bare", "ns on top");
        for row in &mut rows {
            let median = row.median();
            println!(
                "{:<28}{median:>14.0}{:>10.2}{:>12.0}",
                row.name,
                median / bare,
                median - bare
            );
        }
        let first = uncached();
        println!("{:<28}{:>14}{:>10}{first:>12.0}", "JWT, verified anew", "", "");
    });
}
