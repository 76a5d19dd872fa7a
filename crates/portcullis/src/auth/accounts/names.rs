//! Which usernames there can be, and which of them look alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::{MixedScript as _, skeleton};

use super::normalize_login;

/// Says what is wrong with a username, or `None` where nothing is.
///
/// 1 to 64 characters; no colon (RFC 7617 §2 splits at the first one), no @ (that is how an
/// address is told from a name), no control character, no
/// invisible one (another name could look the same), no white space at either end, no two spaces in a
/// row. Its letters are of one script, or of Latin beside Chinese, Japanese or Korean (UTS 39 §5.2,
/// "highly restrictive"): a Cyrillic `а` among Latin letters is somebody else's name.
///
/// ```
/// use portcullis::auth::username_fault;
///
/// assert_eq!(username_fault("ïvan"), None);
/// assert!(username_fault("a:b").is_some());
/// assert!(username_fault("\u{202e}ada").is_some());
/// assert!(username_fault("\u{430}lice").is_some(), "a Cyrillic letter among Latin ones");
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
    } else if spaces_in_a_row(username) {
        Some("must not have two spaces in a row")
    } else if mixes_scripts(username) {
        Some("must be written in the letters of one script")
    } else {
        None
    }
}

/// What a username looks like: two names with one skeleton can be taken for each other (UTS 39 §4), in
/// capitals or not.
pub(super) fn name_skeleton(username: &str) -> String {
    // As it is typed, since a capital I looks like an l; then without regard to case.
    let composed: String = username.nfkc().collect();
    skeleton(&composed).flat_map(char::to_lowercase).collect()
}

/// Whether a username is one of the reserved names, however it is written: in capitals, with marks in
/// between, or in letters that look like its own.
pub(super) fn is_reserved(username: &str, reserved: &[String]) -> bool {
    let bare = |text: String| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let written = |name: &str| {
        let plain = normalize_login(name);
        [bare(name_skeleton(&plain)), bare(name_skeleton(name)), bare(plain)]
    };
    let name = written(username);
    reserved.iter().any(|word| {
        let [skeleton, _, plain] = written(word);
        name[2] == plain || name[..2].contains(&skeleton)
    })
}

fn spaces_in_a_row(username: &str) -> bool {
    let text: Vec<char> = username.nfkc().collect();
    text.windows(2).any(|pair| pair.iter().all(|c| c.is_whitespace()))
}

fn mixes_scripts(username: &str) -> bool {
    let text: String = username.nfkc().collect();
    if text.as_str().is_single_script() {
        return false;
    }
    // What stands beside an `a` without mixing is Latin, or of no script.
    let latin = |c: &char| format!("a{c}").as_str().is_single_script();
    let rest: String = text.chars().filter(|c| !latin(c)).collect();
    let rest = AugmentedScriptSet::for_str(&rest);
    !(rest.hanb || rest.jpan || rest.kore)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults §12: names that look alike.
    #[test]
    fn scripts_are_not_mixed() {
        for good in
            ["alice", "ïvan", "иван", "Ἀθηνᾶ", "田中 Taro", "김철수", "ada_lovelace 2", "שרה"]
        {
            assert_eq!(username_fault(good), None, "{good}");
        }
        for mixed in ["\u{430}lice", "p\u{430}ypal", "\u{391}da", "аdmin", "日本иван"] {
            assert!(username_fault(mixed).is_some_and(|fault| fault.contains("script")), "{mixed}");
        }
    }

    #[test]
    fn white_space_stands_alone() {
        for wrong in ["ada  lovelace", "ada \u{a0}lovelace", "ada\u{3000}\u{3000}lovelace"] {
            assert_eq!(
                username_fault(wrong),
                Some("must not have two spaces in a row"),
                "{wrong:?}"
            );
        }
        assert_eq!(username_fault("ada lovelace"), None);
    }

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (one, other) in [
            ("аlе", "ale"),
            ("Ian", "lan"),
            ("bob1", "bobl"),
            ("modern", "modem"),
            ("ｐａｙ", "pay"),
            ("ада", "АДА"),
        ] {
            assert_eq!(name_skeleton(one), name_skeleton(other), "{one} {other}");
        }
        for (one, other) in [("alice", "alicia"), ("user10", "user11"), ("ïvan", "ivan")] {
            assert_ne!(name_skeleton(one), name_skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn reserved_names_are_known_in_disguise() {
        let reserved = ["admin".to_owned(), "no-reply".to_owned(), "support".to_owned()];
        for name in ["admin", "ADMIN", "A.d.m.i.n", "noreply", "No Reply", "ѕuррort", "adm\u{131}n"]
        {
            assert!(is_reserved(name, &reserved), "{name}");
        }
        for name in ["administer", "ada", "supporter", ""] {
            assert!(!is_reserved(name, &reserved), "{name}");
        }
    }
}
