//! `portcullis audit …`: who did what to whom, from where, when, with which outcome.

use std::path::PathBuf;

use portcullis::auth::routes::{AuditAnswer, List};
use portcullis::auth::{AuditFilter, AuditOutcome, AuditVerdict, Auth};
use portcullis::types::{Digest, PageRequest, Timestamp};

use super::Failure;
use super::audit_archive::{self, Archive};
use super::open::{self, Without};
use super::show::{self, Form, table};
use crate::config::Settings;

/// How many rows are read at once.
const BATCH: u32 = 500;

/// What may be done about the audit log.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Operation {
    /// List rows, the newest first
    List(ListQuery),
    /// Write every row to standard output, the oldest first, one JSON object a line
    Export {
        /// Only the rows behind this one, the last one that was exported before
        #[arg(long, value_name = "ROW", default_value_t = 0)]
        after: u64,
    },
    /// Find out whether a row was changed, removed or put in; if so, say which and end with 1
    Verify {
        /// What an earlier verification said to keep: also finds a database that was put back
        #[arg(long, value_name = "ROW:HASH", value_parser = kept)]
        known: Option<(u64, Digest)>,
        /// An archive to be read as well; several in the order of their rows
        #[arg(long, value_name = "FILE")]
        archive: Vec<PathBuf>,
    },
    /// Write the older rows to a file, sealed, and take them off the log, which goes on behind them
    Archive(Archive),
}

/// Which rows are wanted.
#[derive(Debug, clap::Args)]
pub(super) struct ListQuery {
    /// Only this action, such as login; `role.*` for every one that begins so
    #[arg(long)]
    action: Option<String>,
    /// Only by whoever has this name or id
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only to whoever or whatever has this name or id
    #[arg(long, value_name = "NAME")]
    whom: Option<String>,
    /// Only from this moment on, such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "MOMENT")]
    since: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "MOMENT")]
    until: Option<Timestamp>,
    /// Only with this outcome: success or failure
    #[arg(long)]
    outcome: Option<AuditOutcome>,
    /// How many rows at the most
    #[arg(long, value_name = "ROWS", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(PageRequest::LARGEST)))]
    limit: u32,
    /// Only rows before this one: the next page
    #[arg(long, value_name = "ROW")]
    before: Option<u64>,
    #[command(flatten)]
    form: Form,
}

impl Operation {
    pub(super) async fn run(self, settings: &Settings) -> Result<String, Failure> {
        open::with(settings, Without::Refuse, async |auth| self.operate(auth).await).await
    }

    async fn operate(self, auth: &Auth) -> Result<String, Failure> {
        match self {
            Self::List(wanted) => wanted.list(auth).await,
            Self::Export { after } => export(auth, after).await,
            Self::Verify { known, archive } => {
                let archives = audit_archive::verify(auth, &archive).await?;
                Ok(archives + &verify(auth, known).await?)
            }
            Self::Archive(archive) => archive.run(auth).await,
        }
    }
}

impl ListQuery {
    async fn list(self, auth: &Auth) -> Result<String, Failure> {
        let page = PageRequest { after: self.before.map(|row| row.to_string()), limit: self.limit };
        let filter = AuditFilter {
            from: self.since,
            until: self.until,
            actor: self.who,
            subject: self.whom,
            action: self.action,
            outcome: self.outcome,
        };
        let page = auth.audit(&filter, &page).await?;
        let list: List<AuditAnswer> =
            List { items: page.items.into_iter().map(Into::into).collect(), next: page.next };
        self.form.show(&list, || {
            let rows: Vec<Vec<String>> = list.items.iter().map(cells).collect();
            let heading = ["ROW", "AT", "ACTION", "OUTCOME", "WHO", "WHOM", "FROM", "DETAILS"];
            let text = table(&heading, &rows, "no row matches");
            match &list.next {
                Some(row) => format!("{text}more: --before {row}\n"),
                None => text,
            }
        })
    }
}

fn cells(row: &AuditAnswer) -> Vec<String> {
    let party = |kind: &str, id: &str, name: &str| match (id, name) {
        ("", "") => kind.to_owned(),
        (_, "") => format!("{kind} {id}"),
        _ => format!("{kind} {name}"),
    };
    let details = row.details.iter().map(|(key, value)| format!("{key}={value}"));
    vec![
        row.seq.to_string(),
        row.at.clone(),
        row.action.clone(),
        row.outcome.as_str().to_owned(),
        party(&row.actor.kind, &row.actor.id, &row.actor.name),
        row.subject.as_ref().map(|of| party(&of.kind, &of.id, &of.name)).unwrap_or_default(),
        row.address.clone().unwrap_or_default(),
        details.collect::<Vec<_>>().join(" "),
    ]
}

/// Prints batch by batch: a log does not fit into memory.
async fn export(auth: &Auth, mut after: u64) -> Result<String, Failure> {
    loop {
        let mut lines = String::new();
        for link in auth.audit_chain(after, BATCH).await? {
            after = link.seq;
            let Some(record) = link.record else {
                // Whoever exports must not believe that they have it all.
                show::print(&lines)?;
                return Err(Failure::wrong(
                    format!("row {after} cannot be read: it was changed"),
                    format!("`portcullis audit export --after {after}` goes on behind it"),
                ));
            };
            let line = serde_json::to_string(&AuditAnswer::from(record))
                .map_err(|error| Failure::Io("a row cannot be written".to_owned(), error.into()))?;
            lines.push_str(&line);
            lines.push('\n');
        }
        if lines.is_empty() || !show::print(&lines)? {
            return Ok(String::new());
        }
    }
}

async fn verify(auth: &Auth, known: Option<(u64, Digest)>) -> Result<String, Failure> {
    let AuditVerdict { rows, archived, resealed, hash, fault } = auth.verify_audit(known).await?;
    if let Some(fault) = fault {
        let fix = match rows {
            rows if rows == archived => {
                "compare it with an export that was kept elsewhere".to_owned()
            }
            _ => format!(
                "rows {} to {rows} are as they were written: compare what follows with an export \
                 that was kept elsewhere",
                archived + 1
            ),
        };
        return Err(Failure::wrong(fault.to_string(), fix));
    }
    let mut notes = Vec::new();
    if archived > 0 {
        notes.push(format!("rows 1 to {archived} lie in archives: `--archive FILE` reads them\n"));
    }
    if let Some(row) = resealed {
        notes.push(format!(
            "row {row} says that the master secret was lost: the rows before it were sealed by another, \
             and what was done to them until then cannot be told\n"
        ));
    }
    let notes = notes.concat();
    Ok(format!(
        "the audit log is whole: {rows} rows\n{notes}\
         keep this elsewhere, and verify with it next time:\n  --known {rows}:{}\n",
        hex(&hash)
    ))
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row's place and hash, as [`verify`] prints them.
fn kept(text: &str) -> Result<(u64, Digest), &'static str> {
    let wrong = "write it as `portcullis audit verify` printed it, such as 12:5f3a…";
    let (row, hash) = text.split_once(':').ok_or(wrong)?;
    let row = row.parse().map_err(|_| wrong)?;
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong);
    }
    let mut digest = Digest::default();
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).map_err(|_| wrong)?;
    }
    Ok((row, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verification_printed_is_read_again() {
        let mut digest = Digest::default();
        digest[0] = 0x5f;
        digest[31] = 0xa0;
        assert_eq!(kept(&format!("12:{}", hex(&digest))), Ok((12, digest)));
        for wrong in ["", "12", "12:", "x:00", &format!("12:{}é", "0".repeat(62))] {
            assert!(kept(wrong).is_err(), "{wrong:?}");
        }
    }
}
