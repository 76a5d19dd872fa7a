//! Which passwords are good enough: long, not common, not the user's own name. No rule about kinds
//! of characters.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{PasswordSettings, prepare};
use crate::crypto::Secret;

/// Passwords and stems that everybody tries first, lower case, one a line.
const COMMON: &str = include_str!("common.txt");

/// Rows of characters people run a finger along.
const RUNS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "йцукенгшщзхъфывапролджэячсмитьбю",
];

/// What is wrong with a new password, if anything.
pub(super) fn fault(
    settings: &PasswordSettings,
    password: &str,
    username: &str,
) -> Option<Cow<'static, str>> {
    let prepared = prepare(password);
    let written = password.chars().count();
    let spelled = prepared.expose().chars().count();
    if written.min(spelled) < settings.min_characters {
        let least = settings.min_characters;
        return Some(Cow::Owned(format!(
            "it is too short: write at least {least} characters; a few unrelated words make a good one"
        )));
    }
    if written.max(spelled) > settings.max_characters {
        let most = settings.max_characters;
        return Some(Cow::Owned(format!("it is too long: write at most {most} characters")));
    }
    if prepared.expose().chars().any(char::is_control) {
        return Some("it has a control character, which cannot be typed everywhere".into());
    }
    let prepared = prepared.expose();
    let plain: Secret<Vec<char>> =
        Secret::new(prepared.chars().flat_map(char::to_lowercase).collect());
    if repeats(plain.expose(), settings.min_characters) {
        return Some("it repeats itself".into());
    }
    if runs(plain.expose()) {
        return Some("it runs along the alphabet, the numbers or the keyboard".into());
    }
    let plain: Secret<String> = Secret::new(plain.expose().iter().collect());
    let meant = unleet(plain.expose());
    let own: Vec<String> = settings
        .context_words
        .iter()
        .map(String::as_str)
        .chain([username])
        .flat_map(stems)
        .collect();
    if little_but(plain.expose(), own.iter().map(String::as_str), 8) {
        return Some("it is little more than your username or the name of this service".into());
    }
    if little_but(plain.expose(), COMMON.lines(), 5)
        || little_but(meant.expose(), COMMON.lines(), 5)
    {
        return Some("it is little more than one of the most common passwords".into());
    }
    None
}

/// Whether the whole is one short block again and again, or is made of hardly any characters.
fn repeats(text: &[char], shortest: usize) -> bool {
    let mut distinct = text.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let periodic =
        |period: &usize| text.iter().skip(*period).eq(text.iter().take(text.len() - period));
    distinct.len() < 4
        || (1..=text.len() / 2).take_while(|period| *period < shortest).any(|p| periodic(&p))
}

/// Whether nearly every step goes to the neighbour in some row, forwards, backwards or in place.
fn runs(text: &[char]) -> bool {
    let neighbours = |pair: &[char]| {
        pair[0] == pair[1]
            || RUNS.iter().any(|row| {
                let mut found = row.chars().zip(row.chars().skip(1));
                found.any(|(a, b)| [a, b] == pair || [b, a] == pair)
            })
    };
    let steps = text.len().saturating_sub(1);
    let along = text.windows(2).filter(|pair| neighbours(pair)).count();
    along * 4 >= steps * 3
}

/// Whether fewer than `enough` letters and digits are left once the words are taken out.
fn little_but<'a>(text: &str, words: impl Iterator<Item = &'a str>, enough: usize) -> bool {
    let mut rest = Secret::from(text);
    let mut known: Vec<&str> = words.filter(|word| text.contains(word)).collect();
    known.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    for word in &known {
        rest = Secret::new(rest.expose().replace(word, " "));
    }
    !known.is_empty() && rest.expose().chars().filter(|c| c.is_alphanumeric()).count() < enough
}

/// The words of a name that are long enough to mean something.
fn stems(name: &str) -> Vec<String> {
    let name: String = name.nfkc().flat_map(char::to_lowercase).collect();
    let parts = name.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
    parts.chain([name.clone()]).filter(|word| word.chars().count() >= 3).collect()
}

/// The letters somebody meant who wrote `p4ssw0rd`.
fn unleet(text: &str) -> Secret<String> {
    let letters = text.chars().map(|c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    });
    Secret::new(letters.collect())
}
