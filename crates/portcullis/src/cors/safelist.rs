//! What a page may always send, and what it may never: the Fetch standard's lists (§2.2.1, §2.2.2).

/// Methods that need no preflight.
pub(super) fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// Methods that no page may use.
pub(super) fn is_forbidden_method(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|forbidden| method.eq_ignore_ascii_case(forbidden))
}

/// The method as a browser sends it: some are put in upper case, `patch` is not among them.
pub(super) fn normalize_method(method: &str) -> String {
    let upper = method.to_ascii_uppercase();
    if matches!(&*upper, "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT") {
        upper
    } else {
        method.to_owned()
    }
}

/// Request headers that only the browser itself sets.
pub(super) fn is_forbidden_header(name: &str) -> bool {
    const FORBIDDEN: &[&str] = &[
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    let name = name.to_ascii_lowercase();
    FORBIDDEN.contains(&&*name) || name.starts_with("proxy-") || name.starts_with("sec-")
}

/// Which of these headers make a preflight necessary, in lower case, sorted, once each
/// ("CORS-unsafe request-header names").
pub(super) fn unsafe_headers<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Vec<String> {
    let mut needing = Vec::new();
    let mut harmless = Vec::new();
    let mut size = 0;
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if is_safelisted_header(&name, value) {
            harmless.push(name);
            size += value.len();
        } else {
            needing.push(name);
        }
    }
    if size > 1024 {
        needing.append(&mut harmless);
    }
    needing.sort();
    needing.dedup();
    needing
}

/// Whether a page may send this header without asking ("CORS-safelisted request-header").
fn is_safelisted_header(name: &str, value: &[u8]) -> bool {
    if value.len() > 128 {
        return false;
    }
    match name {
        "accept" => !value.iter().copied().any(is_unsafe_byte),
        "accept-language" | "content-language" => value.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b' ' | b'*' | b',' | b'-' | b'.' | b';' | b'=')
        }),
        "content-type" => {
            !value.iter().copied().any(is_unsafe_byte)
                && essence(value).is_some_and(|essence| {
                    matches!(
                        &*essence,
                        "application/x-www-form-urlencoded" | "multipart/form-data" | "text/plain"
                    )
                })
        }
        "range" => is_simple_range(value),
        _ => false,
    }
}

/// "CORS-unsafe request-header byte".
fn is_unsafe_byte(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || matches!(byte, 0x7F) || b"\"():<>?@[\\]{}".contains(&byte)
}

/// The type and subtype of a media type, in lower case (MIME Sniffing standard §4.4).
fn essence(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let essence = text.split(';').next()?.trim_matches([' ', '\t', '\n', '\r']);
    let (kind, subtype) = essence.split_once('/')?;
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    (is_token(kind) && is_token(subtype)).then(|| essence.to_ascii_lowercase())
}

/// `bytes=0-255` or `bytes=255-`; not `bytes=-255`, and not with blanks.
fn is_simple_range(value: &[u8]) -> bool {
    let Some((first, last)) = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return false;
    };
    let number = |text: &str| {
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None }
    };
    match (number(first), number(last)) {
        (Some(_), None) => last.is_empty(),
        (Some(first), Some(last)) => first <= last,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_sorted_as_the_standard_does() {
        let long = "a".repeat(129);
        for (name, value, safe) in [
            ("Accept", "text/html, */*;q=0.8", true),
            ("accept", "text/{html}", false),
            ("accept", &long[..128], true),
            ("accept", &long, false),
            ("accept-language", "de-DE, *;q=0.5", true),
            ("accept-language", "de_DE", false),
            ("content-language", "en\"", false),
            ("content-type", "text/plain", true),
            ("content-type", " Text/Plain ; charset=UTF-8", true),
            ("content-type", "multipart/form-data; boundary=x", true),
            ("content-type", "application/x-www-form-urlencoded", true),
            ("content-type", "application/json", false),
            ("content-type", "text/plain; charset=\"utf-8\"", false),
            ("content-type", "text/plain, application/json", false),
            ("content-type", "text", false),
            ("content-type", "text/", false),
            ("content-type", "", false),
            ("range", "bytes=0-255", true),
            ("range", "bytes=255-", true),
            ("range", "bytes=-255", false),
            ("range", "bytes=2-1", false),
            ("range", "bytes=0-1,3-4", false),
            ("range", "bytes= 0-1", false),
            ("range", "bytes=+0-1", false),
            ("authorization", "x", false),
            ("x-own", "", false),
        ] {
            let unsafe_names = unsafe_headers([(name, value.as_bytes())].into_iter());
            assert_eq!(unsafe_names.is_empty(), safe, "{name}: {value}");
        }
    }

    #[test]
    fn many_harmless_headers_are_not_harmless_together() {
        let value = [b'a'; 128];
        let count =
            |times: usize| unsafe_headers(std::iter::repeat_n(("Accept", &value[..]), times));
        assert!(count(8).is_empty());
        assert_eq!(count(9), ["accept"]);
    }

    #[test]
    fn names_are_lower_case_sorted_and_once() {
        let headers = [("X-B", &b""[..]), ("x-a", b""), ("X-b", b""), ("accept", b"")];
        assert_eq!(unsafe_headers(headers.into_iter()), ["x-a", "x-b"]);
    }

    #[test]
    fn methods_as_the_browser_sends_them() {
        assert_eq!(normalize_method("put"), "PUT");
        assert_eq!(normalize_method("patch"), "patch");
        assert!(is_forbidden_method("trace") && !is_forbidden_method("PATCH"));
    }
}
