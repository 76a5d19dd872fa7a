//! Finding a private key in PEM, and the two numbers of an RSA key in DER.

/// The first PEM block that holds a private key: OpenSSL puts a block of parameters before one.
pub(super) fn private_block(pem: &str) -> Option<&str> {
    let mut rest = pem;
    loop {
        let begin = rest.find("-----BEGIN ")?;
        rest = &rest[begin..];
        let label = rest.strip_prefix("-----BEGIN ")?.split("-----").next()?;
        let end = format!("-----END {label}-----");
        let length = rest.find(&end)? + end.len();
        if label.ends_with("PRIVATE KEY") {
            return Some(&rest[..length]);
        }
        rest = &rest[length..];
    }
}

/// The two numbers of a DER `RSAPublicKey` (RFC 8017 §A.1.1), without leading zeros.
pub(super) fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = der_value(der, 0x30)?;
    let (n, more) = der_value(sequence, 0x02)?;
    let (e, end) = der_value(more, 0x02)?;
    let unsigned = |number: &'_ [u8]| number.iter().position(|byte| *byte != 0);
    (rest.is_empty() && end.is_empty()).then_some(())?;
    Some((&n[unsigned(n)?..], &e[unsigned(e)?..]))
}

/// The content of the value DER begins with, if it has this tag, and what follows.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    (*found == tag && rest.len() >= length).then(|| rest.split_at(length))
}
