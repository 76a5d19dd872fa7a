//! Another master secret in the place of one that was lost.

use super::audit::{Action, AuditTarget};
use super::db::Change;
use super::{Actor, Auth, audit, keys, sessions};
use crate::problem::{Problem, ProblemKind};

impl Auth {
    /// Gives up what the lost secret kept: its signing keys are deleted, every session ends (the
    /// successors of refresh tokens were made with it), and the audit log is sealed anew from a row on
    /// that says so. Passwords, API keys, roles and grants stay.
    pub(super) async fn replace_lost_secret(&self) -> Result<(), Problem> {
        let lost = self.0.db.keys_under_another_secret(&self.0.master, self.now()).await?;
        let seal = self.0.recorder.seal().clone();
        if lost.is_empty() && audit::sql::is_sealed_by(&self.0.db, &seal).await? {
            return Err(Problem::new(ProblemKind::Conflict)
                .detail("The master secret opens this database: nothing was replaced."));
        }
        self.write(&Actor::command_line(), move |write| {
            Box::pin(async move {
                let now = write.now;
                let event = write.event(Action::AuditResealed).count("keys", lost.len() as u64);
                // Before anything else is noted: what is added to an end that does not count says that it
                // was tampered with.
                audit::sql::reseal(write.db(), &event.at(now), &seal).await?;
                for id in &lost {
                    keys::sql::delete(write.db(), id).await?;
                    let event = write.event(Action::KeyRetired).on(AuditTarget::key(id));
                    write.note(event);
                }
                let ended = sessions::sql::end_everyones(write.db(), now).await?;
                let event = write.event(Action::SessionEnded).count("sessions", ended);
                write.note(event);
                write.forget(Change::Everything);
                Ok(())
            })
        })
        .await
    }
}
