//! A log that was tampered with is found out; no secret is in it; nothing is dropped in silence.

use super::{Action, Event};
use crate::auth::{Actor, AuditFilter, AuditRecord, Auth, Database, NewAccount, UserRequest};
use crate::testing::FixedClock;
use crate::types::{PageRequest, Role, RoleRecord, Subject};

async fn rows(auth: &Auth) -> Vec<AuditRecord> {
    auth.flush().await;
    let links = auth.audit_chain(0, u32::MAX).await.unwrap();
    links.into_iter().map(|link| link.record.unwrap()).collect()
}

fn memory() -> crate::auth::AuthBuilder {
    crate::testing::auth(&FixedClock::at("2026-01-01T00:00:00Z"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_leave_no_gap() {
    let auth = memory().start().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let auth = auth.clone();
        tasks.spawn(async move {
            let event = Event::new(&Actor::command_line(), Action::Login).count("number", number);
            auth.record(event).await;
        });
    }
    tasks.join_all().await;
    let rows = rows(&auth).await;
    let places: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(places, (1..=1001).collect::<Vec<_>>());
    let verdict = auth.verify_audit(None).await.unwrap();
    assert_eq!((verdict.rows, verdict.fault), (1001, None));
}

#[tokio::test]
async fn what_does_not_fit_is_counted_in_the_log_itself() {
    let auth = memory().start().await.unwrap();
    // No other task runs before the first wait: the queue fills up.
    // Each from an address of its own: what one repeats is counted sooner.
    for number in 0..10_000_u32 {
        let stranger = Actor::nobody(Some(std::net::Ipv4Addr::from(number).into()), None);
        auth.note(Event::new(&stranger, Action::LoginFailed));
    }
    let rows = rows(&auth).await;
    let of = |name: &str| rows.iter().filter(|row| row.entry.action == name).collect::<Vec<_>>();
    let (noted, dropped) = (of("login.failed").len() as u64, of("audit.dropped"));
    let counted: u64 = dropped
        .iter()
        .map(|row| serde_json::from_str::<serde_json::Value>(&row.entry.details).unwrap())
        .map(|details| details["rows"].as_u64().unwrap())
        .sum();
    assert!(!dropped.is_empty());
    assert_eq!(noted + counted, 10_000);
}

#[tokio::test]
async fn it_says_who_did_what_to_whom_and_holds_no_secret() {
    let auth = memory().start().await.unwrap();
    let (first, second) = ("a first phrase of words", "another phrase of words");
    let actor = Actor::command_line();
    auth.add_role(&actor, RoleRecord::new("editor")).await.unwrap();
    let account = NewAccount::new("ada", first);
    let ada = auth.add_user(&actor, account, true, &[Role::from("editor")]).await.unwrap();
    let caller = crate::auth::Caller::default();
    let signed = auth.sign_in(&caller.actor(), "ada", first.to_owned().into()).await.unwrap();
    let scopes = crate::types::Scopes::All;
    let tokens = auth.begin_tokens(&signed, scopes.clone(), None, caller.clone()).await.unwrap();
    let again = auth
        .refresh(&caller.actor(), tokens.refresh.as_ref().unwrap().expose(), None, None)
        .await
        .unwrap();
    let (_, cookie) = auth.begin_cookie(&signed, caller.clone()).await.unwrap();
    // People type a password where the name belongs.
    assert!(auth.sign_in(&caller.actor(), second, first.to_owned().into()).await.is_err());
    assert!(auth.sign_in(&caller.actor(), "ada", second.to_owned().into()).await.is_err());
    let request = UserRequest {
        password: Some(second.to_owned().into()),
        active: Some(false),
        ..UserRequest::default()
    };
    auth.change_user(&actor, ada.id, request).await.unwrap();
    auth.unassign_role(&actor, Subject::User(ada.id), "editor".into()).await.unwrap();
    auth.delete_user(&actor, ada.id).await.unwrap();
    let key = auth.rotate_key(&actor).await.unwrap();
    auth.retire_key(&actor, &key.id).await.unwrap();

    let rows = rows(&auth).await;
    let actions: Vec<&str> = rows.iter().map(|row| &*row.entry.action).collect();
    for action in [
        "audit.begun",
        "role.created",
        "user.created",
        "login",
        "login.failed",
        "user.disabled",
        "password.reset",
        "role.unassigned",
        "user.deleted",
        "key.rotated",
        "key.retired",
    ] {
        assert!(actions.contains(&action), "{action} is not among {actions:?}");
    }
    let gone = rows.iter().find(|row| row.entry.action == "user.deleted").unwrap();
    assert_eq!(gone.entry.actor.kind, "command line");
    let subject = gone.entry.subject.as_ref().unwrap();
    assert_eq!((&*subject.id, &*subject.name), (&*ada.id.to_string(), "ada"));
    let text = format!("{rows:?}");
    for secret in [
        first,
        second,
        tokens.access.expose(),
        tokens.refresh.as_ref().unwrap().expose(),
        again.access.expose(),
        again.refresh.as_ref().unwrap().expose(),
        cookie.expose(),
    ] {
        assert!(!text.contains(secret), "a secret is in the log");
    }
    assert!(!text.contains("$argon2"), "a hash is in the log");
}

#[tokio::test]
async fn a_change_that_is_refused_is_noted_as_a_failure() {
    let auth = memory().start().await.unwrap();
    let actor = Actor::command_line();
    auth.add_role(&actor, RoleRecord::new("editor")).await.unwrap();
    assert!(auth.add_role(&actor, RoleRecord::new("editor")).await.is_err());
    let filter = AuditFilter {
        outcome: Some(crate::auth::AuditOutcome::Failure),
        action: Some("role.*".to_owned()),
        ..AuditFilter::default()
    };
    let page = auth.audit(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].entry.subject.as_ref().unwrap().id, "editor");
}

#[tokio::test]
async fn an_older_state_is_found_by_what_was_noted_elsewhere() {
    let auth = memory().start().await.unwrap();
    let verdict = auth.verify_audit(None).await.unwrap();
    let mut other = verdict.hash;
    other[0] ^= 1;
    for (anchor, good) in
        [((1, verdict.hash), true), ((1, other), false), ((2, verdict.hash), false)]
    {
        let verdict = auth.verify_audit(Some(anchor)).await.unwrap();
        assert_eq!(verdict.fault.is_none(), good, "{anchor:?}");
    }
}

#[tokio::test]
async fn an_empty_log_is_no_whole_one() {
    let empty = Database::in_memory();
    empty.migrate().await.unwrap();
    let auth = memory().start().await.unwrap();
    let seal = auth.0.recorder.seal();
    let verdict = super::verify::verify(&empty, seal, None).await.unwrap();
    assert_eq!(verdict.fault, Some(super::AuditFault::Empty));
}

mod tampering {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use sqlx::{Connection, SqliteConnection};
    use tempfile::TempDir;

    use super::super::{Action, AuditFault, AuditVerdict, Event};
    use crate::auth::{Actor, AuditTarget, Auth, Database};
    use crate::clock::Sources;
    use crate::crypto::{MasterSecret, PasswordSettings};

    /// How many rows a sample log has.
    const ROWS: u64 = 6;
    /// What somebody with the file does first.
    const OPEN: &str = "DROP TRIGGER audit_refuses_update; DROP TRIGGER audit_refuses_delete;
        DROP TRIGGER audit_refuses_replace; DROP TRIGGER audit_head_refuses_delete;
        DROP TRIGGER audit_head_refuses_replace; DROP TRIGGER audit_head_goes_on;";

    struct Log {
        auth: Auth,
        folder: TempDir,
    }

    async fn log() -> Log {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/x.db", folder.path().display());
        let store = Database::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        let builder = Auth::builder(store, master);
        let auth = builder.passwords(PasswordSettings::cheap()).start().await.unwrap();
        let log = Log { auth, folder };
        for number in 2..=ROWS {
            log.add(number).await;
        }
        log
    }

    impl Log {
        async fn add(&self, number: u64) {
            let event = Event::new(&Actor::command_line(), Action::RoleAssigned);
            let event = event.on(AuditTarget::new("user", number, "ada")).detail("role", "editor");
            self.auth.record(event).await;
        }

        async fn sql(&self, text: &str) -> Result<(), sqlx::Error> {
            let url = format!("sqlite://{}/x.db", self.folder.path().display());
            let mut shell = SqliteConnection::connect(&url).await.unwrap();
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(&mut shell);
            done.await.map(drop)
        }

        async fn verify(&self) -> AuditVerdict {
            self.auth.verify_audit(None).await.unwrap()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_engine_itself_refuses_to_change_it() {
        let log = log().await;
        for text in [
            "UPDATE audit SET actor_name = 'x' WHERE seq = 2",
            "DELETE FROM audit WHERE seq = 2",
            "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
            "UPDATE audit_head SET seq = 1",
            "DELETE FROM audit_head",
            "INSERT OR REPLACE INTO audit_head SELECT * FROM audit_head",
        ] {
            let error = log.sql(text).await.unwrap_err().to_string();
            assert!(error.contains("the audit log only grows"), "{text}: {error}");
        }
        let verdict = log.verify().await;
        assert_eq!((verdict.rows, verdict.fault), (ROWS, None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_kind_of_tampering_is_found_and_its_row_named() {
        for (change, fault) in [
            ("UPDATE audit SET actor_name = 'x' WHERE seq = 3", AuditFault::Changed(3)),
            ("UPDATE audit SET details = 'no json' WHERE seq = 3", AuditFault::Changed(3)),
            ("DELETE FROM audit WHERE seq = 4", AuditFault::Missing(4)),
            ("DELETE FROM audit WHERE seq = 1", AuditFault::Missing(1)),
            // Two rows change places.
            (
                "UPDATE audit SET seq = 100 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 5;
                UPDATE audit SET seq = 5 WHERE seq = 100",
                AuditFault::Changed(2),
            ),
            // One is put in, and the ones behind it make room.
            (
                "UPDATE audit SET seq = -seq WHERE seq >= 3; UPDATE audit SET seq = 1 - seq WHERE seq < 0;
                INSERT INTO audit SELECT 3, at, action, outcome, actor_kind, actor_id, actor_name,
                    subject_kind, subject_id, subject_name, address, request_id, details, hash
                FROM audit WHERE seq = 2",
                AuditFault::Changed(3),
            ),
            ("DELETE FROM audit WHERE seq > 4", AuditFault::Missing(5)),
            (
                "DELETE FROM audit WHERE seq > 4; UPDATE audit_head SET seq = 4, hash =
                    (SELECT hash FROM audit WHERE seq = 4)",
                AuditFault::Unsealed(4),
            ),
            ("UPDATE audit_head SET seal = zeroblob(32)", AuditFault::Unsealed(ROWS)),
            ("DELETE FROM audit_head", AuditFault::Unsealed(ROWS)),
            ("DELETE FROM audit; DELETE FROM audit_head", AuditFault::Empty),
        ] {
            let log = log().await;
            log.sql(&format!("{OPEN} {change}")).await.unwrap();
            assert_eq!(log.verify().await.fault, Some(fault), "{change}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_was_emptied_does_not_begin_anew_in_silence() {
        const EMPTY: &str = "DELETE FROM audit; DELETE FROM audit_head";
        // While the server runs.
        let log = log().await;
        log.sql(&format!("{OPEN} {EMPTY}")).await.unwrap();
        log.add(2).await;
        assert_eq!(log.verify().await.fault, Some(AuditFault::Broken(1)));
        // Before it is started again.
        log.sql(EMPTY).await.unwrap();
        let url = format!("sqlite://{}/x.db", log.folder.path().display());
        let store = Database::connect(&url).await.unwrap();
        let builder = Auth::builder(store, log.auth.0.master.clone());
        let again = builder.passwords(PasswordSettings::cheap()).start().await.unwrap();
        let verdict = again.verify_audit(None).await.unwrap();
        assert_eq!(verdict.fault, Some(AuditFault::Broken(1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_written_after_does_not_cover_it_up() {
        for change in [
            "DELETE FROM audit WHERE seq > 4",
            "DELETE FROM audit WHERE seq > 4; UPDATE audit_head SET seq = 4, hash =
                (SELECT hash FROM audit WHERE seq = 4)",
            "UPDATE audit_head SET seq = 3",
            "DELETE FROM audit_head",
        ] {
            let log = log().await;
            log.sql(&format!("{OPEN} {change}")).await.unwrap();
            log.add(7).await;
            log.add(8).await;
            let verdict = log.verify().await;
            assert!(verdict.fault.is_some_and(|fault| fault.row() >= 4), "{change}: {verdict:?}");
        }
    }

    #[test]
    fn no_value_of_a_row_can_be_changed() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let columns = prop::sample::select(vec![
            "action",
            "actor_kind",
            "actor_id",
            "actor_name",
            "subject_kind",
            "subject_id",
            "subject_name",
            "details",
            "address",
            "request_id",
        ]);
        let strategy = (1..=ROWS, columns, "[a-z]{1,8}-");
        let mut runner = TestRunner::new(ProptestConfig::with_cases(16));
        let run = runner.run(&strategy, |(row, column, value)| {
            runtime.block_on(async {
                let log = log().await;
                // Also where there was nothing: the three of a subject only go together.
                let set = if column.starts_with("subject") {
                    format!("subject_kind = '{value}', subject_id = 'x', subject_name = ''")
                } else {
                    format!("{column} = '{value}'")
                };
                log.sql(&format!("{OPEN} UPDATE audit SET {set} WHERE seq = {row}")).await.unwrap();
                assert_eq!(log.verify().await.fault, Some(AuditFault::Changed(row)), "{set}");
            });
            Ok(())
        });
        run.unwrap();
    }
}
