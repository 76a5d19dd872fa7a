//! What `portcullis check` says of good settings: what follows from them that is easily overlooked.

use portcullis::types::Origin;

use super::mail;
use crate::config::Settings;

/// A sentence for each.
pub(crate) fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    match mail::read(&settings.mail) {
        Ok((Some(server), Some(sender))) => {
            notes.push(format!("mail.url: e-mail goes to {} from {sender}", server.way));
        }
        _ => notes.push("mail.url: no mail server is set, so no e-mail is sent".to_owned()),
    }
    if !settings.server.trusted_proxies.is_empty() && settings.server.forwarded_header.is_none() {
        notes.push(
            "server.forwarded_header: where a client writes the header that your proxy does not, its address is \
             unknown; name the one that your proxy writes"
                .to_owned(),
        );
    }
    if settings.cors.credentials {
        let others =
            settings.cors.origins.iter().filter_map(|entry| cookie_is_lost(settings, entry));
        notes.extend(others.map(|lost| format!("cors.credentials: {lost}")));
    }
    notes
}

/// Why pages of this origin get nowhere with the session cookie; `None` where they may.
pub(crate) fn cookie_is_lost(settings: &Settings, origin: &str) -> Option<String> {
    let server = Origin::of_url(settings.server.public_url().as_str()).ok()?;
    // A pattern stands for one label more.
    let page: Origin = origin.replace("://*.", "://any.").parse().ok()?;
    (!are_same_site(&server, &page)).then(|| {
        format!(
            "pages of {origin} are of another site than {server}: the session cookie is `SameSite=Lax`, so a browser \
             neither keeps nor sends it there; serve the page below the same domain, or have it send a bearer token"
        )
    })
}

/// Whether a browser takes both for one site: the same scheme and the same registrable domain. Which
/// domains are registrable is a list that browsers keep; here it is the last two labels, or three where
/// the last but one is short, as in `co.uk`.
fn are_same_site(one: &Origin, other: &Origin) -> bool {
    one.scheme() == other.scheme() && site(one.host()) == site(other.host())
}

fn site(host: &str) -> &str {
    let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second), false) = (dots.next(), dots.next(), is_address) else {
        return host;
    };
    let short = last - second - 1 <= 3 && host.len() - last - 1 == 2;
    let start = if short { dots.next() } else { Some(second) };
    start.and_then(|at| host.get(at + 1..)).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_is_told_from_another() {
        let same =
            |one: &str, other: &str| are_same_site(&one.parse().unwrap(), &other.parse().unwrap());
        for (one, other) in [
            ("https://auth.example.org", "https://app.example.org:8443"),
            ("https://example.org", "https://a.b.example.org"),
            ("http://localhost:8000", "http://localhost:3000"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:3000"),
            ("https://auth.shop.co.uk", "https://www.shop.co.uk"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("https://auth.example.org", "https://example.com"),
            ("https://auth.example.org", "http://app.example.org"),
            ("http://127.0.0.1:8000", "http://localhost:8000"),
            ("http://127.0.0.1", "http://127.1.0.1"),
            ("https://auth.shop.co.uk", "https://auth.other.co.uk"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
