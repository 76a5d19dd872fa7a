//! Archives of the audit log, and a log whose master secret was lost (faults §8, last row; §15, row 5).

use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::PASSWORD;
use crate::auth::{
    Actor, ArchiveFault, ArchiveReader, AuditArchive, AuditFault, AuditFilter, Auth, Caller,
    Database, NewAccount,
};
use crate::clock::Sources;
use crate::crypto::{MasterSecret, PasswordSettings};
use crate::problem::ProblemKind;
use crate::types::{PageRequest, RoleRecord, Scopes};

struct Kept {
    folder: TempDir,
    master: MasterSecret,
}

impl Kept {
    fn new() -> Self {
        let master = MasterSecret::generate(&Sources::system()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), master }
    }

    fn url(&self) -> String {
        format!("sqlite://{}/x.db", self.folder.path().display())
    }

    async fn start(&self) -> Auth {
        let store = Database::connect(&self.url()).await.unwrap();
        store.migrate().await.unwrap();
        let builder = Auth::builder(store, self.master.clone());
        builder.passwords(PasswordSettings::cheap()).start().await.unwrap()
    }

    async fn sql(&self, text: &'static str) -> Result<(), sqlx::Error> {
        let mut shell = SqliteConnection::connect(&self.url()).await.unwrap();
        sqlx::raw_sql(text).execute(&mut shell).await.map(drop)
    }
}

async fn add_rows(auth: &Auth, prefix: &str, number: usize) {
    for one in 0..number {
        let role = RoleRecord::new(format!("{prefix}{one}"));
        auth.add_role(&Actor::command_line(), role).await.unwrap();
    }
}

/// The lines of an archive of the rows up to `until`.
async fn lines(auth: &Auth, until: u64) -> (Vec<String>, AuditArchive) {
    let mut writer = auth.begin_archive().await.unwrap();
    let mut lines = vec![writer.first_line().unwrap()];
    let (after, _) = auth.archived().await.unwrap();
    for link in auth.audit_chain(after, 1000).await.unwrap() {
        if link.seq <= until {
            lines.push(writer.row(&link.record.unwrap()).unwrap());
        }
    }
    let (last, archive) = writer.finish(auth).unwrap();
    lines.push(last);
    (lines, archive)
}

fn read(auth: &Auth, lines: &[String]) -> Result<AuditArchive, ArchiveFault> {
    let mut reader = ArchiveReader::new();
    for line in lines {
        reader.line(line.trim_end())?;
    }
    reader.finish(auth)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_on_behind_its_archive_and_both_are_verified() {
    let kept = Kept::new();
    let auth = kept.start().await;
    add_rows(&auth, "first", 8).await;
    let before = auth.verify_audit(None).await.unwrap();
    let (file, archive) = lines(&auth, 6).await;
    assert_eq!(read(&auth, &file).unwrap(), archive);
    assert_eq!(auth.cut_audit(&Actor::command_line(), archive.clone()).await.unwrap(), 6);

    let verdict = auth.verify_audit(None).await.unwrap();
    assert_eq!((verdict.fault, verdict.archived), (None, 6));
    assert_eq!(verdict.rows, before.rows + 1, "the archiving is noted");
    let kept_elsewhere = auth.verify_audit(Some((before.rows, before.hash))).await.unwrap();
    assert_eq!(kept_elsewhere.fault, None, "what was noted before still tells");
    let too_old = auth.verify_audit(Some((3, before.hash))).await.unwrap();
    assert_eq!(too_old.fault, Some(AuditFault::Archived(3)));
    let at_the_cut = auth.verify_audit(Some((6, before.hash))).await.unwrap();
    assert_eq!(at_the_cut.fault, Some(AuditFault::Anchor(6)));
    let page = auth.audit(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(page.items[0].entry.action, "audit.archived");
    assert!(page.items.iter().all(|row| row.seq > 6));

    // The same again does nothing, and the next archive goes on where this one ends.
    let again = auth.cut_audit(&Actor::command_line(), archive.clone()).await.unwrap_err();
    assert_eq!(again.kind(), ProblemKind::Conflict);
    add_rows(&auth, "second", 3).await;
    let (_, next) = lines(&auth, u64::MAX).await;
    assert_eq!((next.first - 1, next.previous), (archive.last, archive.hash));
    auth.cut_audit(&Actor::command_line(), next).await.unwrap();
    // A start in between changes nothing.
    let auth = kept.start().await;
    add_rows(&auth, "third", 2).await;
    assert_eq!(auth.verify_audit(None).await.unwrap().fault, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_was_changed_is_found() {
    let kept = Kept::new();
    let auth = kept.start().await;
    add_rows(&auth, "role", 4).await;
    let (file, _) = lines(&auth, u64::MAX).await;
    for (number, line) in file.iter().enumerate() {
        let mut without = file.clone();
        without.remove(number);
        assert!(read(&auth, &without).is_err(), "line {number} was taken out");
        for (from, to) in [("role", "rule"), ("\"first\":1", "\"first\":2"), ("1", "2")] {
            let changed = line.replacen(from, to, 1);
            if changed != *line {
                let mut file = file.clone();
                file[number] = changed;
                assert!(read(&auth, &file).is_err(), "line {number}: {from} to {to}");
            }
        }
    }
    let mut swapped = file.clone();
    swapped.swap(1, 2);
    assert!(read(&auth, &swapped).is_err());
    let other = Kept::new().start().await;
    assert_eq!(read(&other, &file), Err(ArchiveFault::Unsealed), "another secret");
    assert_eq!(read(&auth, &file[..file.len() - 1]), Err(ArchiveFault::CutOff));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_cuts_the_log_but_with_the_master_secret() {
    let kept = Kept::new();
    let auth = kept.start().await;
    add_rows(&auth, "role", 6).await;
    let (_, archive) = lines(&auth, 4).await;
    let mut forged = archive.clone();
    forged.last = 5;
    let refused = auth.cut_audit(&Actor::command_line(), forged).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Conflict);
    let nobody = auth.cut_audit(&Actor::nobody(None, None), archive.clone()).await.unwrap_err();
    assert_eq!(nobody.status().as_u16(), 401);
    auth.cut_audit(&Actor::command_line(), archive).await.unwrap();
    for refused in [
        "DELETE FROM audit WHERE seq = 5",
        "DELETE FROM audit_base",
        "UPDATE audit_base SET seq = 3",
        "UPDATE audit_base SET hash = zeroblob(32)",
    ] {
        let error = kept.sql(refused).await.unwrap_err().to_string();
        assert!(error.contains("the audit log only grows"), "{refused}: {error}");
    }
    kept.sql(
        "UPDATE audit_base SET seq = 5, hash = (SELECT hash FROM audit WHERE seq = 5);
        DELETE FROM audit WHERE seq = 5",
    )
    .await
    .unwrap();
    let fault = auth.verify_audit(None).await.unwrap().fault;
    assert_eq!(fault, Some(AuditFault::Unsealed(5)), "cut by a shell");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_cut_left_is_swept() {
    let kept = Kept::new();
    let auth = kept.start().await;
    add_rows(&auth, "role", 6).await;
    // The cut itself is the first transaction, and the deletion the next one.
    kept.sql("CREATE TRIGGER stuck BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .await
        .unwrap();
    let (_, archive) = lines(&auth, 4).await;
    assert_eq!(auth.cut_audit(&Actor::command_line(), archive).await.unwrap(), 0);
    assert_eq!(auth.verify_audit(None).await.unwrap().fault, None);
    kept.sql("DROP TRIGGER stuck").await.unwrap();
    auth.sweep().await;
    let verdict = auth.verify_audit(None).await.unwrap();
    assert_eq!((verdict.fault, verdict.archived), (None, 4));
    let page = auth.audit(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    assert!(page.items.iter().all(|row| row.seq > 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_is_replaced_and_the_log_says_so() {
    let mut kept = Kept::new();
    let auth = kept.start().await;
    let account = NewAccount::new("ann", PASSWORD);
    auth.add_user(&Actor::system(), account, true, &[]).await.unwrap();
    add_rows(&auth, "role", 3).await;
    let (_, archive) = lines(&auth, 2).await;
    auth.cut_audit(&Actor::command_line(), archive).await.unwrap();
    let caller = Caller::default();
    let sign_in = async |auth: &Auth| {
        auth.sign_in(&caller.actor(), "ann", PASSWORD.to_owned().into()).await.unwrap()
    };
    let signed = sign_in(&auth).await;
    let issued = auth.begin_tokens(&signed, Scopes::All, None, caller.clone()).await.unwrap();

    // The right secret replaces nothing.
    let store = Database::connect(&kept.url()).await.unwrap();
    let builder = Auth::builder(store, kept.master.clone()).replace_lost_secret();
    assert!(builder.passwords(PasswordSettings::cheap()).start().await.is_err());
    assert!(auth.principal_of_token(issued.access.expose()).await.is_ok());

    kept.master = MasterSecret::generate(&Sources::system()).unwrap();
    let another = || async {
        let store = Database::connect(&kept.url()).await.unwrap();
        Auth::builder(store, kept.master.clone()).passwords(PasswordSettings::cheap())
    };
    let refused = another().await.start().await.unwrap_err().to_string();
    assert!(refused.contains("replace-lost"), "{refused}");
    let auth = another().await.replace_lost_secret().start().await.unwrap();
    let verdict = auth.verify_audit(None).await.unwrap();
    assert_eq!((verdict.fault, verdict.archived), (None, 2));
    assert!(verdict.resealed.is_some_and(|row| row > 5), "{verdict:?}");
    assert!(auth.principal_of_token(issued.access.expose()).await.is_err());
    let refresh =
        auth.refresh(&caller.actor(), issued.refresh.as_ref().unwrap().expose(), None, None).await;
    assert!(refresh.is_err());
    // From here on all is as ever.
    let auth = another().await.start().await.unwrap();
    let signed = sign_in(&auth).await;
    let issued = auth.begin_tokens(&signed, Scopes::All, None, caller.clone()).await.unwrap();
    assert!(auth.principal_of_token(issued.access.expose()).await.is_ok());
    // Rows of before that are changed now are found: the new seal covers them.
    kept.sql("DROP TRIGGER audit_refuses_update; UPDATE audit SET actor_name = 'x' WHERE seq = 4")
        .await
        .unwrap();
    let fault = auth.verify_audit(None).await.unwrap().fault;
    assert_eq!(fault, Some(AuditFault::Changed(4)));
}
