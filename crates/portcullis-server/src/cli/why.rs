//! `portcullis why`: may they, and why, without asking the server.

use std::net::IpAddr;

use http::Method;
use portcullis::auth::{Auth, Supposed};
use portcullis::edge::CountryOf as _;
use portcullis::problem::ProblemKind;
use portcullis::router::AccessRow;
use portcullis::types::{ClientId, PathParts, Subject, Timestamp};
use serde::Serialize;

use super::Failure;
use super::client;
use super::open::{self, Without};
use super::routes::{self, Whose};
use super::show::{self, Form};
use crate::app;
use crate::config::Settings;

/// Who asks for what, and under which circumstances.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// A user by name, e-mail address or id, or a client by its id; `-` for somebody who is not
    /// signed in
    name: String,
    /// HTTP method, such as GET
    method: String,
    /// Path, such as /users/me
    path: String,
    /// NAME is a client, though a user may go by it as well
    #[arg(long)]
    client: bool,
    /// At this moment, such as 2026-03-02T09:00:00Z; now where left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// From this address
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// Signed in at this moment
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    #[command(flatten)]
    pub(super) whose: Whose,
    #[command(flatten)]
    form: Form,
}

/// A decision as it is printed.
#[derive(Serialize)]
struct Shown {
    decision: bool,
    route: String,
    active: bool,
    #[serde(flatten)]
    reasons: portcullis::policy::Reasons,
}

/// Prints whether they may, and why.
pub(super) async fn why(settings: &Settings, question: Question) -> Result<String, Failure> {
    let method = Method::from_bytes(question.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Failure::wrong("that is no HTTP method", "write GET, POST, and so on"))?;
    let table = routes::application(settings, question.whose.kind()).await?.finished.access;
    let Some((row, parts)) = table.find_with_parts(&method, &question.path) else {
        let wrong = format!("no route answers {method} {}", question.path);
        return Err(Failure::wrong(wrong, "see `portcullis routes`"));
    };
    let kind = question.whose.kind();
    open::with_kind(settings, kind, Without::Refuse, async |auth| {
        explain(auth, settings, question, (row, parts), method).await
    })
    .await
}

async fn explain(
    auth: &Auth,
    settings: &Settings,
    question: Question,
    (row, parts): (&AccessRow, PathParts),
    method: Method,
) -> Result<String, Failure> {
    let subject = subject(auth, &question).await?;
    let countries = app::countries(settings)?;
    let supposed = Supposed {
        at: question.at,
        address: question.from,
        country: question.from.and_then(|from| countries?.country_of(from)),
        authenticated_at: question.since,
        route: Some(row.path.clone()),
        parts,
        method: Some(method),
        ..Supposed::default()
    };
    let Some(why) = auth.why(&subject, &row.who, &supposed).await? else {
        return Err(Failure::wrong(
            format!("{:?} is there no more", question.name),
            "see `portcullis user list` and `portcullis client list`",
        ));
    };
    let route = format!("{} {}", row.method, row.path);
    if question.form.json {
        return show::json(&Shown {
            decision: why.is_permitted(),
            route,
            active: why.active,
            reasons: why.reasons,
        });
    }
    Ok(format!("{route}\n{why}"))
}

/// Whom the question is about: a user before a client of the same name, unless a client is meant.
async fn subject(auth: &Auth, question: &Question) -> Result<Subject, Failure> {
    let name = question.name.as_str();
    if question.client {
        return Ok(client::known(auth, name).await?.id.into());
    }
    if name == "-" {
        return Ok(Subject::Guest);
    }
    if let Some(user) = auth.user_named(name).await? {
        return Ok(user);
    }
    match auth.client(&ClientId::from(name)).await {
        Err(problem) if problem.kind() == ProblemKind::NotFound => {}
        client => return Ok(client?.id.into()),
    }
    Err(Failure::wrong(
        format!("there is no user and no client {name:?}"),
        "`portcullis user list` and `portcullis client list` name them all",
    ))
}
