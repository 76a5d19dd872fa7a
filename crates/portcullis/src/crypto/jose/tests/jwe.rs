//! Wrapped tokens.

use proptest::prelude::*;

use super::*;
use crate::crypto::{Malformed, MasterSecret};

fn wrapping() -> JweKeys {
    JweKeys::new(MasterSecret::generate(&Sources::system()).unwrap())
}

#[test]
fn nobody_else_reads_it_and_it_reads_back_on_another_day() {
    let (ours, other) = (wrapping(), wrapping());
    let token = access().sign(key(Algorithm::EdDsa)).unwrap();
    let wrapped = ours.wrap(&token, &still(THEN)).unwrap();
    assert_eq!(ours.unwrap(&wrapped).unwrap().expose(), &token);
    assert_eq!(other.unwrap(&wrapped).unwrap_err(), Malformed);
    let parts: Vec<&str> = wrapped.split('.').collect();
    assert_eq!((parts.len(), parts[1]), (5, ""));
    let header = strict::object(&strict::decode(parts[0]).unwrap()).unwrap();
    assert_eq!(
        serde_json::Value::Object(header),
        serde_json::json!({
            "alg": "dir", "enc": "A256GCM", "kid": (THEN / 86_400).to_string(),
            "typ": "at+jwt", "cty": "JWT",
        })
    );
    assert_ne!(wrapped, ours.wrap(&token, &still(THEN)).unwrap());
    assert_eq!(ours.unwrap(&token).unwrap_err(), Malformed);
}

#[test]
fn only_the_header_we_write_is_read() {
    let keys = wrapping();
    let wrapped = keys.wrap("a.b.c", &still(THEN)).unwrap();
    let (_, rest) = wrapped.split_once('.').unwrap();
    let day = THEN / 86_400;
    for header in [
        format!(
            r#"{{"alg":"dir","enc":"A256GCM","kid":"{}","typ":"at+jwt","cty":"JWT"}}"#,
            day + 1
        ),
        format!(r#"{{"alg":"dir","enc":"A256GCM","kid":"0{day}","typ":"at+jwt","cty":"JWT"}}"#),
        format!(r#"{{"alg":"dir","enc":"A256GCM","kid":"+{day}","typ":"at+jwt","cty":"JWT"}}"#),
        format!(r#"{{"alg":"dir","enc":"A128GCM","kid":"{day}","typ":"at+jwt","cty":"JWT"}}"#),
        format!(r#"{{"alg":"none","enc":"A256GCM","kid":"{day}","typ":"at+jwt","cty":"JWT"}}"#),
        format!(
            r#"{{"alg":"dir","enc":"A256GCM","kid":"{day}","typ":"at+jwt","cty":"JWT","zip":"DEF"}}"#
        ),
        format!(r#"{{ "alg":"dir","enc":"A256GCM","kid":"{day}","typ":"at+jwt","cty":"JWT"}}"#),
        "{}".into(),
        String::new(),
    ] {
        let token = format!("{}.{rest}", strict::encode(header.as_bytes()));
        assert_eq!(keys.unwrap(&token).unwrap_err(), Malformed, "{header}");
    }
    for token in [wrapped.replace("..", ".AA."), format!("{wrapped}."), "x".repeat(20_000)] {
        assert_eq!(keys.unwrap(&token).unwrap_err(), Malformed);
    }
}

proptest! {
    #[test]
    fn one_changed_bit_is_seen(at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let keys = wrapping();
        let mut wrapped = keys.wrap("header.claims.signature", &still(THEN)).unwrap().into_bytes();
        let at = at.index(wrapped.len());
        wrapped[at] ^= 1 << bit;
        let wrapped = String::from_utf8(wrapped).unwrap();
        prop_assert_eq!(keys.unwrap(&wrapped).unwrap_err(), Malformed);
    }
}
