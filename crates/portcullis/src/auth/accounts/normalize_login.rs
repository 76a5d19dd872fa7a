//! When two logins are the same one.

use unicode_normalization::UnicodeNormalization;

/// Normalizes a username or e-mail address so that what differs only in case, or in how the same
/// characters are written (Unicode's form NFKC: composed or not, full width or not), becomes equal.
///
/// Case is normalized character by character, upper case first: that also makes one of `ß` and `ss`, and
/// of the two small sigmas, where `to_lowercase` alone would let two people have them.
///
/// ```
/// use portcullis::auth::normalize_login;
///
/// assert_eq!(normalize_login("ÏVAN"), normalize_login("ïvan"));
/// assert_eq!(normalize_login("Straße"), normalize_login("STRASSE"));
/// assert_eq!(normalize_login("i\u{308}van"), normalize_login("ïvan"), "as a Mac writes it");
/// assert_eq!(normalize_login("ａｄａ"), normalize_login("ada"));
/// ```
#[must_use]
pub fn normalize_login(login: &str) -> String {
    let once = |text: &str| -> String {
        let folded = text.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        folded.nfkc().collect()
    };
    // What came apart may fold once more.
    once(&once(login))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::normalize_login;

    #[test]
    fn every_character_is_folded_for_good() {
        for character in '\0'..=char::MAX {
            let alone = normalize_login(&character.to_string());
            assert_eq!(
                normalize_login(&character.to_uppercase().to_string()),
                alone,
                "{character:?}"
            );
            let marked = normalize_login(&format!("a{character}\u{345}\u{308}"));
            assert_eq!(
                (normalize_login(&alone), normalize_login(&marked)),
                (alone, marked),
                "{character:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(login in ".{0,20}") {
            prop_assert_eq!(normalize_login(&normalize_login(&login)), normalize_login(&login));
        }

        #[test]
        fn case_does_not_matter(login in ".{0,20}") {
            prop_assert_eq!(normalize_login(&login.to_uppercase()), normalize_login(&login));
        }
    }
}
