//! What the walk costs, without a socket: nanoseconds a request beside a bare handler of axum in the
//! same run; or, with `count`, each stage as often as callgrind is to count it.
//!
//! One thread, the answer's body read. Each row is the median of several rounds; the rows take turns,
//! so that whatever else the machine does falls on all of them alike.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark speaks on its output")]

#[expect(dead_code, reason = "the bench of the wire uses the rest")]
mod stand;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::response::IntoResponse as _;
use http_body_util::BodyExt;
use portcullis::auth::Database;
use portcullis::clock::Sources;
use portcullis::credential::{CredentialSource as _, bearer};
use portcullis::crypto::{
    AccessClaims, Algorithm, JwtVerifier, KeyRing, SigningKey, VerifierSettings,
};
use portcullis::problem::{Problem, ProblemKind};
use portcullis::types::{ClientId, Principal, Subject, TokenId};
use stand::{Case, bare_case, cases, start, terms};
use tokio::runtime::Runtime;

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(40);

/// How often a stage is run for callgrind.
const COUNTED: usize = 200;

struct Row {
    case: Case,
    rounds: Vec<f64>,
}

async fn once(case: &Case) {
    let answer = case.answer(case.request()).await;
    black_box(answer.into_body().collect().await.unwrap());
}

impl Row {
    async fn round(&mut self) {
        let begun = Instant::now();
        let mut count = 0_u32;
        while begun.elapsed() < ROUND {
            for _ in 0..16 {
                once(&self.case).await;
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
        expires_at: now + Duration::from_secs(15 * 60),
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

async fn timed(cases: Vec<Case>) {
    let mut rows: Vec<Row> =
        cases.into_iter().map(|case| Row { case, rounds: Vec::new() }).collect();
    for row in &rows {
        // Whatever is cached is cached from here on.
        once(&row.case).await;
    }
    for _ in 0..ROUNDS {
        for row in &mut rows {
            row.round().await;
        }
    }
    let bare = rows[0].median();
    println!("{:<32}{:>14}{:>10}{:>12}", "", "ns a request", "× bare", "ns on top");
    for row in &mut rows {
        let (median, name) = (row.median(), row.case.name);
        println!("{name:<32}{median:>14.0}{:>10.2}{:>12.0}", median / bare, median - bare);
    }
    let first = uncached();
    println!("{:<32}{:>14}{:>10}{first:>12.0}", "JWT, verified anew", "", "");
}

/// Callgrind counts what runs in here, and writes it down at the end of each call.
#[inline(never)]
fn counted_stage(runtime: &Runtime, stage: impl Future<Output = ()>) {
    runtime.block_on(stage);
}

/// One part of the walk by itself, as often as it is counted.
fn part<T>(runtime: &Runtime, name: &str, run: impl Fn() -> T) {
    black_box(run());
    println!("stage {COUNTED} {name}");
    counted_stage(runtime, async {
        for _ in 0..COUNTED {
            black_box(run());
        }
    });
}

/// Runs each stage, announcing it by a line `stage TIMES NAME`.
fn count(runtime: &Runtime, cases: &[Case]) {
    let who = (1..=20).map(|n| format!("work:{n}"));
    let who = Principal::new(Subject::Client(ClientId::from("bench")), "bench")
        .with_permissions(who.collect::<Vec<_>>());
    let jwt = cases.iter().find(|case| case.name == "JWT, EdDSA").unwrap();
    let (parts, _) = jwt.request().into_parts();
    let bearer = bearer();
    part(runtime, "credential: bearer", || bearer.find(&parts).unwrap());
    for (name, count) in [("policy: 1 term", 1), ("policy: 5 terms", 5), ("policy: 20 terms", 20)] {
        let what = terms(count);
        part(runtime, name, || what.check(&who));
    }
    part(runtime, "problem: 404", || Problem::new(ProblemKind::NotFound).into_response());
    for case in cases {
        runtime.block_on(once(case));
        // The requests are there already, and the answers stay: only the walk is counted.
        let requests: Vec<_> = (0..COUNTED).map(|_| case.request()).collect();
        let mut answers = Vec::with_capacity(COUNTED);
        println!("stage {COUNTED} request: {}", case.name);
        counted_stage(runtime, async {
            for request in requests {
                answers.push(case.answer(request).await);
            }
        });
    }
}

fn main() {
    let counts = std::env::args().any(|word| word == "count");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let mut all = vec![bare_case()];
    all.extend(runtime.block_on(async {
        let auth = start(Database::connect(&url).await.unwrap(), Algorithm::EdDsa).await;
        cases(&auth).await
    }));
    if counts {
        count(&runtime, &all);
    } else {
        runtime.block_on(timed(all));
    }
}
