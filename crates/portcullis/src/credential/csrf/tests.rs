//! Who made a request, by each header that says so.

use http::Request;

use super::*;

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn verdict(method: &str, headers: &[(&str, &str)]) -> Result<(), CrossSite> {
    let with_host: Vec<_> = [("host", "api.example")].iter().chain(headers).copied().collect();
    check(&parts(method, "/", &with_host), None, &["https://app.example".parse().unwrap()])
}

#[test]
fn safe_methods_pass_and_others_do_not_by_themselves() {
    let hostile = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(verdict(method, &hostile), Ok(()));
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "BREW"] {
        assert_eq!(verdict(method, &hostile), Err(CrossSite::Declared), "{method}");
    }
}

#[test]
fn a_websocket_of_another_site_does_not_pass_as_a_safe_method() {
    let upgrade = ("upgrade", "websocket");
    assert_eq!(
        verdict("GET", &[upgrade, ("origin", "https://evil.example")]),
        Err(CrossSite::OtherOrigin)
    );
    assert_eq!(verdict("GET", &[upgrade, ("origin", "https://api.example")]), Ok(()));
}

#[test]
fn fetch_metadata_decides_first() {
    for (site, origin, expected) in [
        ("same-origin", "https://api.example", Ok(())),
        ("same-origin", "null", Ok(())),
        ("none", "null", Ok(())),
        ("same-site", "https://api.example", Err(CrossSite::Declared)),
        ("cross-site", "https://api.example", Err(CrossSite::Declared)),
        ("cross-site", "null", Err(CrossSite::Declared)),
        ("", "https://api.example", Err(CrossSite::Declared)),
        ("Same-Origin", "https://api.example", Err(CrossSite::Declared)),
        ("same-origin, cross-site", "https://api.example", Err(CrossSite::Declared)),
        ("cross-site", "https://app.example", Ok(())),
        ("same-site", "https://app.example", Ok(())),
    ] {
        let headers = [("sec-fetch-site", site), ("origin", origin)];
        assert_eq!(verdict("POST", &headers), expected, "{site} {origin}");
    }
    assert_eq!(verdict("POST", &[("sec-fetch-site", "cross-site")]), Err(CrossSite::Declared));
}

#[test]
fn an_old_browser_is_judged_by_origin() {
    for (origin, expected) in [
        ("https://api.example", Ok(())),
        ("http://api.example", Ok(())),
        ("https://app.example", Ok(())),
        ("null", Err(CrossSite::OtherOrigin)),
        ("", Err(CrossSite::OtherOrigin)),
        ("https://", Err(CrossSite::OtherOrigin)),
        ("https://evil.example", Err(CrossSite::OtherOrigin)),
        ("https://api.example.evil.example", Err(CrossSite::OtherOrigin)),
        ("https://evil-api.example", Err(CrossSite::OtherOrigin)),
        ("https://api.example:8443", Err(CrossSite::OtherOrigin)),
        ("https://API.example", Err(CrossSite::OtherOrigin)),
        ("https://api.example.", Err(CrossSite::OtherOrigin)),
        ("ftp://api.example", Err(CrossSite::OtherOrigin)),
        ("api.example", Err(CrossSite::OtherOrigin)),
    ] {
        assert_eq!(verdict("POST", &[("origin", origin)]), expected, "{origin}");
    }
}

#[test]
fn a_program_without_either_header_passes() {
    assert_eq!(verdict("POST", &[]), Ok(()));
    assert_eq!(verdict("POST", &[("referer", "https://evil.example/")]), Ok(()));
}

#[test]
fn the_public_origin_decides_over_a_rewritten_host() {
    let public: Origin = "https://api.example".parse().unwrap();
    let verdict = |origin| {
        let headers = [("host", "10.0.0.7:8000"), ("origin", origin)];
        check(&parts("POST", "/", &headers), Some(&public), &[])
    };
    assert_eq!(verdict("https://api.example"), Ok(()));
    assert_eq!(verdict("http://api.example"), Err(CrossSite::OtherOrigin));
    assert_eq!(verdict("http://10.0.0.7:8000"), Err(CrossSite::OtherOrigin));
}

#[test]
fn the_host_may_spell_out_the_port_and_the_target_comes_first() {
    let verdict = |uri, host| {
        let headers = [("host", host), ("origin", "https://api.example")];
        check(&parts("POST", uri, &headers), None, &[])
    };
    assert_eq!(verdict("/", "api.example:443"), Ok(()));
    assert_eq!(verdict("/", "api.example:80"), Err(CrossSite::OtherOrigin));
    assert_eq!(verdict("https://api.example/", "other.example"), Ok(()));
    assert_eq!(verdict("https://other.example/", "api.example"), Err(CrossSite::OtherOrigin));
    assert_eq!(verdict("https://x@api.example/", "api.example"), Err(CrossSite::OtherOrigin));
}

#[test]
fn repeated_headers_are_refused() {
    for repeated in ["sec-fetch-site", "origin"] {
        let headers = [(repeated, "same-origin"), (repeated, "same-origin")];
        assert_eq!(verdict("POST", &headers), Err(CrossSite::Repeated));
    }
    let headers = [("host", "a.example"), ("host", "api.example"), ("origin", "https://a.example")];
    assert_eq!(check(&parts("POST", "/", &headers), None, &[]), Err(CrossSite::Repeated));
}

#[test]
fn a_method_override_changes_nothing() {
    let headers = [("x-http-method-override", "GET"), ("sec-fetch-site", "cross-site")];
    assert_eq!(verdict("POST", &headers), Err(CrossSite::Declared));
}

#[test]
fn null_cannot_be_trusted() {
    let headers = [("host", "api.example"), ("origin", "null")];
    assert_eq!(
        check(&parts("POST", "/", &headers), None, &[OriginRule::Null]),
        Err(CrossSite::OtherOrigin)
    );
}

#[test]
fn a_remembered_password_is_not_for_other_sites() {
    let refused =
        |method, headers: &[(&str, &str)]| remembered(&parts(method, "/", headers)).is_err();
    for site in ["cross-site", "same-site", "Same-Origin", ""] {
        let site = ("sec-fetch-site", site);
        for mode in ["navigate", "no-cors", "websocket", "", "CORS"] {
            assert!(refused("POST", &[site, ("sec-fetch-mode", mode)]), "{site:?} {mode}");
        }
        assert!(refused("DELETE", &[site]));
        assert!(refused(
            "POST",
            &[site, ("sec-fetch-mode", "cors"), ("sec-fetch-mode", "navigate")]
        ));
        // Faults §13: what sets the header itself is a page that the rules on other origins list.
        let cors = [site, ("sec-fetch-mode", "cors")];
        assert!(refused("POST", &cors), "{site:?}");
        let mut listed = parts("POST", "/", &cors);
        listed.extensions.insert(ListedOrigin);
        assert!(remembered(&listed).is_ok());
        assert!(!refused("GET", &[site, ("sec-fetch-mode", "navigate")]));
    }
    assert!(refused(
        "POST",
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]
    ));
    for own in [&[][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]] {
        assert!(!refused("POST", own));
    }
}

#[test]
fn strict_rules_want_to_be_told_where_an_unsafe_request_began() {
    let said = |method: &str, header: Option<(&str, &str)>| {
        let mut request = Request::builder().method(method).uri("/").header("host", "api.example");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Csrf::new().strict(true).check(&parts)
    };
    assert!(matches!(said("POST", None), Err(CrossSite::Unsaid)));
    assert!(said("GET", None).is_ok());
    assert!(said("DELETE", Some(("sec-fetch-site", "same-origin"))).is_ok());
    assert!(said("DELETE", Some(("origin", "https://api.example"))).is_ok());
    assert!(said("DELETE", Some(("origin", "https://evil.example"))).is_err());
}
