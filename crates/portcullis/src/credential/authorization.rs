//! The `Authorization` header, cut at the first space (RFC 9110 §11.4).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::Rejection;

/// What stands behind `scheme` in the `Authorization` header; `None` where the header is absent
/// or of another scheme. Schemes are compared without regard to case.
///
/// # Errors
/// [`Rejection::Ambiguous`] where there are several such headers, [`Rejection::Malformed`] where
/// nothing readable stands behind the scheme.
pub(super) fn authorization<'a>(
    headers: &'a HeaderMap,
    scheme: &str,
) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::Ambiguous);
    }
    if !names_scheme(value.as_bytes(), scheme) {
        return Ok(None);
    }
    let text = value.to_str().map_err(|_| Rejection::Malformed)?;
    match text[scheme.len()..].trim_matches(' ') {
        "" => Err(Rejection::Malformed),
        credential => Ok(Some(credential)),
    }
}

/// Whether some `Authorization` header is of this scheme.
pub(super) fn is_brought(headers: &HeaderMap, scheme: &str) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| names_scheme(value.as_bytes(), scheme))
}

fn names_scheme(value: &[u8], scheme: &str) -> bool {
    let Some((head, rest)) = value.split_at_checked(scheme.len()) else { return false };
    head.eq_ignore_ascii_case(scheme.as_bytes()) && matches!(rest.first(), None | Some(b' '))
}
