//! Secrets that are none: examples, tutorials, words and patterns.

/// Words no random secret has in it, but which invented ones do.
const WORDS: [&str; 14] = [
    "secret",
    "password",
    "passwort",
    "changeme",
    "change-me",
    "change_me",
    "example",
    "your-",
    "your_",
    "12345678",
    "qwerty",
    "abcdefgh",
    "letmein",
    "portcullis",
];

/// Keys that stand in standards, documentation and tutorials.
const PUBLISHED: [&[u8]; 5] = [
    // FastAPI's tutorial, `openssl rand -hex 32`.
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // RFC 7515 appendix A.1, as text and as bytes.
    b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    &[
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143, 90, 179, 40, 230,
        240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239,
        150, 138, 180, 195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245,
        103, 208, 128, 163,
    ],
    // RFC 7520 §3.5, as text and as bytes.
    b"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    &[
        132, 155, 87, 33, 157, 174, 72, 222, 100, 109, 7, 219, 181, 51, 86, 110, 151, 102, 134, 69,
        124, 20, 145, 190, 58, 118, 220, 234, 108, 66, 113, 136,
    ],
];

/// How the public part of key pairs begins whose private part stands in a standard: RFC 7515
/// appendices A.2 and A.3, RFC 7520 section 3.4, RFC 8037 appendix A.1.
const PUBLISHED_PAIRS: [&str; 4] = [
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp",
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRoj",
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
];

/// Whether everybody can read the private key of this pair. `public` is the member `n` or `x` of its
/// JWK.
pub(super) fn is_published(public: &str) -> bool {
    PUBLISHED_PAIRS.iter().any(|pair| public.starts_with(pair))
}

/// Why these bytes are no secret, if they are none.
pub(super) fn weakness(bytes: &[u8]) -> Option<&'static str> {
    let given = bytes.trim_ascii();
    let hex: String = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    if PUBLISHED.iter().any(|published| given == *published || hex.as_bytes() == *published) {
        return Some("it is an example that everybody can read in a standard or a tutorial");
    }
    let holds = |words: &[u8]| given.windows(words.len()).any(|window| window == words);
    if holds(b"-----BEGIN ") || holds(b"\"kty\"") || given.starts_with(b"ssh-") {
        return Some("it is a key pair or a part of one, which may be public");
    }
    let mut distinct = [false; 256];
    for byte in bytes {
        distinct[usize::from(*byte)] = true;
    }
    if distinct.iter().filter(|seen| **seen).count() < 8 {
        return Some("it is a few characters over and over");
    }
    let step = |pair: &[u8]| pair[1].wrapping_sub(pair[0]);
    let steady = bytes.windows(2).zip(bytes.windows(2).skip(1));
    if steady.filter(|(a, b)| step(a) == step(b)).count() * 2 > bytes.len() {
        return Some("it counts up or down");
    }
    if bytes.len() >= 16 && (1..=bytes.len() / 2).any(|p| bytes[p..] == bytes[..bytes.len() - p]) {
        return Some("it repeats itself");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let text = text.to_ascii_lowercase();
        if WORDS.iter().any(|word| text.contains(word)) {
            return Some("it is a phrase somebody made up");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invented_secrets_are_known() {
        for secret in [
            "secret",
            "your-256-bit-secret",
            "a-string-secret-at-least-256-bits-long",
            "CHANGEME-CHANGEME-CHANGEME-CHANGEME",
            "00000000000000000000000000000000",
            "0123456789abcdefghijklmnopqrstuv",
            "xk29fjw8xk29fjw8xk29fjw8xk29fjw8",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7\n",
            "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
        ] {
            assert!(weakness(secret.as_bytes()).is_some(), "{secret}");
        }
        // FastAPI's, as the bytes that its text stands for.
        let text = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7";
        let bytes = (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap());
        assert!(weakness(&bytes.collect::<Vec<u8>>()).is_some());
        for pair in [
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n",
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ0d2VudHkgdGhyZWUgYmx1ZSBoZXJvbnMgZmx5",
        ] {
            assert!(weakness(pair.as_bytes()).is_some_and(|why| why.contains("pair")), "{pair}");
        }
        let counted: Vec<u8> = (0..64).collect();
        assert!(weakness(&counted).is_some());
    }

    proptest! {
        #[test]
        fn random_bytes_are_not_refused(bytes: [u8; 32]) {
            // Proptest likes zeros; a real generator gives these with a chance below 2^-100.
            let mut distinct = bytes.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assume!(distinct.len() > 20);
            prop_assert_eq!(weakness(&bytes), None);
        }
    }
}
