//! Cookies found, set and cleared.

use http::Request;
use proptest::prelude::*;

use super::*;

fn find(session: &SessionCookie, cookies: &[&str]) -> Result<Option<String>, Rejection> {
    let mut request = Request::get("/");
    for line in cookies {
        request = request.header(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    session.find(&parts).map(|found| found.map(|credential| credential.0.expose().to_owned()))
}

#[test]
fn it_is_found_among_others() {
    let session = cookie("__Host-s");
    for (cookies, expected) in [
        (&["__Host-s=abc"][..], Some("abc")),
        (&["a=1; __Host-s=abc; b=2"], Some("abc")),
        (&["a=1;__Host-s=abc"], Some("abc")),
        (&["a=1", "__Host-s=abc"], Some("abc")),
        (&["ä=ö; \"; ==; __Host-s=a=b"], Some("a=b")),
        (&["__Host-s="], None),
        (&["__Host-s"], None),
        (&["=__Host-s=abc"], None),
        (&["x__Host-s=abc; __Host-s2=abc; __host-s=abc"], None),
        (&["__Host-s =abc"], None),
        (&[], None),
    ] {
        assert_eq!(find(&session, cookies).unwrap().as_deref(), expected, "{cookies:?}");
    }
    assert_eq!(find(&cookie(""), &["=abc"]).unwrap(), None);
}

#[test]
fn two_are_refused_and_what_cannot_be_a_value_is_none() {
    let session = cookie("__Host-s");
    for two in [&["__Host-s=a; __Host-s=a"][..], &["__Host-s=a", "__Host-s=b"]] {
        assert!(matches!(find(&session, two), Err(Rejection::Ambiguous)), "{two:?}");
    }
    let long = format!("__Host-s={}", "a".repeat(LONGEST_COOKIE_PAIR));
    for bad in ["__Host-s=\"a\"", "__Host-s=a b", "__Host-s=ä", "__Host-s=a,b", &long] {
        assert_eq!(find(&session, &[bad]).unwrap(), None, "{bad}");
    }
}

#[test]
fn another_site_cannot_use_it_to_change_anything() {
    let request = |method: &str, cookies: &str| {
        let (parts, ()) = Request::builder()
            .method(method)
            .header(COOKIE, cookies)
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://evil.example")
            .body(())
            .unwrap()
            .into_parts();
        parts
    };
    let session = cookie("__Host-s");
    assert!(matches!(session.find(&request("POST", "__Host-s=a")), Err(Rejection::CrossSite)));
    assert!(matches!(session.find(&request("GET", "__Host-s=a")), Ok(Some(_))));
    assert!(matches!(session.find(&request("POST", "other=a")), Ok(None)));
    assert!(session.is_brought(&request("GET", "x=1; __Host-s=a")));
    assert!(!session.is_brought(&request("GET", "__Host-s=; other=a")));
    let trusting = session.csrf(Csrf::new().trust(["https://evil.example".parse().unwrap()]));
    assert!(matches!(trusting.find(&request("POST", "__Host-s=a")), Ok(Some(_))));
}

#[test]
fn it_is_set_and_cleared_with_the_same_attributes() {
    let session = cookie("__Host-s").same_site(SameSite::Strict);
    assert_eq!(
        session.set("v", None).unwrap(),
        "__Host-s=v; Path=/; HttpOnly; SameSite=Strict; Secure"
    );
    assert_eq!(
        session.clear().unwrap(),
        "__Host-s=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; \
         SameSite=Strict; Secure"
    );
    let plain = session.over_plain_loopback();
    assert_eq!(plain.name(), "s");
    assert_eq!(
        plain.set("v", Some(60)).unwrap(),
        "s=v; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    );
    assert!(plain.set("v", None).unwrap().is_sensitive());
}

#[test]
fn what_a_browser_would_drop_is_not_set() {
    let session = cookie("__Host-s");
    let fits = "a".repeat(LONGEST_COOKIE_PAIR - "__Host-s".len());
    session.set(&fits, None).unwrap();
    assert_eq!(
        session.set(&format!("{fits}a"), None),
        Err(CookieError::TooLong { bytes: LONGEST_COOKIE_PAIR + 1 })
    );
    assert_eq!(session.set("v", Some(LONGEST_COOKIE_AGE + 1)), Err(CookieError::Age));
    for value in ["", "a b", "a;b", "a\r\nb", "ä", "\"a\""] {
        assert_eq!(session.set(value, None), Err(CookieError::Value), "{value}");
    }
    for name in ["", "a b", "a;b", "a=b", "ä", "__host-s", "__HOST-s", "__Host-", "__secure-s"] {
        assert_eq!(cookie(name).set("v", None), Err(CookieError::Name), "{name}");
        cookie(name).check().expect_err(name);
    }
    let plain = CookieAttributes { secure: false, ..CookieAttributes::default() };
    assert_eq!(set_cookie("__Host-s", "v", &plain), Err(CookieError::Prefix));
}

#[test]
fn its_value_is_not_printed() {
    let (parts, ()) = Request::get("/").header(COOKIE, "s=hush").body(()).unwrap().into_parts();
    let credential = cookie("s").find(&parts).unwrap().unwrap();
    assert!(!format!("{credential:?}").contains("hush"));
}

proptest! {
    #[test]
    fn what_is_set_is_what_is_found(value in "[!#-+\\--:<-\\[\\]-~]{1,200}") {
        let session = cookie("__Host-s");
        let line = session.set(&value, None).unwrap();
        let pair = line.to_str().unwrap().split("; ").next().unwrap().to_owned();
        prop_assert_eq!(find(&session, &[&pair]).unwrap(), Some(value));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(header) = HeaderValue::from_bytes(&bytes) {
            let (parts, ()) =
                Request::post("/").header(COOKIE, header).body(()).unwrap().into_parts();
            if let Ok(Some(found)) = cookie("s").find(&parts) {
                prop_assert!(found.0.expose().bytes().all(is_cookie_octet));
            }
        }
    }
}
