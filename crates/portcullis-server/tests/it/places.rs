//! `[geo]`: where a client is, by a database file or by the word of a trusted proxy.

use std::path::Path;

use crate::portcullis::{Folder, basic};

/// Austria is 192.0.2.0/25 and 2001:db8:a::/48 in it, Germany 198.51.100.0/24 and 2001:db8:d::/48.
fn database() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../portcullis/tests/places/countries.mmdb")
}

fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    let text = format!(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[geo]\ndatabase_file = \"{}\"\n{more}",
        database().display()
    );
    folder.write("portcullis.toml", &text);
    folder.add_user("anna");
    let only = r#"user permissions anna allow audit:read --condition '{"countries": ["AT"]}'"#;
    folder.run(only).good();
    folder
}

#[test]
fn a_grant_for_a_country_counts_where_the_file_says_the_address_is() {
    let folder = folder("");
    folder.run("check").good();
    let server = folder.start("serve");
    let from = |address: &str, more: &[&str]| {
        let mut lines = basic("anna");
        lines.push(format!("X-Forwarded-For: {address}"));
        lines.push("X-Forwarded-Proto: https".to_owned());
        lines.extend(more.iter().map(|&line| line.to_owned()));
        server.get("/audit", &lines)
    };
    for (address, status) in [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("2001:db8:a::7", 200),
        ("198.51.100.7", 403),
        ("2001:db8:d::7", 403),
        ("192.0.2.200", 403),
        // What stands left of the client's address is what it made up.
        ("192.0.2.7, 198.51.100.7", 403),
    ] {
        assert_eq!(from(address, &[]), status, "{address}");
    }
    assert_eq!(from("198.51.100.7", &["CF-IPCountry: AT"]), 403, "no header was declared");
    assert_eq!(server.get("/audit", &basic("anna")), 403, "loopback is in no country");
    server.stop();
    let said = folder.run("why anna GET /audit --from 192.0.2.7").good();
    assert!(said.contains("\nallowed\n") && said.contains("from AT (holds)"), "{said}");
    let said = folder.run("why anna GET /audit --from 2001:db8:d::7").good();
    assert!(said.contains("from AT (does not hold)"), "{said}");
    let said = folder.run("why anna GET /audit --from 127.0.0.1").good();
    assert!(said.contains("from AT (unknown)"), "{said}");
}

#[test]
fn the_word_of_a_trusted_proxy_goes_before_the_file() {
    let folder = folder("country_header = \"CF-IPCountry\"\n");
    let server = folder.start("serve");
    let from = |country: &str| {
        let mut lines = basic("anna");
        lines.push("X-Forwarded-For: 198.51.100.7".to_owned());
        lines.push("X-Forwarded-Proto: https".to_owned());
        lines.push(format!("CF-IPCountry: {country}"));
        server.get("/audit", &lines)
    };
    assert_eq!([from("AT"), from("DE"), from("T1"), from("")], [200, 403, 403, 403]);
    server.stop();
}

#[test]
fn a_file_that_is_missing_broken_or_of_something_else_is_said_at_start() {
    let folder = Folder::new();
    let set = |folder: &Folder, text: &str| drop(folder.write("portcullis.toml", text));
    set(&folder, "[geo]\ndatabase_file = \"none.mmdb\"\n");
    for command in ["check", "serve"] {
        folder.run(command).refused(1, &["geo.database_file", "none.mmdb cannot be read", "fix: "]);
    }
    let whole = std::fs::read(database()).unwrap();
    std::fs::write(folder.path("half.mmdb"), &whole[..whole.len() / 2]).unwrap();
    set(&folder, "[geo]\ndatabase_file = \"half.mmdb\"\ncountry_header = \"a b\"\n");
    let words = ["half.mmdb is no database of countries", "fix: ", "geo.country_header"];
    folder.run("check").refused(1, &words);
    folder.run("serve").refused(1, &words);
    set(&folder, "[geo]\ncountry_header = \"CF-IPCountry\"\n");
    folder.run("check").refused(1, &["geo.country_header", "server.trusted_proxies"]);
}

#[test]
fn a_database_that_changes_is_taken_up_and_a_broken_one_is_not() {
    let folder = Folder::new();
    let file = folder.path("places.mmdb");
    std::fs::copy(database(), &file).unwrap();
    folder.write(
        "portcullis.toml",
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[geo]\ndatabase_file = \"places.mmdb\"\n",
    );
    folder.add_user("anna");
    folder
        .run(r#"user permissions anna allow audit:read --condition '{"countries": ["AT"]}'"#)
        .good();
    let server = folder.start("serve");
    let from = |address: &str| {
        let mut lines = basic("anna");
        lines.push(format!("X-Forwarded-For: {address}"));
        lines.push("X-Forwarded-Proto: https".to_owned());
        server.get("/audit", &lines)
    };
    let (austria, germany) = ("192.0.2.7", "198.51.100.7");
    assert_eq!((from(austria), from(germany)), (200, 403));
    let longer_than_a_look = std::time::Duration::from_millis(4500);

    std::fs::write(&file, "half a download").unwrap();
    std::thread::sleep(longer_than_a_look);
    assert_eq!((from(austria), from(germany)), (200, 403), "the old one stays");

    // The two countries change names.
    let swapped: Vec<u8> = std::fs::read(database()).unwrap();
    let swapped = swap(&swapped, b"BAT", b"BDE");
    std::fs::write(folder.path("new"), swapped).unwrap();
    std::fs::rename(folder.path("new"), &file).unwrap();
    std::thread::sleep(longer_than_a_look);
    assert_eq!((from(austria), from(germany)), (403, 200));
    server.stop();
}

/// Puts each in the place of the other, everywhere.
fn swap(bytes: &[u8], one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut swapped = bytes.to_vec();
    for at in 0..=bytes.len() - one.len() {
        let here = &bytes[at..at + one.len()];
        let new = if here == one {
            other
        } else if here == other {
            one
        } else {
            continue;
        };
        swapped[at..at + one.len()].copy_from_slice(new);
    }
    assert_ne!(swapped, bytes);
    swapped
}
