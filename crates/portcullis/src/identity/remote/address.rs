//! Which addresses are asked: https ones, and on loopback http as well.

use std::net::IpAddr;

use reqwest::Url;

/// An address that may be asked.
///
/// # Errors
/// What is wrong with it.
pub(super) fn address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a username or password");
    }
    if url.fragment().is_some() {
        return Err("it has a fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("it is not https, nor http on loopback"),
    }
}

/// An issuer's own address, from which those of its metadata follow (RFC 8414 §2).
///
/// # Errors
/// What is wrong with it.
pub(super) fn issuer_address(text: &str) -> Result<Url, &'static str> {
    let url = address(text)?;
    if url.query().is_some() { Err("it has a query") } else { Ok(url) }
}

/// The address of keys that `issuer` names in its metadata. Only an issuer on loopback may lead to
/// plain http there: another must not reach what listens on this machine.
pub(super) fn address_named_by(issuer: &Url, text: &str) -> Option<Url> {
    let url = address(text).ok()?;
    (url.scheme() == "https" || issuer.scheme() == "http").then_some(url)
}

/// Where an issuer's metadata may be, in the order to be asked: OpenID Connect Discovery §4 puts
/// its name behind the issuer's path, RFC 8414 §3.1 before it.
pub(super) fn metadata(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    [
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || number.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback_is_asked() {
        for good in [
            "https://login.example/realm",
            "https://10.0.0.1/keys?v=1",
            "http://localhost:8080",
            "http://127.0.0.9",
            "http://[::1]:1/x",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "https://user@login.example",
            "https://user:pass@login.example",
            "https://login.example/#keys",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "data:application/json,{}",
            "login.example",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        assert!(issuer_address("https://login.example/?tenant=1").is_err());
    }

    #[test]
    fn an_issuer_elsewhere_cannot_lead_to_loopback() {
        let far = Url::parse("https://login.example").unwrap();
        let near = Url::parse("http://127.0.0.1:9").unwrap();
        assert!(address_named_by(&far, "https://keys.example/jwks").is_some());
        assert!(address_named_by(&far, "http://127.0.0.1/admin").is_none());
        assert!(address_named_by(&near, "http://127.0.0.1:9/jwks").is_some());
        assert!(address_named_by(&near, "http://keys.example/jwks").is_none());
        assert!(address_named_by(&near, "/jwks").is_none());
    }

    #[test]
    fn metadata_is_looked_for_in_both_places() {
        let of = |issuer: &str| metadata(&Url::parse(issuer).unwrap()).map(String::from);
        let places = of("https://a.example/realms/x/");
        assert_eq!(places[0], "https://a.example/realms/x/.well-known/openid-configuration");
        assert_eq!(places[1], "https://a.example/.well-known/oauth-authorization-server/realms/x");
        let places = of("https://a.example");
        assert_eq!(places[0], "https://a.example/.well-known/openid-configuration");
        assert_eq!(places[1], "https://a.example/.well-known/oauth-authorization-server");
    }
}
