//! Origins as browsers write them, patterns, and what is refused.

use super::*;

#[test]
fn an_origin_is_taken_only_as_browsers_write_it() {
    for good in [
        "https://app.example",
        "https://app.example:8443",
        "http://localhost:3000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://[::ffff:102:304]",
        "https://xn--exmple-cua.example",
        "https://under_score.example",
        "capacitor://localhost",
    ] {
        assert_eq!(good.parse::<Origin>().unwrap().as_str(), good);
    }
    for (bad, fix) in [
        ("https://app.example/", "write https://app.example"),
        ("https://app.example/path", "write https://app.example"),
        ("https://app.example?q", "write https://app.example"),
        ("https://App.Example", "write https://app.example"),
        ("https://app.example:443", "write https://app.example"),
        ("http://app.example:80", "write http://app.example"),
        ("app.example", "write https://app.example"),
        ("https://app.example.", "write https://app.example"),
        ("https://[::0:1]", "write https://[::1]"),
        ("https://[::ffff:1.2.3.4]", "write https://[::ffff:102:304]"),
    ] {
        assert_eq!(bad.parse::<Origin>().unwrap_err().fix, fix, "{bad}");
    }
    for bad in [
        "",
        "*",
        "null",
        "https://",
        "https://me@app.example",
        "https://exämple.com",
        "https://a..b",
        "https://-a.example",
        "https://app.example:",
        "https://app.example:0",
        "https://app.example:08443",
        "https://app.example:65536",
        "https://0x7f.1",
        "https://127.1",
        "https://1.2.3.256",
        "https://*.example.com",
        "file:///x",
        "https://[::1",
        "https://a b.example",
        "://x",
        "https://app.example,https://b.example",
    ] {
        bad.parse::<Origin>().expect_err(bad);
    }
}

#[test]
fn a_pattern_means_one_whole_label() {
    let rule: OriginRule = "https://*.example.com:8443".parse().unwrap();
    assert!(rule.matches(b"https://a.example.com:8443"));
    for other in [
        "https://example.com:8443",
        "https://.example.com:8443",
        "https://a.example.com",
        "https://a.b.example.com:8443",
        "http://a.example.com:8443",
        "https://aexample.com:8443",
        "https://a@b.example.com:8443",
        "https://a.example.com:84430",
        "https://A.example.com:8443",
        "https://a/.example.com:8443",
        "https://*.example.com:8443",
        "null",
        "",
    ] {
        assert!(!rule.matches(other.as_bytes()), "{other}");
    }
    assert_eq!(rule.to_string(), "https://*.example.com:8443");
}

#[test]
fn a_pattern_too_wide_is_refused() {
    for wide in [
        "https://*",
        "https://*.",
        "https://*.com",
        "https://*.co.uk",
        "https://*.github.io",
        "https://*.*.example.com",
        "https://a*.example.com",
        "https://a.*.example.com",
        "https://*.1.2.3.4",
        "app://*.example.com",
        "*",
        "*.example.com",
        "https://*.example.com/",
        "https://*.example.com:443",
    ] {
        wide.parse::<OriginRule>().expect_err(wide);
    }
    "http://*.localhost:3000".parse::<OriginRule>().unwrap();
}

#[test]
fn cleartext_is_open_to_the_network_but_on_this_machine() {
    for (rule, open) in [
        ("http://app.example", true),
        ("http://*.app.example:81", true),
        ("http://localhost:1", false),
        ("http://a.localhost", false),
        ("http://*.localhost", false),
        ("http://127.3.2.1", false),
        ("http://[::1]:5", false),
        ("http://localhost.example", true),
        ("https://app.example", false),
    ] {
        assert_eq!(rule.parse::<OriginRule>().unwrap().is_open_to_the_network(), open, "{rule}");
    }
}

#[test]
fn the_origin_of_an_address() {
    let of = |url| Origin::of_url(url).map(|origin| origin.to_string()).unwrap();
    assert_eq!(of("https://api.example/v1?x#y"), "https://api.example");
    assert_eq!(of("http://127.0.0.1:8000"), "http://127.0.0.1:8000");
    Origin::of_url("/v1").expect_err("no scheme");
}
