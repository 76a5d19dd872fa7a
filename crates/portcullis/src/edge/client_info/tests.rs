use super::*;

fn arrival(peer: &str, trusted: &[&str], headers: &[(&str, impl AsRef<[u8]>)]) -> ClientInfo {
    let proxies = Proxies::trusting(trusted.iter().map(|net| net.parse().unwrap()));
    behind(&proxies, peer, headers)
}

fn behind(proxies: &Proxies, peer: &str, headers: &[(&str, impl AsRef<[u8]>)]) -> ClientInfo {
    let mut request = http::Request::builder().uri("/").header("host", "api.example");
    for (name, value) in headers {
        request = request.header(*name, value.as_ref());
    }
    let mut parts = request.body(()).unwrap().into_parts().0;
    let peer: IpAddr = peer.parse().unwrap();
    parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 5))));
    ClientInfo::of(&parts, proxies)
}

/// Faults §11, row 1.
#[test]
fn every_list_is_read_at_the_clients_hop() {
    // The client comes to 10.0.0.2, that one to 10.0.0.1, that one to this server.
    let through_two = "203.0.113.7, 10.0.0.2";
    for (addresses, scheme, secure) in [
        ("203.0.113.7", "wss", true),
        ("203.0.113.7", "WSS", true),
        ("203.0.113.7", "ws", false),
        (through_two, "https,http", true),
        (through_two, "https, https", true),
        (through_two, "http,https", false),
        // One value that both proxies hand on, and one that does not say of which hop it speaks.
        (through_two, "https", true),
        (through_two, "http", false),
        ("203.0.113.7, 10.0.0.3, 10.0.0.2", "https,http", false),
        // The client wrote the first of each list.
        ("127.0.0.1, 203.0.113.7, 10.0.0.2", "https,http,https", false),
        ("127.0.0.1, 203.0.113.7, 10.0.0.2", "http,https,http", true),
        ("203.0.113.7", "https,http", false),
        (through_two, "", false),
        (through_two, "https,", true),
    ] {
        let headers = [("x-forwarded-for", addresses), ("x-forwarded-proto", scheme)];
        let read = arrival("10.0.0.1", &["10.0.0.0/8"], &headers);
        assert_eq!(read.secure, secure, "{addresses} by {scheme}");
        assert_eq!(address_of(&read), "203.0.113.7");
    }
    for (standard, secure) in [
        ("for=203.0.113.7;proto=wss", true),
        ("for=203.0.113.7;proto=https, for=10.0.0.2;proto=http", true),
        ("for=203.0.113.7;proto=http, for=10.0.0.2;proto=https", false),
        ("for=203.0.113.7, for=10.0.0.2;proto=https", false),
    ] {
        let read = arrival("10.0.0.1", &["10.0.0.0/8"], &[("forwarded", standard)]);
        assert_eq!(read.secure, secure, "{standard}");
    }
    for (hosts, host) in [
        ("shop.example, inner.example", "shop.example"),
        ("evil.example, shop.example, inner.example", "shop.example"),
        ("shop.example", "shop.example"),
    ] {
        let headers = [("x-forwarded-for", through_two), ("x-forwarded-host", hosts)];
        let read = arrival("10.0.0.1", &["10.0.0.0/8"], &headers);
        assert_eq!(read.host.as_deref(), Some(host), "{hosts}");
    }
    // Without an address there is no place: all must say the same.
    for (scheme, secure) in [("https", true), ("https,http", false), ("http,https", false)] {
        let read = arrival("10.0.0.1", &["10.0.0.0/8"], &[("x-forwarded-proto", scheme)]);
        assert_eq!(read.secure, secure, "{scheme}");
    }
}

/// Faults §11, row 2.
#[test]
fn where_one_header_is_named_the_other_counts_for_nothing() {
    let headers = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "for=127.0.0.1;proto=https;host=evil.example"),
    ];
    let proxies = Proxies::trusting(["10.0.0.0/8".parse().unwrap()]);
    let read = behind(&proxies.clone().writing(ForwardedHeader::XForwarded), "10.0.0.1", &headers);
    assert_eq!(address_of(&read), "203.0.113.7");
    assert!(!read.secure && read.host.as_deref() == Some("api.example"));
    let read = behind(&proxies.clone().writing(ForwardedHeader::Standard), "10.0.0.1", &headers);
    assert_eq!(address_of(&read), "127.0.0.1");
    assert!(read.secure && read.host.as_deref() == Some("evil.example"));
    assert_eq!(behind(&proxies, "10.0.0.1", &headers).address, None, "they differ");
}

fn address_of(arrival: &ClientInfo) -> String {
    arrival.address.map(|address| address.to_string()).unwrap_or_default()
}

#[test]
fn without_a_trusted_proxy_no_header_counts() {
    let forwarded = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")];
    let arrival = arrival("192.0.2.1", &["10.0.0.0/8"], &forwarded);
    assert_eq!(address_of(&arrival), "192.0.2.1");
    assert!(!arrival.secure && !arrival.through_proxy);
}

#[test]
fn the_rightmost_untrusted_address_is_the_clients() {
    let forwarded = [("x-forwarded-for", "127.0.0.1, 203.0.113.7, 10.0.0.2")];
    assert_eq!(address_of(&arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded)), "203.0.113.7");
}

#[test]
fn the_standard_header_is_read_with_ports_and_brackets() {
    let forwarded = [("forwarded", r#"for="[2001:db8::7]:4711";proto=https;host=shop.example"#)];
    let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded);
    assert_eq!(address_of(&arrival), "2001:db8::7");
    assert!(arrival.secure);
    assert_eq!(arrival.host.as_deref(), Some("shop.example"));
}

#[test]
fn a_client_cannot_speak_for_the_proxy_it_comes_through() {
    // The client wrote the left element, the proxy the right one.
    let forwarded = [("forwarded", "for=127.0.0.1;proto=https, for=203.0.113.7;proto=http")];
    let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded);
    assert_eq!(address_of(&arrival), "203.0.113.7");
    assert!(!arrival.secure);
}

#[test]
fn a_hop_that_hides_itself_leaves_the_address_unknown() {
    let forwarded = [("forwarded", "for=127.0.0.1, for=_hidden")];
    assert_eq!(arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded).address, None);
    let forwarded = [("x-forwarded-for", "127.0.0.1, nonsense")];
    assert_eq!(arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded).address, None);
}

#[test]
fn a_trusted_proxy_that_says_nothing_is_the_client() {
    assert_eq!(address_of(&arrival("10.0.0.1", &["10.0.0.0/8"], NONE)), "10.0.0.1");
}

const NONE: &[(&str, &str)] = &[];

/// A proxy on this host that adds `X-Forwarded-For`, and lets what the client wrote through.
fn behind_nginx(sent: &[(&str, &[u8])]) -> ClientInfo {
    let mut headers: Vec<(&str, Vec<u8>)> =
        sent.iter().map(|(name, value)| (*name, value.to_vec())).collect();
    match headers.iter_mut().find(|(name, _)| *name == "x-forwarded-for") {
        Some((_, value)) => value.extend_from_slice(b", 203.0.113.7"),
        None => headers.push(("x-forwarded-for", b"203.0.113.7".to_vec())),
    }
    headers.push(("x-forwarded-proto", b"http".to_vec()));
    arrival("127.0.0.1", &["127.0.0.1/32"], &headers)
}

#[test]
fn what_a_client_writes_never_makes_it_somebody_else() {
    let forged: [(&str, &[u8]); 12] = [
        ("x-forwarded-for", b"127.0.0.1"),
        ("x-forwarded-for", b"\xff"),
        ("x-forwarded-for", b"\"127.0.0.1, x"),
        ("x-forwarded-for", b"[::1]:80,, "),
        ("forwarded", b"for=127.0.0.1;proto=https"),
        ("forwarded", b"for=127.0.0.1, proto=https"),
        ("forwarded", b""),
        ("forwarded", b","),
        ("forwarded", b"nonsense"),
        ("forwarded", b"for=\"127.0.0.1"),
        ("forwarded", b"\xff"),
        ("forwarded", b"proto=https"),
    ];
    for (name, value) in forged {
        let arrival = behind_nginx(&[(name, value)]);
        let shown = String::from_utf8_lossy(value).into_owned();
        match name {
            "forwarded" => assert_eq!(arrival.address, None, "{shown}"),
            _ => assert_eq!(address_of(&arrival), "203.0.113.7", "{shown}"),
        }
        assert!(!arrival.secure && arrival.through_proxy, "{shown}");
    }
}

#[test]
fn both_headers_are_believed_where_they_agree() {
    let agreeing: (&str, &[u8]) = ("forwarded", b"For=\"203.0.113.7:4711\" ; Proto=https");
    let arrival = behind_nginx(&[agreeing]);
    assert_eq!(address_of(&arrival), "203.0.113.7");
    assert!(!arrival.secure, "one of them says http");
}

#[test]
fn quoted_commas_and_semicolons_separate_nothing() {
    // A proxy that repeats `Host` in quotes repeats whatever the client put there.
    for host in ["a, for=127.0.0.1", "a;for=127.0.0.1", "a\\\", for=127.0.0.1;x=\\\"b"] {
        let forwarded = [("forwarded", format!("for=203.0.113.7;host=\"{host}\";proto=https"))];
        let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded);
        assert_eq!(address_of(&arrival), "203.0.113.7", "{forwarded:?}");
        assert!(arrival.secure);
    }
}

#[test]
fn an_open_quotation_swallows_no_other_line() {
    let forwarded =
        [("forwarded", "for=\"127.0.0.1"), ("forwarded", "for=203.0.113.7;proto=https")];
    let arrival = arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded);
    assert_eq!(address_of(&arrival), "203.0.113.7");
}

#[test]
fn a_hop_said_twice_or_not_at_all_is_unknown() {
    for element in
        ["for=127.0.0.1;for=203.0.113.7", "for=127.0.0.1, by=10.0.0.1", "for=", "=x", "for"]
    {
        let forwarded = [("forwarded", element)];
        assert_eq!(arrival("10.0.0.1", &["10.0.0.0/8"], &forwarded).address, None, "{element}");
    }
}

proptest::proptest! {
    /// Whatever a client writes, the address is the one its proxy saw, or unknown.
    #[test]
    fn nobody_chooses_an_address(
        older in "[0-9a-z\\[\\]:.,;=\"\\\\ ]{0,40}",
        standard in proptest::option::of("(for=|proto=|\"|,|;|127\\.0\\.0\\.1|\\\\| |=|x){0,12}"),
        adds_standard: bool,
    ) {
        let mut forwarded = vec![("x-forwarded-for", format!("{older}, 203.0.113.7"))];
        if adds_standard {
            let before = standard.map(|sent| format!("{sent}, ")).unwrap_or_default();
            forwarded = vec![("x-forwarded-for", older), ("forwarded", format!("{before}for=203.0.113.7"))];
        } else if let Some(standard) = standard {
            forwarded.push(("forwarded", standard));
        }
        let arrival = arrival("127.0.0.1", &["127.0.0.1/32"], &forwarded);
        let address = address_of(&arrival);
        proptest::prop_assert!(address.is_empty() || address == "203.0.113.7", "{forwarded:?}: {address}");
    }
}
