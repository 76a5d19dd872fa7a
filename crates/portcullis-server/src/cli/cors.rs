//! `portcullis cors …`: what a browser would make of a request.

use std::fmt::Write as _;

use portcullis::cors::{Explanation, Question, RequestClass};
use portcullis::types::Origin;
use serde::Serialize;

use super::Failure;
use super::routes;
use super::show::Form;
use crate::app::{self, Kind};
use crate::config::Settings;

/// What may be asked about other origins.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// Say what a browser would do with a request of a page, and which setting decides
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Where the page comes from, such as https://app.example.com
    #[arg(long)]
    origin: String,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// A header that the page sets, as NAME or 'NAME: VALUE'; may be given more than once
    #[arg(long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// The page sends the session cookie along: fetch(…, {credentials: "include"})
    #[arg(long)]
    credentials: bool,
    /// The path that is asked for, such as /users/me
    path: String,
    #[command(flatten)]
    form: Form,
}

/// An explanation as it is printed.
#[derive(Serialize)]
struct Shown {
    class: &'static str,
    allowed: bool,
    reaches_the_route: bool,
    preflight_for: Vec<String>,
    setting: Option<String>,
    sentence: String,
    fix: Option<String>,
    /// Why the session cookie does not come along, where it was to.
    without_cookie: Option<String>,
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        let Self::Explain(asked) = self;
        if !asked.path.starts_with('/') {
            return Err(Failure::usage(
                format!("{:?} is not a path", asked.path),
                "write it like /users/me",
            ));
        }
        // A browser sends `null` for a page that has no origin it would tell.
        if asked.origin != "null"
            && let Err(invalid) = asked.origin.parse::<Origin>()
        {
            return Err(Failure::usage(
                format!("--origin {:?} is no origin: {}", asked.origin, invalid.wrong),
                invalid.fix.into_owned(),
            ));
        }
        let application = routes::application(settings, Kind::Serve).await?;
        let page = asked.origin.clone();
        let mut question =
            Question::new(asked.origin, asked.method, asked.path).credentials(asked.credentials);
        if let Ok(server) = Origin::of_url(settings.server.public_url().as_str()) {
            question = question.server(server);
        }
        for header in &asked.headers {
            question = question.header(header);
        }
        let explained = application.finished.cors.explain(&question);
        let lost = if asked.credentials && explained.allowed {
            app::cookie_is_lost(settings, &page)
        } else {
            None
        };
        let mut text = format!("{explained}\n");
        if let Some(lost) = &lost {
            let _ = writeln!(text, "Without the session cookie: {lost}.");
        }
        asked.form.show(&shown(explained, lost), || text)
    }
}

fn shown(explained: Explanation, without_cookie: Option<String>) -> Shown {
    let class = match explained.class {
        RequestClass::SameOrigin => "same origin",
        RequestClass::Never => "never",
        RequestClass::Simple => "simple",
        RequestClass::Preflighted => "preflighted",
        _ => "other",
    };
    Shown {
        class,
        allowed: explained.allowed,
        reaches_the_route: explained.reaches_the_route,
        preflight_for: explained.preflight_for,
        setting: explained.setting,
        sentence: explained.sentence,
        fix: explained.fix,
        without_cookie,
    }
}
