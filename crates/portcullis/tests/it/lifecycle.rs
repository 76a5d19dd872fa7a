//! No sequence of deeds lets what was ended be accepted again, nor ends what should live: real
//! rules beside a model of them that knows nothing of how they work.

use std::collections::BTreeSet;

use portcullis::auth::{
    AccessFormat, Actor, ApiKeyRequest, Auth, Caller, Issued, NewAccount, RefreshRefused, Settings,
    UserRequest,
};
use portcullis::clock::Sources;
use portcullis::crypto::{MasterSecret, PasswordSettings};
use portcullis::testing::FixedClock;
use portcullis::types::{ScopeBook, SessionId, TokenId, UserId};
use proptest::prelude::*;

use crate::stand::{Kept, Place};

const WINDOW: i64 = 60;
const ACCESS: i64 = 600;
const IDLE: i64 = 3600;
const LIFE: i64 = 10_000;
const KEY: i64 = 200_000;
const PHRASE: &str = "orchids grow on tall trees";

#[derive(Clone, Copy, Debug)]
enum Deed {
    LogIn(AccessFormat),
    /// Shows the refresh token given this many tokens ago of some lineage, asking for a scope it
    /// has, one it has not, or none.
    Refresh(usize, usize, Option<bool>),
    /// Shows the newest one several times at once.
    RefreshAtOnce(usize),
    RevokeAccess(usize),
    RevokeRefresh(usize),
    MakeKey,
    RevokeKey(usize),
    DeleteKey(usize),
    RotateKey,
    RetireKeys,
    EndAll,
    Disable,
    Restart,
    Sweep,
    Wait(i64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let which = 0..6_usize;
    let format = prop_oneof![Just(AccessFormat::Jwt), Just(AccessFormat::Opaque)];
    let scope = prop_oneof![6 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
    let wait = prop_oneof![0..90_i64, 300..1200_i64, Just(86_400_i64 + 60)];
    let change = prop_oneof![
        4 => format.prop_map(Deed::LogIn),
        8 => (which.clone(), 0..3_usize, scope).prop_map(|(w, n, s)| Deed::Refresh(w, n, s)),
        2 => which.clone().prop_map(Deed::RefreshAtOnce),
        2 => which.clone().prop_map(Deed::RevokeAccess),
        1 => which.clone().prop_map(Deed::RevokeRefresh),
        2 => Just(Deed::MakeKey),
        1 => which.clone().prop_map(Deed::RevokeKey),
        1 => which.prop_map(Deed::DeleteKey),
        1 => Just(Deed::RotateKey),
        1 => Just(Deed::RetireKeys),
        1 => Just(Deed::EndAll),
        1 => Just(Deed::Disable),
        2 => Just(Deed::Restart),
        2 => Just(Deed::Sweep),
        6 => wait.prop_map(Deed::Wait),
    ];
    prop::collection::vec(change, 1..40)
}

/// What the model knows of an access token.
struct Access {
    text: String,
    lineage: usize,
    signed: bool,
    expires: i64,
    over: bool,
}

/// What it knows of a sign-in.
struct Lineage {
    session: SessionId,
    /// Every refresh token so far.
    tokens: Vec<String>,
    /// When each but the newest was used.
    used: Vec<i64>,
    idle: i64,
    end: i64,
    over: bool,
}

struct Key {
    text: String,
    id: TokenId,
    expires: i64,
    over: bool,
}

struct World {
    kept: Kept,
    master: MasterSecret,
    clock: FixedClock,
    auth: Auth,
    /// Another process on the same store, which hears of things later.
    other: Auth,
    user: UserId,
    now: i64,
    lineages: Vec<Lineage>,
    access: Vec<Access>,
    keys: Vec<Key>,
}

async fn start(kept: &Kept, master: &MasterSecret, clock: &FixedClock) -> Auth {
    let mut settings = Settings::new("http://127.0.0.1:8000");
    settings.access_ttl = ACCESS.try_into().unwrap();
    settings.idle_ttl = IDLE.try_into().unwrap();
    settings.session_ttl = LIFE.try_into().unwrap();
    settings.api_key_ttl = KEY.try_into().unwrap();
    settings.refresh_window = WINDOW.try_into().unwrap();
    Auth::builder(kept.store().await, master.clone())
        .sources(clock.sources())
        .settings(settings)
        .passwords(PasswordSettings::cheap())
        .scopes(ScopeBook::new().register("read", "Read.").register("write", "Write."))
        .start()
        .await
        .unwrap()
}

impl World {
    async fn new(place: Place) -> Self {
        let kept = Kept::at(place);
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let clock = FixedClock::at("2026-03-02T12:00:00Z");
        let auth = start(&kept, &master, &clock).await;
        let other = start(&kept, &master, &clock).await;
        let account = NewAccount {
            username: "ada".to_owned(),
            password: PHRASE.to_owned().into(),
            email: None,
            name: None,
        };
        let user = auth.add_user(&Actor::system(), account, true, &[]).await.unwrap().id;
        let (lineages, access, keys) = (Vec::new(), Vec::new(), Vec::new());
        Self { kept, master, clock, auth, other, user, now: 0, lineages, access, keys }
    }

    fn got(&mut self, lineage: usize, issued: &Issued) {
        let text = issued.access.expose().clone();
        let expires = (self.now + ACCESS).min(self.lineages[lineage].end);
        let signed = text.contains('.');
        self.access.push(Access { text, lineage, signed, expires, over: false });
    }

    fn end_all(&mut self) {
        self.lineages.iter_mut().for_each(|lineage| lineage.over = true);
    }

    fn is_over(&mut self, lineage: usize) -> bool {
        let now = self.now;
        let lineage = &mut self.lineages[lineage];
        lineage.over |= now >= lineage.idle || now >= lineage.end;
        lineage.over
    }

    async fn refresh(&mut self, which: usize, ago: usize, scope: Option<bool>) {
        let over = self.is_over(which);
        let now = self.now;
        let lineage = &mut self.lineages[which];
        let shown = lineage.used.len().saturating_sub(ago);
        let newest = shown == lineage.used.len();
        let retry =
            !newest && shown + 1 == lineage.used.len() && now - lineage.used[shown] <= WINDOW;
        let token = lineage.tokens[shown].clone();
        let asked = scope.map(|has| if has { "read" } else { "everything" });
        let answer = self.auth.refresh(&Actor::system(), &token, asked, None).await;
        if scope == Some(false) && !over {
            assert!(matches!(answer, Err(RefreshRefused::Scope(_))), "{answer:?}");
            return;
        }
        if over || !(newest || retry) {
            assert!(matches!(answer, Err(RefreshRefused::Invalid)), "{answer:?}");
            // Reuse ends the family.
            self.lineages[which].over = true;
            return;
        }
        let issued = answer.unwrap();
        let successor = issued.refresh.as_ref().unwrap().expose().clone();
        let scopes: BTreeSet<&str> =
            issued.scopes.iter().map(portcullis::types::Scope::as_str).collect();
        let wanted = if scope == Some(true) { vec!["read"] } else { vec!["read", "write"] };
        assert_eq!(scopes, wanted.into_iter().collect());
        if newest {
            lineage.used.push(now);
            lineage.tokens.push(successor);
            lineage.idle = now + IDLE;
        } else {
            assert_eq!(successor, lineage.tokens[shown + 1], "a retry gets the very same");
        }
        self.got(which, &issued);
    }

    async fn refresh_at_once(&mut self, which: usize) {
        let over = self.is_over(which);
        let token = self.lineages[which].tokens.last().unwrap().clone();
        let mut tasks = tokio::task::JoinSet::new();
        for auth in [&self.auth, &self.other, &self.auth, &self.other] {
            let (auth, token) = (auth.clone(), token.clone());
            tasks.spawn(async move { auth.refresh(&Actor::system(), &token, None, None).await });
        }
        let answers = tasks.join_all().await;
        if over {
            assert!(answers.iter().all(|answer| matches!(answer, Err(RefreshRefused::Invalid))));
            return;
        }
        let pairs: Vec<Issued> = answers.into_iter().map(Result::unwrap).collect();
        let successors: BTreeSet<_> =
            pairs.iter().map(|pair| pair.refresh.as_ref().unwrap().expose()).collect();
        assert_eq!(successors.len(), 1, "one lineage");
        let lineage = &mut self.lineages[which];
        lineage.used.push(self.now);
        lineage.tokens.push(pairs[0].refresh.as_ref().unwrap().expose().clone());
        lineage.idle = self.now + IDLE;
        for pair in &pairs {
            self.got(which, pair);
        }
    }

    async fn log_in(&mut self, format: AccessFormat) {
        // Anew: a sign-in of before a change of the account does not count any more.
        let phrase = PHRASE.to_owned().into();
        let signed = self.auth.sign_in(&Actor::system(), "ada", phrase).await.unwrap();
        let caller = Caller::default();
        let scopes = self.auth.narrow(signed.access(), None).unwrap();
        let issued = self.auth.begin_tokens(&signed, scopes, Some(format), caller).await.unwrap();
        let principal = self.auth.principal_of_token(issued.access.expose()).await.unwrap();
        self.lineages.push(Lineage {
            session: principal.session.unwrap(),
            tokens: vec![issued.refresh.as_ref().unwrap().expose().clone()],
            used: Vec::new(),
            idle: self.now + IDLE,
            end: self.now + LIFE,
            over: false,
        });
        self.got(self.lineages.len() - 1, &issued);
    }

    async fn make_key(&mut self) {
        let basic =
            self.auth.basic(&Actor::system(), "ada", PHRASE.to_owned().into()).await.unwrap();
        let request = ApiKeyRequest { name: "x".to_owned(), ..ApiKeyRequest::default() };
        let (key, text) = self.auth.create_api_key(&basic, request).await.unwrap();
        let (text, expires) = (text.expose().clone(), self.now + KEY);
        self.keys.push(Key { text, id: key.id, expires, over: false });
    }

    async fn disable(&mut self) {
        for active in [false, true] {
            let request = UserRequest { active: Some(active), ..UserRequest::default() };
            self.auth.change_user(&Actor::system(), self.user, request).await.unwrap();
        }
        self.end_all();
        self.keys.iter_mut().for_each(|key| key.over = true);
    }

    async fn done(&mut self, change: Deed) {
        let pick = |len: usize, which: usize| (len > 0).then(|| which % len);
        match change {
            Deed::LogIn(format) => self.log_in(format).await,
            Deed::Refresh(which, ago, scope) => {
                if let Some(which) = pick(self.lineages.len(), which) {
                    self.refresh(which, ago, scope).await;
                }
            }
            Deed::RefreshAtOnce(which) => {
                if let Some(which) = pick(self.lineages.len(), which) {
                    self.refresh_at_once(which).await;
                }
            }
            Deed::RevokeAccess(which) => {
                if let Some(which) = pick(self.access.len(), which) {
                    self.auth.revoke(&Actor::system(), &self.access[which].text).await.unwrap();
                    self.access[which].over = true;
                }
            }
            Deed::RevokeRefresh(which) => {
                if let Some(which) = pick(self.lineages.len(), which) {
                    self.auth
                        .revoke(&Actor::system(), &self.lineages[which].tokens[0])
                        .await
                        .unwrap();
                    self.lineages[which].over = true;
                }
            }
            Deed::MakeKey => self.make_key().await,
            Deed::RevokeKey(which) => {
                if let Some(which) = pick(self.keys.len(), which) {
                    self.auth.revoke(&Actor::system(), &self.keys[which].text).await.unwrap();
                    self.keys[which].over = true;
                }
            }
            Deed::DeleteKey(which) => {
                if let Some(which) = pick(self.keys.len(), which) {
                    self.auth
                        .delete_api_key(&Actor::system(), self.user, self.keys[which].id)
                        .await
                        .unwrap();
                    self.keys[which].over = true;
                }
            }
            Deed::RotateKey => drop(self.auth.rotate_key(&Actor::system()).await.unwrap()),
            Deed::RetireKeys => {
                for key in self.auth.keys().await.unwrap() {
                    self.auth.retire_key(&Actor::system(), &key.id).await.unwrap();
                }
                let signed = self.access.iter_mut().filter(|token| token.signed);
                signed.for_each(|token| token.over = true);
            }
            Deed::EndAll => {
                self.auth.end_sessions(&Actor::system(), self.user, None).await.unwrap();
                self.end_all();
            }
            Deed::Disable => self.disable().await,
            Deed::Restart => self.auth = start(&self.kept, &self.master, &self.clock).await,
            Deed::Sweep => self.auth.sweep().await,
            Deed::Wait(seconds) => {
                self.clock.advance(seconds);
                self.now += seconds;
            }
        }
    }

    /// Every token ever made, asked of both processes.
    async fn check(&mut self, after: Deed) {
        self.other.catch_up().await.unwrap();
        for token in &mut self.access {
            token.over |= self.now >= token.expires || self.lineages[token.lineage].over;
            for auth in [&self.auth, &self.other] {
                let accepted = auth.principal_of_token(&token.text).await.is_ok();
                assert_eq!(accepted, !token.over, "an access token, after {after:?}");
            }
        }
        for key in &mut self.keys {
            key.over |= self.now >= key.expires;
            for auth in [&self.auth, &self.other] {
                let accepted = auth.principal_of_api_key(&key.text).await.is_ok();
                assert_eq!(accepted, !key.over, "an API key, after {after:?}");
            }
        }
        let live: BTreeSet<SessionId> = (0..self.lineages.len())
            .filter(|which| !self.is_over(*which))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|which| self.lineages[which].session)
            .collect();
        let found = self.auth.sessions(self.user).await.unwrap();
        assert_eq!(found.iter().map(|session| session.id).collect::<BTreeSet<_>>(), live);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_ended_stays_so_and_what_was_not_lives(
        // A file costs a second or so, and shows what only a restart from disk can.
        place in prop_oneof![3 => Just(Place::Memory), 1 => Just(Place::File)],
        deeds in deeds(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::new(place).await;
            for change in deeds {
                world.done(change).await;
                world.check(change).await;
            }
        });
    }
}
