//! When two logins are the same one.

/// Folds a username or e-mail address so that what differs only in case becomes equal.
///
/// Characters are folded one by one, upper case first: that also makes one of `ß` and `ss`, and of
/// the two small sigmas, where `to_lowercase` alone would let two people have them.
///
/// ```
/// use portcullis::store::fold;
///
/// assert_eq!(fold("ÏVAN"), fold("ïvan"));
/// assert_eq!(fold("Straße"), fold("STRASSE"));
/// ```
#[must_use]
pub fn fold(login: &str) -> String {
    login.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

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
