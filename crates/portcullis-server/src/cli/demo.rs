//! `portcullis demo`.

use std::fmt::Write as _;
use std::path::Path;

use portcullis::clock::Sources;

use super::{Failure, serve};
use crate::app::{self, Kind, Reload};
use crate::config::{Settings, SharedFlags};
use crate::demo::{USERS, items::Items, sample};
use crate::telemetry::Logs;

/// Where the demo keeps its data unless told otherwise: never where `serve` does.
const DATABASE: &str = "sqlite://portcullis-demo.db";

/// The settings of the demo.
pub(super) fn settings(flags: &SharedFlags) -> Result<Settings, Failure> {
    Ok(Settings::load(&flags_of_the_demo(flags))?)
}

fn flags_of_the_demo(flags: &SharedFlags) -> SharedFlags {
    let mut flags = flags.clone();
    // Whatever a file or the environment names: sample users must not get into a real database.
    flags.database.get_or_insert_with(|| DATABASE.to_owned());
    flags
}

pub(super) async fn demo(flags: &SharedFlags) -> Result<String, Failure> {
    let flags = flags_of_the_demo(flags);
    let (settings, known) = Settings::load_with_sources(&flags)?;
    let listen = settings.server.listen;
    if !listen.ip().is_loopback() {
        return Err(Failure::wrong(
            format!("server.listen: {listen} is not loopback, and the demo's passwords are public"),
            "leave `--listen` out, or use `portcullis serve`",
        ));
    }
    let logs = Logs::start(&settings.server);
    let auth = app::open(&settings, Kind::Demo).await?;
    sample(&auth).await?;
    // On a server the demo's items live in memory, as long as this process does.
    let file = settings.database.url.file().unwrap_or(Path::new(":memory:"));
    let items = Items::open(file, Sources::system())
        .await
        .map_err(|error| Failure::wrong(error.to_string(), "name another file: `--database`"))?;
    let application = app::application(&settings, Kind::Demo, &auth, Some(items))?;
    let reload = Reload { flags, known, logs };
    serve::run(&settings, auth, application, reload, welcome).await
}

fn welcome(url: &str) -> String {
    let mut text = format!(
        "The demo is at {url}. Try every route in a browser: {url}/docs\n\n\
         {:<10} {:<26} role\n",
        "username", "password"
    );
    for user in &USERS {
        let _ = writeln!(text, "{:<10} {:<26} {}", user.username, user.password, user.role);
    }
    let _ = write!(
        text,
        "\nOr by curl:\n  \
         curl -u ada:analytical:engine:1843 {url}/admin\n  \
         curl -d grant_type=password -d username=alice -d password=down-the-rabbit-hole {url}/token\n  \
         curl -i -u gus:just-looking-around-1 {url}/read\n"
    );
    text
}
