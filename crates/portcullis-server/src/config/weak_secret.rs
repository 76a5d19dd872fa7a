//! Secrets that somebody typed instead of drawing them.

/// Words that stand for a secret until somebody puts one there.
const PLACEHOLDERS: [&str; 16] = [
    "changeme",
    "changethis",
    "replaceme",
    "password",
    "passwort",
    "secret",
    "default",
    "example",
    "portcullis",
    "master",
    "insecure",
    "please",
    "placeholder",
    "qwerty",
    "abcdef",
    "123456",
];

/// How many letters and digits must be left, and how many different ones, once such words are out.
const LEAST: usize = 20;
const LEAST_DIFFERENT: usize = 10;

/// Why the secret is weak; `None` where nothing shows that it is.
pub(super) fn weakness(secret: &str) -> Option<&'static str> {
    let plain: String = secret.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let all: Vec<char> = secret.chars().collect();
    if (1..=all.len() / 2)
        .any(|period| all.iter().zip(&all[period..]).all(|(one, next)| one == next))
    {
        return Some("it repeats itself");
    }
    let steps = all.windows(2).filter(|pair| match pair {
        [one, next] => u32::from(*one).abs_diff(u32::from(*next)) <= 1,
        _ => false,
    });
    if 2 * steps.count() > all.len() {
        return Some("its characters follow one after the other");
    }
    let rest = PLACEHOLDERS.iter().fold(plain.clone(), |rest, word| rest.replace(word, ""));
    if rest != plain && !is_enough(&rest) {
        return Some("it is a placeholder, not a secret");
    }
    let mut different = all;
    different.sort_unstable();
    different.dedup();
    (different.len() < LEAST_DIFFERENT).then_some("it has too few different characters")
}

fn is_enough(text: &str) -> bool {
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    text.chars().count() >= LEAST && different.len() >= LEAST_DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults §12: `check` and weak master secrets.
    #[test]
    fn what_somebody_typed_is_told_from_what_was_drawn() {
        for weak in [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "changemechangemechangemechangeme",
            "changeme-changeme-changeme-changem",
            "change-me-please-change-me-please!",
            "ChangeMe! this is the master secret of portcullis",
            "0123456789012345678901234567890123456789",
            "abcdefghijklmnopqrstuvwxyzabcdefghijkl",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "00000000000000000000000000000000000000001",
            "abababababcdcdcdcdabababcdcdcdcdababab",
        ] {
            assert!(weakness(weak).is_some(), "{weak}");
        }
        for drawn in [
            "hush-hush-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3",
            "kJx1Tq7n0v9cZ3mYwB4rLd8sHf2gPaQe6uVtXiNo",
            "5f3ac1d2e4b697880716253443526170f9e8d7c6b5a49382",
            "correct horse battery staple cable motor",
        ] {
            assert_eq!(weakness(drawn), None, "{drawn}");
        }
    }
}
