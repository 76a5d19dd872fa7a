//! `/audit`: who did what to whom, from where, when, with which outcome.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use garde::Validate;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AuditFilter, AuditOutcome, AuditRecord, AuditTarget};
use crate::auth::Auth;
use crate::auth::routes::{List, default_limit};
use crate::extract::{Json, Query};
use crate::gate::Gate;
use crate::openapi::{DescribeAnswer, OperationBuilder};
use crate::policy::{Requirement, permission};
use crate::problem::{BoxError, Problem};
use crate::router::Routes;
use crate::types::{PageRequest, Timestamp};

fn reads_audit() -> Requirement {
    permission("audit:read")
}

/// The routes under `/audit`.
pub fn table(gate: &Gate) -> Routes<Auth> {
    gate.routes().tag("audit").get("/audit", reads_audit(), list_audit).get(
        "/audit/export",
        reads_audit(),
        export_audit,
    )
}

/// Somebody, or something, by the name it had then.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditParty")]
pub struct PartyAnswer {
    /// What it is: `user`, `client`, `role`, `key`, `command line` and so on.
    pub kind: String,
    /// Which one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What it was called at the time.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl From<AuditTarget> for PartyAnswer {
    fn from(party: AuditTarget) -> Self {
        Self { kind: party.kind.into_owned(), id: party.id, name: party.name }
    }
}

/// A row of the audit log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditRow")]
pub struct AuditAnswer {
    /// Its place, from 1 on without a gap.
    pub seq: u64,
    /// When (RFC 3339).
    pub at: String,
    /// What, such as `login` or `role.assigned`.
    pub action: String,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// Who.
    pub actor: PartyAnswer,
    /// To whom, or to what.
    pub subject: Option<PartyAnswer>,
    /// From which address.
    pub address: Option<String>,
    /// In which request, as in `X-Request-Id`.
    pub request_id: Option<String>,
    /// What else there is to say.
    pub details: Map<String, Value>,
    /// SHA-256 over the hash of the row before and all of this one, in hexadecimal.
    pub hash: String,
}

impl From<AuditRecord> for AuditAnswer {
    fn from(record: AuditRecord) -> Self {
        let entry = record.entry;
        let details = match serde_json::from_str(&entry.details) {
            Ok(details) => details,
            // Written by somebody else: it is shown as it is.
            Err(_) => Map::from_iter([("unreadable".to_owned(), Value::String(entry.details))]),
        };
        Self {
            seq: record.seq,
            at: entry.at.to_string(),
            action: entry.action.into_owned(),
            outcome: entry.outcome,
            actor: entry.actor.into(),
            subject: entry.subject.map(Into::into),
            address: entry.address,
            request_id: entry.request_id,
            details,
            hash: record.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Which rows are wanted.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct WantedRows {
    /// Where the last page ended.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    cursor: Option<String>,
    /// How many rows at the most.
    #[garde(range(min = 1, max = 200))]
    #[serde(default = "default_limit")]
    limit: u32,
    /// From this moment on (RFC 3339).
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    from: Option<Timestamp>,
    /// Until this moment, itself excluded (RFC 3339).
    #[garde(skip)]
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    until: Option<Timestamp>,
    /// By whoever has this id or name.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    actor: Option<String>,
    /// To whoever or whatever has this id or name.
    #[garde(length(chars, max = 200))]
    #[serde(default)]
    subject: Option<String>,
    /// This action, such as `login`; `role.*` for every one that begins so.
    #[garde(length(chars, max = 100))]
    #[serde(default)]
    action: Option<String>,
    /// With this outcome.
    #[garde(skip)]
    #[serde(default)]
    outcome: Option<AuditOutcome>,
}

/// From where on to export.
#[derive(Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
struct ExportedRows {
    /// The last row that was exported before; from the first one on where it is left out.
    #[garde(skip)]
    #[serde(default)]
    after: u64,
}

async fn list_audit(
    State(auth): State<Auth>,
    Query(wanted): Query<WantedRows>,
) -> Result<Json<List<AuditAnswer>>, Problem> {
    let filter = AuditFilter {
        from: wanted.from,
        until: wanted.until,
        actor: wanted.actor,
        subject: wanted.subject,
        action: wanted.action,
        outcome: wanted.outcome,
    };
    let page = PageRequest { after: wanted.cursor, limit: wanted.limit };
    let page = auth.audit(&filter, &page).await?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next: page.next }))
}

/// Rows as JSON, one a line, oldest first, sent as they are read.
struct JsonLines(Body);

impl IntoResponse for JsonLines {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "application/x-ndjson"), (CACHE_CONTROL, "no-store")];
        (headers, self.0).into_response()
    }
}

impl DescribeAnswer for JsonLines {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<AuditAnswer>(StatusCode::OK, "application/x-ndjson");
    }
}

/// How many rows are read at once.
const BATCH: u32 = 500;

async fn export_audit(
    State(auth): State<Auth>,
    Query(wanted): Query<ExportedRows>,
) -> Result<JsonLines, Problem> {
    // The first rows are read before the answer begins: a store that is away is a 503.
    let first = lines(&auth, wanted.after).await?;
    let parts = stream::unfold(Some(Ok(first)), move |state| {
        let auth = auth.clone();
        async move {
            match state? {
                Err(problem) => Some((Err(BoxError::from(problem)), None)),
                Ok((text, _)) if text.is_empty() => None,
                Ok((text, last)) => Some((Ok(text), Some(lines(&auth, last).await))),
            }
        }
    });
    Ok(JsonLines(Body::from_stream(parts)))
}

/// The lines behind a row, and the last of them.
async fn lines(auth: &Auth, after: u64) -> Result<(Bytes, u64), Problem> {
    let mut text = Vec::new();
    let mut last = after;
    for link in auth.audit_chain(after, BATCH).await? {
        last = link.seq;
        let Some(record) = link.record else {
            // Whoever exports must not believe that they have it all.
            return Err(Problem::internal(format!("row {last} of the audit log cannot be read")));
        };
        serde_json::to_writer(&mut text, &AuditAnswer::from(record)).map_err(Problem::internal)?;
        text.push(b'\n');
    }
    Ok((text.into(), last))
}
