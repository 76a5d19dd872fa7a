//! Reading a body: its media type, its size, its text.

use axum::extract::Request;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::fit::Part;
use crate::edge::{BodyLimit, BodyOverrun};
use crate::problem::{Problem, ProblemKind};

/// Reads a body of an accepted kind whole, as text.
pub(super) async fn text(
    request: Request,
    accepted: fn(&str) -> bool,
    wanted: &'static str,
) -> Result<String, Problem> {
    if !is_accepted(request.headers(), accepted) {
        let detail = format!("Send the body as {wanted}.");
        return Err(Problem::new(ProblemKind::UnsupportedMediaType).detail(detail));
    }
    let bytes = read(request).await?;
    String::from_utf8(bytes.into()).map_err(|_| Part::Body.malformed("is not UTF-8"))
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    // The guard holds the body to its limit; this one is for a request without a guard.
    let BodyLimit(limit) = request.extensions().get().copied().unwrap_or_default();
    let too_large = || BodyOverrun::TooLarge(limit).into_problem();
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|size| size > limit) {
        return Err(too_large());
    }
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if found::<LengthLimitError>(&*error).is_some() => Err(too_large()),
        Err(error) => Err(match found::<BodyOverrun>(&*error) {
            Some(overrun) => overrun.into_problem(),
            None => Part::Body.malformed("did not arrive whole").source(error),
        }),
    }
}

/// The cause of this kind behind an error.
fn found<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref())
}

fn is_accepted(headers: &HeaderMap, accepted: fn(&str) -> bool) -> bool {
    let encoded = headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity");
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    match (kinds.next().map(HeaderValue::to_str), kinds.next()) {
        (Some(Ok(kind)), None) => {
            let mut parts = kind.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
            let readable = parts.all(|parameter| match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                    value.trim_matches('"').eq_ignore_ascii_case("utf-8")
                }
                _ => true,
            });
            !encoded && readable && accepted(&essence)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        is_accepted(&map, super::super::json::is_json)
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for kind in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/merge-patch+json",
        ] {
            assert!(taken(&[("content-type", kind)]), "{kind}");
        }
        for kind in [
            "text/plain",
            "text/json",
            "application/jsonp",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
            "+json",
            "",
        ] {
            assert!(!taken(&[("content-type", kind)]), "{kind}");
        }
        assert!(!taken(&[]));
        assert!(!taken(&[("content-type", "application/json"), ("content-type", "text/plain")]));
        assert!(!taken(&[("content-type", "application/json"), ("content-encoding", "gzip")]));
        assert!(taken(&[("content-type", "application/json"), ("content-encoding", "identity")]));
    }
}
