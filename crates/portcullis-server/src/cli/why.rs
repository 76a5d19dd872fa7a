//! `portcullis why`: may they, and why, without asking the server.

use std::net::IpAddr;

use http::Method;
use portcullis::arrival::CountryOf as _;
use portcullis::rules::Supposed;
use portcullis::types::{Subject, Timestamp};
use serde::Serialize;

use super::Failure;
use super::open::{self, Without};
use super::routes::{self, Whose};
use super::show::{self, Form};
use crate::app;
use crate::config::Settings;

/// Who asks for what, and under which circumstances.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Username, e-mail address or id; `-` for somebody who is not signed in
    user: String,
    /// HTTP method, such as GET
    method: String,
    /// Path, such as /items/7
    path: String,
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
    whose: Whose,
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
    let Some(row) = table.find(&method, &question.path) else {
        let wrong = format!("no route answers {method} {}", question.path);
        return Err(Failure::wrong(wrong, "see `portcullis routes`"));
    };
    let rules = open::open(settings, Without::Refuse).await?;
    let subject = match question.user.as_str() {
        "-" => Subject::Guest,
        name => Subject::User(open::user(&rules, name).await?.id),
    };
    let countries = app::countries(settings)?;
    let supposed = Supposed {
        at: question.at,
        address: question.from,
        country: question.from.and_then(|from| countries?.country_of(from)),
        since: question.since,
        route: Some(row.path.clone()),
        method: Some(method),
        ..Supposed::default()
    };
    let Some(why) = rules.why(&subject, &row.who, &supposed).await? else {
        return Err(Failure::wrong("that user is there no more", "see `portcullis user list`"));
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
