//! Which usernames there can be.

use unicode_normalization::UnicodeNormalization as _;

/// Says what is wrong with a username, or `None` where nothing is.
///
/// 1 to 64 characters; no colon (RFC 7617 §2 splits at the first one), no @ (that is how an
/// address is told from a name), no control character, no
/// invisible one (another name could look the same), no white space at either end.
///
/// ```
/// use portcullis::auth::username_fault;
///
/// assert_eq!(username_fault("ïvan"), None);
/// assert!(username_fault("a:b").is_some());
/// assert!(username_fault("\u{202e}ada").is_some());
/// ```
#[must_use]
pub fn username_fault(username: &str) -> Option<&'static str> {
    if username.is_empty() {
        Some("must not be empty")
    } else if username.chars().count() > 64 {
        Some("must have at most 64 characters")
    } else if username.nfkc().any(|c| c == ':') {
        Some("must not have a colon")
    } else if username.nfkc().any(|c| c == '@') {
        Some("must not have an @: an e-mail address signs in as well, as `email`")
    } else if username.chars().any(char::is_control) {
        Some("must not have a control character")
    } else if username.chars().any(is_invisible) {
        Some("must not have an invisible character")
    } else if username.trim() != username {
        Some("must not begin or end with white space")
    } else {
        None
    }
}

/// Whether it shows nothing of its own, or turns round what does: soft hyphens, joiners, marks and
/// overrides of direction, line separators, variation selectors, tags.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}
