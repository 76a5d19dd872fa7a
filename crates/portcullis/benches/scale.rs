//! What a million users cost: the same requests on a small database and on a big one, side by side
//! in one run, each a real SQLite file.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks on its output")]

mod seed;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use portcullis::auth::{
    AccessFormat, AccessTokenVerifier, Actor, Auth, Caller, Database, GrantRequest, NewAccount,
};
use portcullis::clock::Sources;
use portcullis::credential::bearer;
use portcullis::crypto::{MasterSecret, PasswordSettings};
use portcullis::gate::{Cleartext, Gate};
use portcullis::identity::VerifiedBy;
use portcullis::policy::permission;
use portcullis::types::{RoleRecord, Scopes, Subject, UserId};
use seed::{BIG, Size, median, seed};
use sqlx::{ConnectOptions, Row};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PHRASE: &str = "orchids grow on tall trees";
const SMALL: Size = Size { roles: 12, grants: 2_000, users: 1_000 };
/// How many users ask.
const ASKING: u32 = 200;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(40);

struct World {
    size: Size,
    file: PathBuf,
    master: MasterSecret,
    auth: Auth,
    router: Router,
    /// An access token and an id of each that asks.
    asking: Vec<(String, UserId)>,
    starts: Vec<f64>,
    warm: Vec<f64>,
    cold: Vec<f64>,
    granted: Vec<f64>,
    role_changed: Vec<f64>,
    beside: Vec<f64>,
}

async fn store(file: &Path) -> Database {
    let store = Database::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn start(file: &Path, master: &MasterSecret) -> Auth {
    let builder = Auth::builder(store(file).await, master.clone());
    builder.passwords(PasswordSettings::cheap()).start().await.unwrap()
}

fn route(auth: &Auth) -> Router {
    let gate = Gate::builder()
        .cleartext(Cleartext::InProcess)
        .scheme("bearer", bearer().verified_by(AccessTokenVerifier::new(auth.clone())))
        .auth(auth)
        .build()
        .unwrap();
    let who = permission("desk:read") & permission("desk:write");
    gate.routes::<()>().get("/desk", who, async || "").finish().unwrap().router
}

/// A hash of [`PHRASE`].
async fn hash(file: &Path, auth: &Auth) -> String {
    let account = NewAccount {
        username: "ada".to_owned(),
        password: PHRASE.to_owned().into(),
        email: None,
        name: None,
    };
    auth.add_user(&Actor::system(), account, true, &[]).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = options.connect().await.unwrap();
    let row = sqlx::query("SELECT password_hash FROM users").fetch_one(&mut db).await.unwrap();
    row.get(0)
}

impl World {
    async fn new(folder: &Path, size: Size) -> Self {
        let file = folder.join(format!("{}.db", size.users));
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let auth = start(&file, &master).await;
        let hash = hash(&file, &auth).await;
        drop(auth);
        seed(&file, size, Some(&hash)).await;
        let auth = start(&file, &master).await;
        let mut asking = Vec::new();
        // Who asks is spread over all that hold grants, and holds four roles.
        let apart = size.grants / 2 / ASKING / 4 * 4;
        for number in 0..ASKING {
            let name = format!("user-{}", number * apart.max(4) + 3);
            let phrase = PHRASE.to_owned().into();
            let signed = auth.sign_in(&Actor::system(), &name, phrase).await.unwrap();
            let (format, caller) = (Some(AccessFormat::Jwt), Caller::default());
            let issued = auth.begin_tokens(&signed, Scopes::All, format, caller);
            let token = issued.await.unwrap().access.expose().clone();
            let who = auth.principal_of_token(&token).await.unwrap();
            let Subject::User(id) = who.subject else { continue };
            asking.push((token, id));
        }
        let (starts, warm, cold) = (Vec::new(), Vec::new(), Vec::new());
        let (granted, role_changed, beside) = (Vec::new(), Vec::new(), Vec::new());
        let router = route(&auth);
        Self {
            size,
            file,
            master,
            auth,
            router,
            asking,
            starts,
            warm,
            cold,
            granted,
            role_changed,
            beside,
        }
    }

    async fn ask(&self, who: usize) -> f64 {
        let request = Request::get("/desk")
            .header("authorization", format!("Bearer {}", self.asking[who].0))
            .body(Body::empty())
            .unwrap();
        let begun = Instant::now();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap();
        begun.elapsed().as_secs_f64()
    }

    /// Starts anew, with nothing in memory, and lets each ask once.
    async fn restart(&mut self) {
        let store = store(&self.file).await;
        let begun = Instant::now();
        let builder = Auth::builder(store, self.master.clone());
        self.auth = builder.passwords(PasswordSettings::cheap()).start().await.unwrap();
        self.starts.push(begun.elapsed().as_secs_f64());
        self.router = route(&self.auth);
        for who in 0..self.asking.len() {
            let seconds = self.ask(who).await;
            self.cold.push(seconds);
        }
    }

    async fn round(&mut self) {
        let (begun, mut count) = (Instant::now(), 0_u32);
        while begun.elapsed() < ROUND {
            for _ in 0..16 {
                self.ask(0).await;
            }
            count += 16;
        }
        self.warm.push(begun.elapsed().as_secs_f64() / f64::from(count));
    }

    /// A change, and the first request behind it.
    async fn change(&mut self, number: usize) {
        let by = Actor::system();
        let begun = Instant::now();
        let grant = GrantRequest::allow(format!("extra:{number}"));
        self.auth.grant(&by, Subject::User(self.asking[0].1), grant).await.unwrap();
        self.ask(0).await;
        self.granted.push(begun.elapsed().as_secs_f64());
        let mut role = RoleRecord::new("role-00003");
        role.includes.insert("role-00002".into());
        role.permissions.insert(format!("extra:{number}").into());
        let begun = Instant::now();
        self.auth.replace_role(&by, role).await.unwrap();
        self.ask(0).await;
        self.role_changed.push(begun.elapsed().as_secs_f64());
    }

    /// Decisions while somebody else's grants change without a pause.
    async fn beside_changes(&mut self) {
        let (auth, other) = (self.auth.clone(), Subject::User(self.asking[1].1));
        let changes = tokio::spawn(async move {
            loop {
                let grants = vec![GrantRequest::allow("extra")];
                auth.set_grants(&Actor::system(), other.clone(), grants).await.unwrap();
            }
        });
        let (begun, mut count) = (Instant::now(), 0_u32);
        while begun.elapsed() < ROUND * 5 {
            self.ask(0).await;
            tokio::task::yield_now().await;
            count += 1;
        }
        self.beside.push(begun.elapsed().as_secs_f64() / f64::from(count));
        changes.abort();
    }
}

fn forwarded(name: &str, unit: f64, small: Vec<f64>, big: Vec<f64>) {
    let (small, big) = (median(small) * unit, median(big) * unit);
    println!("{name:<44}{small:>12.2}{big:>12.2}{:>9.2}", big / small);
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let mut small = World::new(folder.path(), SMALL).await;
        let mut big = World::new(folder.path(), BIG).await;
        for _ in 0..5 {
            small.restart().await;
            big.restart().await;
        }
        for _ in 0..ROUNDS {
            small.round().await;
            big.round().await;
        }
        for _ in 0..5 {
            small.beside_changes().await;
            big.beside_changes().await;
        }
        for number in 0..10 {
            small.change(number).await;
            big.change(number).await;
        }
        println!("{:<44}{:>12}{:>12}{:>9}", "", "small", "big", "ratio");
        for (name, of) in [
            ("users", (|size| size.users) as fn(&Size) -> u32),
            ("roles", |size| size.roles),
            ("grants", |size| size.grants),
        ] {
            println!("{name:<44}{:>12}{:>12}", of(&small.size), of(&big.size));
        }
        let bytes = [&small, &big].map(|world| std::fs::metadata(&world.file).unwrap().len());
        println!("{:<44}{:>12}{:>12}", "file, MiB", bytes[0] >> 20, bytes[1] >> 20);
        forwarded("start of the rules, ms", 1e3, small.starts, big.starts);
        forwarded("decision, user in memory, µs", 1e6, small.warm, big.warm);
        forwarded("decision, nothing in memory, µs", 1e6, small.cold, big.cold);
        forwarded("decision beside changes of grants, µs", 1e6, small.beside, big.beside);
        forwarded("a grant and the next decision, ms", 1e3, small.granted, big.granted);
        forwarded(
            "a change of a role and the next decision, ms",
            1e3,
            small.role_changed,
            big.role_changed,
        );
    });
}
