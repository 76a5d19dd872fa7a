//! `/docs`: Swagger UI, served from the binary. Nothing on it comes from, or asks, another host.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis::openapi::{DescribeAnswer, OperationBuilder};
use portcullis::problem::{Problem, ProblemKind};

/// No inline script or style, no `eval`, no other host, no frame around it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A file of the page, as the build script made it.
#[derive(Debug)]
struct Asset {
    name: &'static str,
    media_type: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/docs_assets.rs"));

/// The page itself.
pub(crate) const PAGE: &str = "index.html";

/// The page itself, as an answer that the document describes.
pub(crate) struct Page(Response);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        self.0
    }
}

impl DescribeAnswer for Page {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let text = serde_json::json!({"type": "string"});
        operation.raw_answer(StatusCode::OK, "text/html; charset=utf-8", text);
        operation.empty_answer(StatusCode::NOT_MODIFIED);
    }
}

/// Answers the page itself.
///
/// # Errors
/// 500 where it cannot be sent.
pub(crate) fn page(headers: &HeaderMap) -> Result<Page, Problem> {
    answer(PAGE, headers).map(Page)
}

/// Answers a file of the page.
///
/// # Errors
/// 404 where there is none of that name.
pub(crate) fn answer(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
    let packed = accepts_gzip(headers);
    let tag = format!("\"{}{}\"", asset.tag, if packed { "-gz" } else { "" });
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (if packed { asset.gzip } else { asset.plain }).into_response()
    };
    let sent = response.headers_mut();
    if !known {
        sent.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
        if packed {
            sent.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    sent.insert(ETAG, HeaderValue::try_from(tag).map_err(Problem::internal)?);
    // Kept by the browser, and asked for anew each time: an upgrade is seen at once.
    sent.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    sent.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    sent.insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// Whether `Accept-Encoding` names gzip, and not with a quality of zero (RFC 9110 §12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let refused = parts.any(|part| {
                part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            named && !refused
        })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    async fn body(response: Response) -> axum::body::Bytes {
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_the_page_names_is_there() {
        let page = body(answer(PAGE, &HeaderMap::new()).unwrap()).await;
        let page = std::str::from_utf8(&page).unwrap();
        let names: Vec<_> =
            page.split("\"/docs/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        for name in names {
            let file = body(answer(name, &HeaderMap::new()).unwrap()).await;
            assert!(!file.is_empty(), "{name}");
        }
        assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains("//"));
    }

    #[tokio::test]
    async fn a_packed_file_is_the_same_file() {
        for asset in ASSETS {
            let packed = headers(&[(ACCEPT_ENCODING, "br, gzip;q=0.5")]);
            let packed = answer(asset.name, &packed).unwrap();
            assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
            let packed = body(packed).await;
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, asset.plain);
        }
    }

    #[test]
    fn a_file_the_browser_has_is_not_sent_again() {
        let first = answer("start.js", &HeaderMap::new()).unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap();
        let again = answer("start.js", &headers(&[(IF_NONE_MATCH, tag)])).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let packed = headers(&[(IF_NONE_MATCH, tag), (ACCEPT_ENCODING, "gzip")]);
        assert_eq!(answer("start.js", &packed).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for name in ["", "..", "../Cargo.toml", "index.html/", "swagger-ui.css.gz"] {
            assert_eq!(answer(name, &HeaderMap::new()).unwrap_err().kind(), ProblemKind::NotFound);
        }
    }

    #[test]
    fn gzip_is_sent_only_where_it_is_wanted() {
        let accepts = |value| accepts_gzip(&headers(&[(ACCEPT_ENCODING, value)]));
        assert!(accepts("gzip") && accepts("deflate, GZIP ; q=0.1"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("x-gzip-not") && !accepts(""));
    }
}
