//! `portcullis demo`.

use std::process::ExitCode;

use portcullis::clock::Sources;
use portcullis::problem::ConfigError;

use super::{Refusal, print, serve};
use crate::app::{self, Kind};
use crate::config::{Settings, SharedFlags};
use crate::demo::{USERS, items::Items, sample};

/// Where the demo keeps its data unless told otherwise.
const DATABASE: &str = "sqlite://portcullis-demo.db";

pub(super) async fn run(flags: &SharedFlags) -> Result<ExitCode, Refusal> {
    let mut flags = flags.clone();
    flags.database.get_or_insert_with(|| DATABASE.to_owned());
    let settings = Settings::load(&flags)?;
    if !settings.server.listen.ip().is_loopback() {
        return Err(ConfigError::one(
            "server.listen",
            "the demo's passwords are public, so it listens on loopback only",
            "leave --listen out, or use `portcullis serve`",
        )
        .into());
    }
    serve::log(&settings.server);
    let rules = app::open(&settings, Kind::Demo).await?;
    sample(&rules).await?;
    let file = settings.database.url.file().ok_or("the demo keeps its data in SQLite")?;
    let items = Items::open(file, Sources::system()).await?;
    let application = app::application(&settings, Kind::Demo, &rules, Some(items))?;
    app::run(&settings, rules, application, welcome).await?;
    Ok(ExitCode::SUCCESS)
}

fn welcome(url: &str) {
    print::line(format_args!("The demo is at {url}. Try every route in a browser: {url}/docs\n"));
    print::line(format_args!("{:<10} {:<26} role", "username", "password"));
    for user in &USERS {
        print::line(format_args!("{:<10} {:<26} {}", user.username, user.password, user.role));
    }
    print::line(format_args!(
        "\nOr by curl:\n\
         \x20 curl -u ada:analytical:engine:1843 {url}/admin\n\
         \x20 curl -d grant_type=password -d username=alice -d password=down-the-rabbit-hole {url}/token\n\
         \x20 curl -i -u gus:just-looking-around-1 {url}/read\n"
    ));
}
