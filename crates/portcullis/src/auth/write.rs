//! The one write path: judge, change, note, commit and forget, in one transaction and one task.
//!
//! Beside it write only the audit log's recorder (what strangers can cause at will), "last used", sweeps
//! and the probe of readiness.

use futures_util::future::BoxFuture;

use super::actor::Actor;
use super::audit::{self, Action, AuditTarget, Event};
use super::cache::SubjectAccess;
use super::db::{Change, Executor, Transaction};
use super::mail::Mail;
use super::throttle::EmailKind;
use super::{Auth, Inner, access, api_keys, sessions, tokens};
use crate::policy::Requirement;
use crate::problem::{Problem, ProblemKind};
use crate::types::{Principal, SessionId, Subject, Timestamp};

/// A change under way: its transaction, who makes it, and what follows from it.
#[derive(Debug)]
pub(in crate::auth) struct Write {
    auth: Auth,
    transaction: Transaction,
    actor: Actor,
    /// The actor as the transaction sees it; `None` where the process itself acts.
    judged: Option<Principal>,
    /// The moment of the change: one for all of its rows.
    pub(in crate::auth) now: Timestamp,
    events: Vec<Event>,
    attempt: Option<Event>,
    changes: Vec<Change>,
    mail: Vec<(EmailKind, Mail)>,
    /// Whether a permission allows the change: then it does not count as the actor's own.
    by_permission: bool,
}

impl<'d> From<&'d mut Write> for Executor<'d> {
    fn from(write: &'d mut Write) -> Self {
        Self::Transaction(&mut write.transaction)
    }
}

impl Auth {
    /// Runs a change in one transaction and a task of its own, so that a request that is cancelled
    /// leaves it whole. In this order: the transaction begins, the actor is judged again by what it
    /// reads, `change` judges and changes, the audit rows are appended, all of it is committed, memory
    /// forgets what the change names, and only then the answer goes out.
    ///
    /// Where `change` refuses, nothing of it stays. What an account changes of its own has a pace, for the
    /// account and for the address (`throttle.rs`); what a permission allows has none.
    ///
    /// # Errors
    /// What `change` refuses with; a 401 where the actor's credential does not count any more; a 429 where
    /// the account or the address made too many changes of its own; 503.
    pub(in crate::auth) async fn write<T, F>(&self, actor: &Actor, change: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: for<'w> FnOnce(&'w mut Write) -> BoxFuture<'w, Result<T, Problem>> + Send + 'static,
    {
        if actor.principal().is_some() {
            let account = actor.account();
            self.0.throttle.may_change(account.as_deref(), actor.address, &self.0.sources)?;
        }
        let (auth, actor) = (self.clone(), actor.clone());
        tokio::spawn(async move {
            let transaction = auth.0.db.begin_writing().await?;
            let mut write = Write {
                now: auth.now(),
                auth,
                transaction,
                actor,
                judged: None,
                events: Vec::new(),
                attempt: None,
                changes: Vec::new(),
                mail: Vec::new(),
                by_permission: false,
            };
            let outcome = match write.judge_actor().await {
                Ok(()) => change(&mut write).await,
                Err(problem) => Err(problem),
            };
            write.count_own();
            match outcome {
                Ok(value) => write.finish().await.map(|()| value),
                Err(problem) => {
                    write.abandon(&problem).await;
                    Err(problem)
                }
            }
        })
        .await
        .map_err(Problem::internal)?
    }
}

impl Write {
    /// The assembly that the change belongs to.
    pub(in crate::auth) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Who makes the change.
    pub(in crate::auth) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The transaction of the change.
    pub(in crate::auth) fn db(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// Reads the actor again: active, its credential alive, and what it may do as of this
    /// transaction.
    async fn judge_actor(&mut self) -> Result<(), Problem> {
        let Some(who) = self.actor.principal() else { return Ok(()) };
        let mut who = who.clone();
        if matches!(who.subject, Subject::User(_) | Subject::Client(_)) {
            let ended = || Problem::new(ProblemKind::InvalidCredential);
            let access = self.access_of(&who.subject).await?;
            let access = access.filter(|access| access.active).ok_or_else(ended)?;
            if !self.is_alive(&who, &access).await? {
                return Err(ended());
            }
            who.access = access.access;
        }
        self.judged = Some(who);
        Ok(())
    }

    /// Whether the credential that the principal came by still counts.
    async fn is_alive(&mut self, who: &Principal, access: &SubjectAccess) -> Result<bool, Problem> {
        let now = self.now;
        if let Some(session) = who.session {
            let session = sessions::sql::session(&mut self.transaction, session).await?;
            if !session.is_some_and(|session| session.is_live(now)) {
                return Ok(false);
            }
            return Ok(match who.token {
                Some(token) => !tokens::sql::is_revoked(&mut self.transaction, token).await?,
                None => true,
            });
        }
        // A client's own token says for which state of the client it was verified; an API key does not.
        if let (Some(token), Some(version)) = (who.token, who.credential_version) {
            let revoked = tokens::sql::is_revoked(&mut self.transaction, token).await?;
            return Ok(version == access.epoch && !revoked);
        }
        if let Some(key) = who.token {
            return Ok(api_keys::sql::is_live(&mut self.transaction, key, now).await?);
        }
        Ok(who.credential_version.is_none_or(|version| version == access.epoch))
    }

    /// What a subject holds as of this transaction; `None` where it is not there.
    pub(in crate::auth) async fn access_of(
        &mut self,
        subject: &Subject,
    ) -> Result<Option<SubjectAccess>, Problem> {
        let Some(stored) = access::sql::stored_access(&mut self.transaction, subject).await? else {
            return Ok(None);
        };
        let roles = self.auth.0.cache.roles_in(&mut self.transaction).await?;
        Ok(Some(self.auth.0.cache.unfold(stored, &roles)))
    }

    /// Requires that the actor meets this now. The process itself may do anything.
    ///
    /// # Errors
    /// A 401 for nobody, a 403 that names what is missing.
    pub(in crate::auth) fn require(&mut self, requirement: Requirement) -> Result<(), Problem> {
        let Some(who) = &self.judged else { return Ok(()) };
        let is_permission = requirement.is_permission();
        who.must(requirement)?;
        self.by_permission |= is_permission;
        Ok(())
    }

    /// Counts the change for the account and the address of its actor, where it is their own: done or
    /// refused, it took the writer's turn.
    fn count_own(&self) {
        if self.actor.principal().is_some() && !self.by_permission {
            let account = self.actor.account();
            let Inner { throttle, sources, .. } = &*self.auth.0;
            throttle.changed(account.as_deref(), self.actor.address, sources);
        }
    }

    /// The actor as the transaction sees it; `None` where the process itself acts.
    pub(in crate::auth) fn judged(&self) -> Option<&Principal> {
        self.judged.as_ref()
    }

    /// Begins an audit row by this actor.
    pub(in crate::auth) fn event(&self, action: Action) -> Event {
        Event::new(&self.actor, action)
    }

    /// Says what the change is noted as: as done where it is done, as refused where it meets a
    /// conflict.
    pub(in crate::auth) fn attempt(&mut self, event: Event) {
        self.attempt = Some(event);
    }

    /// Says that what was attempted is noted by its parts instead.
    pub(in crate::auth) fn done(&mut self) {
        self.attempt = None;
    }

    /// Adds an audit row. It is written where the change is.
    pub(in crate::auth) fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Says what memory must forget once the change counts.
    pub(in crate::auth) fn forget(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Says that these sessions end with the change.
    pub(in crate::auth) fn forget_sessions(&mut self, ended: &[SessionId]) {
        let now = self.now;
        self.changes.extend(ended.iter().map(|id| Change::SessionEnded(*id, now)));
    }

    /// Sends an e-mail once the change counts.
    pub(in crate::auth) fn send(&mut self, kind: EmailKind, mail: Mail) {
        self.mail.push((kind, mail));
    }

    /// A subject by the name it has in this transaction.
    pub(in crate::auth) async fn target(
        &mut self,
        subject: &Subject,
    ) -> Result<AuditTarget, Problem> {
        let name = access::sql::name_of(&mut self.transaction, subject).await?;
        Ok(AuditTarget::subject(subject, name.unwrap_or_default()))
    }

    /// Appends the audit rows, commits, and lets memory forget.
    async fn finish(mut self) -> Result<(), Problem> {
        self.events.extend(self.attempt.take());
        let now = self.now;
        let rows: Vec<_> = self.events.drain(..).map(|event| event.at(now)).collect();
        let seal = self.auth.0.recorder.seal();
        if let Err(error) = audit::sql::append(&mut self.transaction, &rows, seal).await {
            self.transaction.roll_back().await;
            return Err(error.into());
        }
        // From here on until memory has forgotten, the database is asked instead.
        let guard = self.auth.0.cache.begin_change(&self.changes);
        let committed = self.transaction.commit().await;
        let in_doubt = match committed {
            Ok(()) => self.auth.take_over(&self.changes).await.err(),
            Err(error) => {
                self.auth.recover(guard);
                return Err(error.into());
            }
        };
        match in_doubt {
            None => drop(guard),
            Some(problem) => {
                tracing::warn!(%problem, "a change was made and memory could not be brought up to it");
                self.auth.recover(guard);
            }
        }
        for (kind, mail) in self.mail {
            self.auth.send(kind, mail);
        }
        Ok(())
    }

    /// Takes everything back, and notes what was refused because of a conflict.
    async fn abandon(self, problem: &Problem) {
        self.transaction.roll_back().await;
        if problem.kind() == ProblemKind::Conflict
            && let Some(event) = self.attempt.map(Event::failed)
            && self.auth.0.recorder.admits(&event)
        {
            self.auth.record(event).await;
        }
    }
}
