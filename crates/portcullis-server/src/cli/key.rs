//! `portcullis key …`: the keys that sign tokens.

use portcullis::auth::{Actor, Auth};
use portcullis::types::{KeyRecord, Timestamp};
use serde::Serialize;

use super::Failure;
use super::open::{self, Without};
use super::show::{Form, table};
use crate::config::Settings;

/// What may be done about keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// List keys
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Make a new key: published now, it signs in a quarter of an hour; the old one verifies as
    /// long as a token of its lives
    Rotate,
    /// Put a key out of use
    Retire {
        /// Which key, as `key list` names it
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        id: String,
        /// Its tokens are void, at a running server within 0.1 s: for a key that leaked. Without
        /// this it goes on to verify the tokens that are out, until they end
        #[arg(long)]
        now: bool,
    },
}

/// A key as it is printed. Nothing of it is secret.
#[derive(Serialize)]
struct Shown<'a> {
    kid: &'a str,
    algorithm: &'a str,
    state: &'static str,
    created_at: String,
    signs_from: String,
    signs_until: Option<String>,
    verifies_until: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(key: &'a KeyRecord, now: Timestamp) -> Self {
        let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        Self {
            kid: &key.id,
            algorithm: &key.algorithm,
            state: state(key, now),
            created_at: key.created_at.to_string(),
            signs_from: key.signs_from.to_string(),
            signs_until: text(key.signs_until),
            verifies_until: text(key.retired_at),
        }
    }
}

fn state(key: &KeyRecord, now: Timestamp) -> &'static str {
    if key.retired_at.is_some_and(|at| at <= now) {
        "retired"
    } else if now < key.signs_from {
        "published"
    } else if key.signs_until.is_some_and(|until| until <= now) {
        "verifies"
    } else {
        "signs"
    }
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth, settings).await).await
    }

    async fn operate(self, auth: &Auth, settings: &Settings) -> Result<String, Failure> {
        if let (Some(file), false) = (&settings.tokens.key_file, matches!(self, Self::List { .. }))
        {
            return Err(Failure::wrong(
                format!("the key was given as a file, {}", file.display()),
                "put another file in its place, or take `tokens.key_file` out of the settings",
            ));
        }
        match self {
            Self::List { form } => list(auth, form).await,
            Self::Rotate => {
                let key = auth.rotate_key(&Actor::command_line()).await?;
                Ok(format!("{} is published, and signs from {}\n", key.id, seconds(key.signs_from)))
            }
            Self::Retire { id, now } => retire(auth, &id, now).await,
        }
    }
}

async fn list(auth: &Auth, form: Form) -> Result<String, Failure> {
    let (keys, now) = (auth.keys().await?, auth.now());
    let shown: Vec<Shown<'_>> = keys.iter().map(|key| Shown::new(key, now)).collect();
    form.show(&shown, || {
        let rows: Vec<Vec<String>> = keys
            .iter()
            .map(|key| {
                let until = |moment: Option<Timestamp>| moment.map(seconds).unwrap_or_default();
                vec![
                    key.id.clone(),
                    key.algorithm.clone(),
                    state(key, now).to_owned(),
                    seconds(key.signs_from),
                    until(key.signs_until),
                    until(key.retired_at),
                ]
            })
            .collect();
        let heading = ["KID", "ALGORITHM", "STATE", "SIGNS FROM", "SIGNS UNTIL", "VERIFIES UNTIL"];
        table(&heading, &rows, "no key is kept in the database")
    })
}

async fn retire(auth: &Auth, id: &str, at_once: bool) -> Result<String, Failure> {
    let keys = auth.keys().await?;
    let Some(key) = keys.iter().find(|key| key.id == id) else {
        return Err(Failure::wrong(
            format!("there is no key {id:?}"),
            "`portcullis key list` names them all",
        ));
    };
    let now = auth.now();
    if let Some(at) = key.retired_at.filter(|at| *at <= now) {
        return Ok(format!("{id} is retired since {}\n", seconds(at)));
    }
    if at_once {
        auth.retire_key(&Actor::command_line(), id).await?;
        return Ok(format!("{id} is retired: its tokens are void\n"));
    }
    let verifies_until = match key.retired_at {
        Some(at) => at,
        None => {
            auth.rotate_key(&Actor::command_line()).await?;
            let keys = auth.keys().await?;
            let at = keys.iter().find(|key| key.id == id).and_then(|key| key.retired_at);
            at.unwrap_or(now)
        }
    };
    Ok(format!(
        "{id} gives way to another key, and verifies tokens that are out until {}\n",
        seconds(verifies_until)
    ))
}

/// A moment, to the second.
fn seconds(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}
