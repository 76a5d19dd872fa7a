//! What `build()` refuses, and what it does not.

use super::with_credentials;
use crate::cors::{Cors, Headers, LONGEST_MAX_AGE, Methods, Origins};

#[test]
fn what_cannot_work_or_is_dangerous_is_refused_all_at_once() {
    let error = Cors::closed()
        .origins(Origins::any())
        .methods(Methods::any())
        .headers(Headers::any().and("Cookie"))
        .expose_headers(["*", "set-cookie"])
        .credentials(true)
        .max_age(LONGEST_MAX_AGE + 1)
        .private_network(true)
        .at("/token", Cors::token_endpoint(["https://a.example/"]))
        .at("token", Cors::never().origins("https://a.example"))
        .build()
        .unwrap_err();
    let settings: Vec<_> = error.faults.iter().map(|fault| &*fault.setting).collect();
    assert_eq!(
        settings,
        [
            "cors.headers",
            "cors.expose_headers",
            "cors.max_age",
            "cors.private_network",
            "cors.origins",
            "cors.methods",
            "cors.headers",
            "cors.expose_headers",
            "cors[/token].origins",
            "cors[token].origins",
        ]
    );
    assert!(error.faults.iter().all(|fault| !fault.wrong.is_empty() && !fault.fix.is_empty()));
}

#[test]
fn each_fault_alone_is_found() {
    let named = || Cors::closed().origins("https://app.example");
    for (cors, setting, fix) in [
        (Cors::closed().credentials(true), "cors.credentials", "name the origins"),
        (named().origins(["*", "https://a.example"]), "cors.origins", "keep `*` alone"),
        (named().origins(["https://a.example"; 2]), "cors.origins", "once"),
        (named().origins("https://a.example/x"), "cors.origins", "write https://a.example"),
        (named().origins("https://*.com"), "cors.origins", "*.yours.com"),
        (named().origins("null").credentials(true), "cors.origins", "take `null` out"),
        (named().origins("http://a.example").credentials(true), "cors.origins", "use https"),
        (named().origins("http://*.a.example").credentials(true), "cors.origins", "use https"),
        (named().methods(["patch"]), "cors.methods", "write PATCH"),
        (named().methods(["GET", "GET"]), "cors.methods", "once"),
        (named().methods(["TRACE"]), "cors.methods", "take it out"),
        (named().methods(["A B"]), "cors.methods", "name methods"),
        (named().methods(["GET,PUT"]), "cors.methods", "name methods"),
        (named().headers(["x own"]), "cors.headers", "name headers"),
        (named().headers(["Sec-Fetch-Site"]), "cors.headers", "take it out"),
        (named().headers(["X-A", "x-a"]), "cors.headers", "once"),
        (named().expose_headers(["Set-Cookie"]), "cors.expose_headers", "take it out"),
        (named().max_age(86_401), "cors.max_age", "86400"),
    ] {
        let error = cors.build().unwrap_err();
        assert_eq!(error.faults.len(), 1, "{error}");
        assert_eq!(error.faults[0].setting, setting);
        assert!(error.faults[0].fix.contains(fix), "{error}");
    }
}

#[test]
fn what_is_harmless_is_not_refused() {
    for cors in [
        Cors::closed(),
        Cors::closed().origins("http://localhost:3000").credentials(true),
        Cors::closed().origins("http://a.example"),
        Cors::closed().origins("capacitor://localhost").credentials(true),
        Cors::closed().origins(vec!["*".to_owned()]).headers(["*", "authorization"]).methods(["*"]),
        Cors::closed().origins(Origins::when(|_| true)).credentials(true),
        Cors::closed().origins("https://a.example").methods(["PURGE"]).max_age(0),
        Cors::public_metadata(),
        Cors::token_endpoint(Origins::any()),
    ] {
        cors.build().unwrap();
    }
}

#[test]
fn a_star_does_not_cover_authorization() {
    let any = || Cors::closed().origins("https://a.example").headers(Headers::any());
    let error = any().build().unwrap().check_authorization().unwrap_err();
    assert_eq!(error.faults[0].setting, "cors.headers");
    let named = any().headers(Headers::any().and("Authorization"));
    named.build().unwrap().check_authorization().unwrap();
    Cors::closed().headers(Headers::any()).build().unwrap().check_authorization().unwrap();
    with_credentials().check_authorization().unwrap();
}

#[test]
fn the_origins_that_may_send_cookies_are_known() {
    let rules = with_credentials().base().credentialed_origins().to_vec();
    assert_eq!(
        rules.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["https://app.example", "https://*.shops.example"]
    );
    let without = Cors::closed().origins("https://a.example").build().unwrap();
    assert!(without.base().credentialed_origins().is_empty());
}
