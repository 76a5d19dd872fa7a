//! Asks what a requirement leaves to be asked, before it is judged.

use futures_util::future::join_all;

use crate::policy::{Ask, Decision, Missing, QuestionTerm, Requirement};
use crate::problem::{Problem, ProblemKind};
use crate::types::{Answers, Principal};

/// Judges a requirement, once its questions have been answered. The answers stay with the principal.
///
/// # Errors
/// A 503 where the decision hangs on a question that could not be answered.
pub(super) async fn judge(what: &Requirement, who: &mut Principal) -> Result<Decision, Problem> {
    let questions = what.questions();
    if questions.is_empty() || who.is_guest() {
        return Ok(what.check(who));
    }
    let all = |holds: bool| {
        let answers = questions.iter().map(|one| (one.number(), Some(holds)));
        let mut supposed = who.clone();
        supposed.context.answers = Answers::new(answers.collect());
        what.check(&supposed)
    };
    let (best, worst) = (all(true), all(false));
    // Whatever they say, it comes to the same: nobody is asked.
    if !passes(&best) || best == worst {
        return Ok(best);
    }
    if worst == Decision::Permit {
        return Ok(worst);
    }
    let answers = join_all(questions.iter().map(|one| answer(one, who))).await;
    let known = answers.iter().all(|(_, answer)| answer.is_some());
    let supposed = answers.iter().map(|(number, answer)| (*number, answer.or(Some(true))));
    let supposed = Answers::new(supposed.collect());
    who.context.answers = Answers::new(answers);
    let decision = what.check(who);
    if known || passes(&decision) {
        return Ok(decision);
    }
    // What could not be answered is refused; where it alone stands in the way, not for good.
    let mut hopeful = who.clone();
    hopeful.context.answers = supposed;
    if passes(&what.check(&hopeful)) {
        return Err(Problem::new(ProblemKind::Unavailable).retry_after(1));
    }
    Ok(decision)
}

fn passes(decision: &Decision) -> bool {
    matches!(decision, Decision::Permit | Decision::Defer)
}

/// The answer to one question: kept, or asked for now. `None` where there is none in time.
async fn answer(term: &QuestionTerm, who: &Principal) -> (usize, Option<bool>) {
    let (question, now) = (term.question(), who.context.now);
    let key = question.key(who);
    let kept = key.as_deref().and_then(|key| term.kept(key, now));
    if kept.is_some() {
        return (term.number(), kept);
    }
    let answer = match tokio::time::timeout(question.patience(), question.ask(who)).await {
        Ok(Ok(holds)) => Some(holds),
        Ok(Err(error)) => {
            tracing::warn!(question = %question.explain(), %error, "a question was not answered");
            None
        }
        Err(_) => {
            tracing::warn!(question = %question.explain(), "a question was not answered in time");
            None
        }
    };
    if let (Some(key), Some(holds)) = (key, answer) {
        term.keep(key, holds, now);
    }
    (term.number(), answer)
}

impl Principal {
    /// As [`must`](Self::must), for a requirement with questions
    /// ([`when_asked`](crate::policy::when_asked)), which are asked now.
    ///
    /// # Errors
    /// As [`must`](Self::must); a 503 where a question that decides could not be answered.
    pub async fn must_asking(&self, what: Requirement) -> Result<(), Problem> {
        self.context.asked.note();
        let mut who = self.clone();
        match judge(&what, &mut who).await? {
            Decision::Permit => Ok(()),
            Decision::Challenge(Ask::SignIn) => Err(ProblemKind::Unauthenticated.into()),
            Decision::Challenge(Ask::StepUp(_)) => Err(ProblemKind::StepUp.into()),
            Decision::Forbid(missing) => Err(missing.into_problem()),
            Decision::Defer => {
                Err(Missing { terms: vec![what.to_string()], ..Missing::default() }.into_problem())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use jiff::SignedDuration;

    use super::*;
    use crate::policy::{Question, owner, permission, when_asked};
    use crate::problem::BoxError;
    use crate::types::{Subject, Timestamp, UserId};

    /// What the world says.
    #[derive(Clone, Copy, Debug)]
    enum World {
        Yes,
        No,
        Broken,
        Silent,
    }

    #[derive(Debug)]
    struct Paid {
        world: World,
        kept_for: Duration,
        asked: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl Question for Paid {
        fn explain(&self) -> Cow<'static, str> {
            "while it is paid".into()
        }

        async fn ask(&self, _: &Principal) -> Result<bool, BoxError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match self.world {
                World::Yes => Ok(true),
                World::No => Ok(false),
                World::Broken => Err("broken".into()),
                World::Silent => std::future::pending().await,
            }
        }

        fn key(&self, who: &Principal) -> Option<String> {
            Some(who.subject.to_string())
        }

        fn kept_for(&self) -> Duration {
            self.kept_for
        }

        fn patience(&self) -> Duration {
            Duration::from_millis(20)
        }
    }

    fn paid(world: World, kept_for: u64) -> (Requirement, Arc<AtomicUsize>) {
        let asked = Arc::<AtomicUsize>::default();
        let kept_for = Duration::from_secs(kept_for);
        (when_asked(Paid { world, kept_for, asked: Arc::clone(&asked) }), asked)
    }

    fn user(number: u128) -> Principal {
        let mut who = Principal::new(Subject::User(UserId(uuid::Uuid::from_u128(number))), "ann");
        who.context.now = Timestamp::from_second(1_000_000).unwrap();
        who.with_permissions(["read"])
    }

    async fn judged(what: &Requirement, mut who: Principal) -> Result<Decision, u16> {
        judge(what, &mut who).await.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn what_cannot_be_answered_is_never_let_through() {
        for (world, expected) in [
            (World::Yes, Ok(true)),
            (World::No, Ok(false)),
            (World::Broken, Err(503)),
            (World::Silent, Err(503)),
        ] {
            let (question, _) = paid(world, 0);
            let alone = judged(&question, user(1)).await;
            assert_eq!(alone.map(|one| one == Decision::Permit), expected, "{world:?}");
            let both = judged(&(permission("read") & question.clone()), user(1)).await;
            assert_eq!(both.map(|one| one == Decision::Permit), expected, "{world:?}");
            // Unless somebody asks it, it does not hold.
            assert!(user(1).must(question.clone()).is_err());
            let asked = user(1).must_asking(question).await;
            let expected = expected.map_or(503, |holds| if holds { 200 } else { 403 });
            assert_eq!(asked.map_or_else(|one| one.status().as_u16(), |()| 200), expected);
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_where_the_answer_decides_nothing() {
        let (question, asked) = paid(World::Broken, 0);
        let either = permission("read") | question.clone();
        assert_eq!(judged(&either, user(1)).await, Ok(Decision::Permit));
        let lacking = permission("write") & question.clone();
        assert!(matches!(judged(&lacking, user(1)).await, Ok(Decision::Forbid(_))));
        let guest = judged(&question, Principal::guest()).await;
        assert_eq!(guest, Ok(Decision::Challenge(Ask::SignIn)));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert_eq!(judged(&(owner("note") & question), user(1)).await, Err(503));
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_its_key_and_its_time() {
        let (question, asked) = paid(World::Yes, 30);
        let at = |seconds: i64, number| {
            let mut who = user(number);
            who.context.now += SignedDuration::from_secs(seconds);
            who
        };
        for (seconds, number, expected) in
            [(0, 1, 1), (29, 1, 1), (0, 2, 2), (30, 1, 3), (-1, 1, 4), (-1, 2, 5)]
        {
            assert_eq!(judged(&question, at(seconds, number)).await, Ok(Decision::Permit));
            assert_eq!(asked.load(Ordering::Relaxed), expected, "{seconds} {number}");
        }
        let (broken, asked) = paid(World::Broken, 30);
        for times in 1..3 {
            assert_eq!(judged(&broken, user(1)).await, Err(503));
            assert_eq!(asked.load(Ordering::Relaxed), times, "what was not answered is not kept");
        }
    }
}
