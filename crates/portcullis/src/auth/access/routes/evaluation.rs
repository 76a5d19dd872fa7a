//! `/access/v1/evaluation` and `/access/v1/evaluations`: may this subject do this, and why? By the
//! OpenID AuthZEN Authorization API 1.0. Nothing is performed.
//!
//! | part of the question | means |
//! |---|---|
//! | `subject` | `user` by id, username or e-mail address; `client` by id; `guest` |
//! | `resource` of type `route`, `action` a method | the route that answers that path |
//! | `resource` of type `permission` | the permission named by the action |
//! | `resource` of another type, such as `items` | the permission `items:{action}` |
//! | `resource.properties.place` | where the permission is asked for, such as `tenant:acme` |
//! | `resource.properties.owner` | a user: who the owner is, where that decides |
//! | `context` | `time`, `ip_address`, `country`, `since`, `second_factor`, `scope` |
//!
//! The circumstances are the caller's word: nothing of the request that asks is taken for them. The
//! answer repeats under `context.assumed` what was supposed, and what was not known.

mod shapes;

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use self::shapes::{
    Action, Answer, Answers, Batch, Circumstances, Decision, Entity, Evaluation, Fault, Semantic,
};
use crate::auth::{Auth, Supposed};
use crate::extract::{Json, NoStore};
use crate::gate::Gate;
use crate::policy::{Requirement, permission, permission_at, public};
use crate::problem::Problem;
use crate::router::{AccessBook, AccessTable, Routes};
use crate::types::{ClientId, Permission, Place, Subject};

/// The routes under `/access/v1`, and the document that announces them.
pub fn table(gate: &Gate) -> Routes<Auth> {
    let mut routes = gate.routes().tag("roles");
    let (one, many) = (routes.access_book(), routes.access_book());
    routes
        .summary("May this subject do this, and why")
        .describe(
            "Judges as the gate would, without performing anything \
             (OpenID AuthZEN Authorization API 1.0).",
        )
        .post(
            "/access/v1/evaluation",
            permission("access:evaluate"),
            async move |State(auth): State<Auth>, Json(asked): Json<Evaluation>| {
                evaluate(&auth, &one, asked).await.map(|decision| NoStore(Json(decision)))
            },
        )
        .summary("May these subjects do these things, and why")
        .describe(
            "Many questions at once. What stands beside `evaluations` counts wherever one of them \
             leaves it out (OpenID AuthZEN Authorization API 1.0).",
        )
        .post(
            "/access/v1/evaluations",
            permission("access:evaluate"),
            async move |State(auth): State<Auth>, Json(asked): Json<Batch>| {
                evaluate_all(&auth, &many, asked).await.map(|answer| NoStore(Json(answer)))
            },
        )
        .get(
            "/.well-known/authzen-configuration",
            public("where to ask for decisions"),
            read_authzen_configuration,
        )
}

/// Where to ask for decisions (AuthZEN §9.1).
#[derive(Serialize, JsonSchema)]
struct AuthzenConfiguration {
    /// Who decides: this server's issuer.
    policy_decision_point: String,
    /// Where to ask one question.
    access_evaluation_endpoint: String,
    /// Where to ask many.
    access_evaluations_endpoint: String,
}

async fn read_authzen_configuration(State(auth): State<Auth>) -> Json<AuthzenConfiguration> {
    let issuer = auth.settings().issuer.trim_end_matches('/').to_owned();
    Json(AuthzenConfiguration {
        access_evaluation_endpoint: format!("{issuer}/access/v1/evaluation"),
        access_evaluations_endpoint: format!("{issuer}/access/v1/evaluations"),
        policy_decision_point: issuer,
    })
}

/// Why a question has no decision.
enum Unanswered {
    /// It cannot be read: where, and why.
    Malformed(&'static str, String),
    /// The store is away, or a fault of ours.
    Failed(Problem),
}

impl From<Problem> for Unanswered {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Malformed(pointer, detail) => Self::invalid(pointer, detail),
            Unanswered::Failed(problem) => problem,
        }
    }
}

async fn evaluate(auth: &Auth, book: &AccessBook, asked: Evaluation) -> Result<Decision, Problem> {
    let context = asked.context.unwrap_or_default();
    Ok(decide(auth, book.table(), &asked.subject, &asked.action, &asked.resource, &context).await?)
}

async fn evaluate_all(auth: &Auth, book: &AccessBook, asked: Batch) -> Result<Answer, Problem> {
    let Batch { subject, action, resource, context, evaluations, options } = asked;
    let context = context.unwrap_or_default();
    let evaluations = evaluations.unwrap_or_default();
    if evaluations.is_empty() {
        // Without a list it is a single question (AuthZEN §7.1).
        let (subject, action, resource) = whole(&subject, &action, &resource)?;
        let decision = decide(auth, book.table(), subject, action, resource, &context).await?;
        return Ok(Answer::One(Box::new(decision)));
    }
    let semantic = options.unwrap_or_default().evaluations_semantic.unwrap_or_default();
    let mut decisions = Vec::with_capacity(evaluations.len());
    for one in &evaluations {
        let parts = whole(
            &one.subject.as_ref().or(subject.as_ref()).cloned(),
            &one.action.as_ref().or(action.as_ref()).cloned(),
            &one.resource.as_ref().or(resource.as_ref()).cloned(),
        )
        .map(|(subject, action, resource)| (subject.clone(), action.clone(), resource.clone()));
        let context = one.context.as_ref().unwrap_or(&context);
        let decided = match parts {
            Ok((subject, action, resource)) => {
                decide(auth, book.table(), &subject, &action, &resource, context).await
            }
            Err(unanswered) => Err(unanswered),
        };
        let decision = match decided {
            Ok(decision) => decision,
            // A fault of one question is told in its place (AuthZEN §7.2.1).
            Err(Unanswered::Malformed(pointer, detail)) => {
                let message = format!("{}: {detail}", pointer.trim_start_matches('/'));
                Decision::faulty(Fault { status: 400, message })
            }
            Err(Unanswered::Failed(problem)) => return Err(problem),
        };
        let permitted = decision.decision;
        decisions.push(decision);
        match semantic {
            Semantic::DenyOnFirstDeny if !permitted => break,
            Semantic::PermitOnFirstPermit if permitted => break,
            _ => {}
        }
    }
    Ok(Answer::Many(Answers { evaluations: decisions }))
}

type Parts<'a> = (&'a Entity, &'a Action, &'a Entity);

fn whole<'a>(
    subject: &'a Option<Entity>,
    action: &'a Option<Action>,
    resource: &'a Option<Entity>,
) -> Result<Parts<'a>, Unanswered> {
    let lacks = |pointer| Unanswered::Malformed(pointer, "is needed.".to_owned());
    Ok((
        subject.as_ref().ok_or_else(|| lacks("/subject"))?,
        action.as_ref().ok_or_else(|| lacks("/action"))?,
        resource.as_ref().ok_or_else(|| lacks("/resource"))?,
    ))
}

async fn decide(
    auth: &Auth,
    table: Option<&AccessTable>,
    subject: &Entity,
    action: &Action,
    resource: &Entity,
    context: &Circumstances,
) -> Result<Decision, Unanswered> {
    let mut supposed = context.suppose()?;
    supposed.at.get_or_insert_with(|| auth.now());
    let (what, named) = match required(table, action, resource, &mut supposed)? {
        Ok(found) => found,
        Err(reason) => return Ok(Decision::refused(reason)),
    };
    let what = match owner_of(auth, resource).await? {
        Some(owner) => what.owned_by(&owner),
        None => what,
    };
    let nobody = || Decision::refused(format!("There is no such {}.", subject.kind));
    let known = match subject.kind.as_str() {
        "user" => auth.user_named(&subject.id).await?,
        "client" => Some(Subject::Client(ClientId::from(subject.id.as_str()))),
        "guest" => Some(Subject::Guest),
        _ => None,
    };
    let Some(known) = known else { return Ok(nobody()) };
    let why = auth.why(&known, &what, &supposed).await?;
    Ok(why.map_or_else(nobody, |why| Decision::of(why, named, &what, &supposed)))
}

/// What would be required, and the route's name where it is one; or why nothing can be.
fn required(
    table: Option<&AccessTable>,
    action: &Action,
    resource: &Entity,
    supposed: &mut Supposed,
) -> Result<Result<(Requirement, Option<String>), String>, Unanswered> {
    if resource.kind == "route" {
        let method = action.name.to_ascii_uppercase();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Unanswered::Malformed("/action/name", "is no HTTP method.".to_owned()))?;
        let Some((row, parts)) =
            table.and_then(|table| table.find_with_parts(&method, &resource.id))
        else {
            return Ok(Err(format!("No route answers {method} {}.", resource.id)));
        };
        supposed.route = Some(row.path.clone());
        supposed.parts = parts;
        supposed.method = Some(method);
        return Ok(Ok((row.who.clone(), Some(format!("{} {}", row.method, row.path)))));
    }
    let within = format!("{}:", resource.kind);
    let name = if resource.kind == "permission" || action.name.starts_with(&within) {
        action.name.clone()
    } else {
        format!("{within}{}", action.name)
    };
    let name = Permission::parse(&name)
        .map_err(|fault| Unanswered::Malformed("/action/name", fault.to_string()))?;
    if name.is_wildcard() {
        let detail = "A wildcard is no one action.".to_owned();
        return Err(Unanswered::Malformed("/action/name", detail));
    }
    let what = match place_of(resource)? {
        Some(place) => permission_at(place, name),
        None => permission(name),
    };
    Ok(Ok((what, None)))
}

/// Where the permission is asked for, if the question says so.
fn place_of(resource: &Entity) -> Result<Option<Place>, Unanswered> {
    let place = resource.properties.as_ref().and_then(|properties| properties.get("place"));
    let Some(place) = place else { return Ok(None) };
    let read = place.as_str().and_then(|text| text.parse().ok());
    read.map(Some).ok_or_else(|| {
        let detail = "is a place, written like `tenant:acme`.".to_owned();
        Unanswered::Malformed("/resource/properties/place", detail)
    })
}

/// Who owns the resource, where the question says so. A user that is not there owns nothing.
async fn owner_of(auth: &Auth, resource: &Entity) -> Result<Option<Subject>, Unanswered> {
    let owner = resource.properties.as_ref().and_then(|properties| properties.get("owner"));
    match owner.map(|owner| owner.as_str()) {
        None => Ok(None),
        Some(Some(name)) => Ok(Some(auth.user_named(name).await?.unwrap_or(Subject::Guest))),
        Some(None) => {
            let detail = "is the id or name of a user.".to_owned();
            Err(Unanswered::Malformed("/resource/properties/owner", detail))
        }
    }
}
