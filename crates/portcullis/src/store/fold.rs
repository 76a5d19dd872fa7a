//! When two logins are the same one.

use unicode_normalization::UnicodeNormalization;

/// Folds a username or e-mail address so that what differs only in case, or in how the same
/// characters are written (Unicode's form NFKC: composed or not, full width or not), becomes equal.
///
/// Case is folded character by character, upper case first: that also makes one of `ß` and `ss`, and
/// of the two small sigmas, where `to_lowercase` alone would let two people have them.
///
/// ```
/// use portcullis::store::fold;
///
/// assert_eq!(fold("ÏVAN"), fold("ïvan"));
/// assert_eq!(fold("Straße"), fold("STRASSE"));
/// assert_eq!(fold("i\u{308}van"), fold("ïvan"), "as a Mac writes it");
/// assert_eq!(fold("ａｄａ"), fold("ada"));
/// ```
#[must_use]
pub fn fold(login: &str) -> String {
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

    use super::fold;

    #[test]
    fn every_character_is_folded_for_good() {
        for character in '\0'..=char::MAX {
            let alone = fold(&character.to_string());
            assert_eq!(fold(&character.to_uppercase().to_string()), alone, "{character:?}");
            let marked = fold(&format!("a{character}\u{345}\u{308}"));
            assert_eq!((fold(&alone), fold(&marked)), (alone, marked), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(login in ".{0,20}") {
            prop_assert_eq!(fold(&fold(&login)), fold(&login));
        }

        #[test]
        fn case_does_not_matter(login in ".{0,20}") {
            prop_assert_eq!(fold(&login.to_uppercase()), fold(&login));
        }
    }
}
