//! The types a setting may have: what may be written for each, and how it is read.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use toml::de::DeValue;

/// A type a setting may have.
pub(crate) trait Value: Sized {
    /// Whether it is never echoed, and may also be read from a file.
    const SECRET: bool = false;

    /// What may be written, as it completes "is not …" and "write …".
    fn expects() -> String;

    /// Reads it from a flag, a variable or a string of the file.
    ///
    /// # Errors
    /// What is wrong where [`Value::expects`] does not say enough; never the value itself.
    fn from_text(text: &str) -> Result<Self, Unfit>;

    /// Reads it from the file.
    ///
    /// # Errors
    /// As [`Value::from_text`].
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        match value {
            DeValue::String(text) => Self::from_text(text),
            _ => Err(Unfit),
        }
    }

    /// The entries that do not fit, where it is a list, each as it may be echoed.
    fn unfit_entries(_: &Raw<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Writes it as it would be read.
    fn to_text(&self) -> String;

    /// Whether a stranger who reads it learns a secret.
    fn is_sensitive(&self) -> bool {
        Self::SECRET
    }
}

/// A value as it was found.
pub(crate) enum Raw<'a> {
    /// In a flag, a variable or a file of its own.
    Text(String),
    /// In the file.
    Toml(DeValue<'a>),
}

/// The value as it may be echoed.
pub(crate) fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        other => format!("the {}", other.type_str()),
    }
}

/// What was written is not what is expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfit;

/// A value that `FromStr` reads and `Display` writes.
macro_rules! plain {
    ($($type:ty, $expects:literal;)*) => {
        $(impl Value for $type {
            fn expects() -> String {
                $expects.to_owned()
            }

            fn from_text(text: &str) -> Result<Self, Unfit> {
                text.parse().map_err(|_| Unfit)
            }

            fn to_text(&self) -> String {
                self.to_string()
            }
        })*
    };
}

plain! {
    SocketAddr, "an address and a port, such as `127.0.0.1:8000` or `[::1]:8000`";
}

impl Value for bool {
    fn expects() -> String {
        "`true` or `false`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        text.parse().map_err(|_| Unfit)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        value.as_bool().ok_or(Unfit)
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn expects() -> String {
        "a whole number".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        text.parse().map_err(|_| Unfit)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        whole_number(value).and_then(|number| number.try_into().map_err(|_| Unfit))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

fn whole_number(value: &DeValue<'_>) -> Result<u64, Unfit> {
    let number = value.as_integer().ok_or(Unfit)?;
    u64::from_str_radix(number.as_str(), number.radix()).map_err(|_| Unfit)
}

impl Value for String {
    fn expects() -> String {
        "text, not empty".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        if text.trim().is_empty() { Err(Unfit) } else { Ok(text.to_owned()) }
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn expects() -> String {
        "the path of a file".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        if text.is_empty() || text.contains('\0') { Err(Unfit) } else { Ok(text.into()) }
    }

    fn to_text(&self) -> String {
        self.display().to_string()
    }
}

impl Value for IpNet {
    fn expects() -> String {
        "an address or a network, such as `10.0.0.0/8` or `::1`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        text.parse().or_else(|_| text.parse::<IpAddr>().map(Self::from)).map_err(|_| Unfit)
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl<T: Value> Value for Option<T> {
    const SECRET: bool = T::SECRET;

    fn expects() -> String {
        T::expects()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        T::from_text(text).map(Some)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        T::from_toml(value).map(Some)
    }

    fn to_text(&self) -> String {
        self.as_ref().map(T::to_text).unwrap_or_default()
    }

    fn is_sensitive(&self) -> bool {
        self.as_ref().is_some_and(T::is_sensitive)
    }
}

impl<T: Value> Value for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn expects() -> String {
        format!("a list; each entry {}", T::expects())
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        if text.trim().is_empty() {
            return Ok(Self::new());
        }
        text.split(',').map(|entry| T::from_text(entry.trim())).collect()
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        let entries = value.as_array().ok_or(Unfit)?;
        entries.iter().map(|entry| T::from_toml(entry.get_ref())).collect()
    }

    fn unfit_entries(found: &Raw<'_>) -> Vec<String> {
        match found {
            Raw::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|entry| T::from_text(entry).is_err())
                .map(|entry| format!("{entry:?}"))
                .collect(),
            Raw::Toml(value) => value
                .as_array()
                .into_iter()
                .flat_map(|entries| entries.iter())
                .filter(|entry| T::from_toml(entry.get_ref()).is_err())
                .map(|entry| show(entry.get_ref()))
                .collect(),
        }
    }

    fn to_text(&self) -> String {
        let entries: Vec<_> = self.iter().map(|entry| format!("{:?}", entry.to_text())).collect();
        format!("[{}]", entries.join(", "))
    }
}

impl Value for SecretString {
    const SECRET: bool = true;

    fn expects() -> String {
        "text, not empty".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        String::from_text(text).map(Self::from)
    }

    fn to_text(&self) -> String {
        "…".to_owned()
    }
}

/// The units of a duration, the longest first.
const UNITS: [(&str, u64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl Value for Duration {
    fn expects() -> String {
        "a duration, such as `90s`, `15m`, `1h30m` or `30d`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        let mut rest = text;
        let mut millis = 0_u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(Unfit)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, worth) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(Unfit)?;
            let number: u64 = number.parse().map_err(|_| Unfit)?;
            millis = number
                .checked_mul(*worth)
                .and_then(|more| millis.checked_add(more))
                .ok_or(Unfit)?;
            rest = tail;
        }
        if text.is_empty() { Err(Unfit) } else { Ok(Self::from_millis(millis)) }
    }

    fn to_text(&self) -> String {
        let mut rest = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let mut text = String::new();
        // Weeks are read and never written: 30d is plainer than 4w2d.
        for (unit, worth) in &UNITS[1..] {
            if rest >= *worth {
                text.push_str(&(rest / worth).to_string());
                text.push_str(unit);
                rest %= worth;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl ByteSize {
    /// So many KiB.
    pub(crate) const fn kib(count: u64) -> Self {
        Self(count * 1024)
    }

    /// So many MiB.
    pub(crate) const fn mib(count: u64) -> Self {
        Self(count * 1024 * 1024)
    }
}

impl Value for ByteSize {
    fn expects() -> String {
        "a number of bytes, such as `65536`, `64KiB` or `1MiB`".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, Unfit> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let worth = match unit.trim_start() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(Unfit),
        };
        let number: u64 = number.parse().map_err(|_| Unfit)?;
        number.checked_mul(worth).map(Self).ok_or(Unfit)
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Unfit> {
        match value {
            DeValue::String(text) => Self::from_text(text),
            _ => whole_number(value).map(Self),
        }
    }

    fn to_text(&self) -> String {
        match self.0 {
            bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
            bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => format!("{}KiB", bytes >> 10),
            bytes => bytes.to_string(),
        }
    }
}

/// Declares an enum whose variants are written as these words.
macro_rules! choice {
    ($(#[$attribute:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$about])* $variant,)* }

        impl $crate::config::value::Value for $name {
            fn expects() -> String {
                let words = [$(concat!("`", $word, "`")),*];
                format!("one of {}", words.join(", "))
            }

            fn from_text(text: &str) -> Result<Self, $crate::config::value::Unfit> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::config::value::Unfit),
                }
            }

            fn to_text(&self) -> String {
                match self { $(Self::$variant => $word,)* }.to_owned()
            }
        }
    };
}

pub(crate) use choice;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_in_every_unit() {
        let read = |text| Duration::from_text(text).map(|value| value.as_millis()).ok();
        assert_eq!(read("250ms"), Some(250));
        assert_eq!(read("90s"), Some(90_000));
        assert_eq!(read("15m"), Some(900_000));
        assert_eq!(read("1h30m"), Some(5_400_000));
        assert_eq!(read("30d"), Some(2_592_000_000));
        assert_eq!(read("2w"), Some(1_209_600_000));
        for wrong in ["", "15", "m", "15 m", "-1s", "1.5h", "15M", "99999999999999999999d", "1d "] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn sizes_are_read_in_every_unit() {
        let read = |text| ByteSize::from_text(text).map(|size| size.0).ok();
        assert_eq!(read("512"), Some(512));
        assert_eq!(read("64KiB"), Some(65_536));
        assert_eq!(read("1 MiB"), Some(1_048_576));
        for wrong in ["", "KiB", "1kb", "-1", "99999999999GiB"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_bare_address_is_a_network_of_one() {
        assert_eq!(IpNet::from_text("::1").map(|net| net.prefix_len()).ok(), Some(128));
        assert!(IpNet::from_text("localhost").is_err());
    }

    #[test]
    fn a_list_is_comma_separated_and_may_be_empty() {
        let read = |text| Vec::<String>::from_text(text).ok();
        assert_eq!(read("a, b"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(read("a,,b"), None);
    }

    proptest! {
        #[test]
        fn a_duration_is_read_back_as_written(millis in 0_u64..10_000_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(Duration::from_text(&duration.to_text()).ok(), Some(duration));
        }

        #[test]
        fn a_size_is_read_back_as_written(bytes: u64) {
            let size = ByteSize(bytes);
            prop_assert_eq!(ByteSize::from_text(&size.to_text()).ok(), Some(size));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text: String) {
            let _ = Duration::from_text(&text);
            let _ = ByteSize::from_text(&text);
            let _ = IpNet::from_text(&text);
            let _ = SocketAddr::from_text(&text);
        }
    }
}
