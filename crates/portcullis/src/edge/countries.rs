//! The country of an address, from a database in MaxMind's format.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{Reader, WithinOptions, path};

use super::CountryOf;
use super::client_info::code;

/// How many networks are looked at for one that names a country.
const LOOKED_AT: usize = 10_000;

/// A database of countries in MaxMind's format, such as `GeoLite2-Country.mmdb`, in memory.
///
/// The library reads no file: hand it the bytes of one. An address that is not in it, or whose
/// record cannot be read, is in no country that is known.
///
/// ```
/// use portcullis::edge::{CountryDatabase, Proxies};
///
/// # fn read() -> Vec<u8> { include_bytes!("../../tests/places/countries.mmdb").to_vec() }
/// let proxies = Proxies::none().countries(CountryDatabase::new(read())?);
/// # Ok::<(), portcullis::edge::NoCountryDatabase>(())
/// ```
pub struct CountryDatabase(Reader<Vec<u8>>);

/// Bytes that are no database of countries, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoCountryDatabase(String);

impl CountryDatabase {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// [`NoCountryDatabase`] where they are none in this format, or name no country.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NoCountryDatabase> {
        let wrong = |error: maxminddb::MaxMindDbError| NoCountryDatabase(error.to_string());
        let database = Self(Reader::from_source(bytes).map_err(wrong)?);
        let mut networks =
            database.0.networks(WithinOptions::default()).map_err(wrong)?.take(LOOKED_AT);
        // A database of something else would leave every place unknown, and nobody would know why.
        let names_one = networks.try_fold(false, |found, network| {
            let country: Option<&str> = network?.decode_path(&path!["country", "iso_code"])?;
            Ok(found || country.is_some_and(|country| code(country.as_bytes()).is_some()))
        });
        if names_one.map_err(wrong)? {
            return Ok(database);
        }
        let kind = &database.0.metadata().database_type;
        Err(NoCountryDatabase(format!("it is a database of type {kind:?} and names no country")))
    }
}

impl fmt::Debug for CountryDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryDatabase({})", self.0.metadata().database_type)
    }
}

impl CountryOf for CountryDatabase {
    fn country_of(&self, address: IpAddr) -> Option<[u8; 2]> {
        let found = self.0.lookup(address.to_canonical()).ok()?;
        let country: Option<&str> = found.decode_path(&path!["country", "iso_code"]).ok()?;
        code(country?.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../tests/places/countries.mmdb");

    #[test]
    fn addresses_of_both_kinds_and_mapped_ones_are_found() {
        let database = CountryDatabase::new(FILE.to_vec()).unwrap();
        for (address, country) in [
            ("192.0.2.1", Some("AT")),
            ("::ffff:192.0.2.1", Some("AT")),
            ("192.0.2.127", Some("AT")),
            ("192.0.2.128", None),
            ("198.51.100.255", Some("DE")),
            ("2001:db8:a::1", Some("AT")),
            ("2001:db8:d:ffff::1", Some("DE")),
            ("2001:db8:e::1", None),
            ("127.0.0.1", None),
            ("::1", None),
            // On a continent only, and in a country that is none.
            ("203.0.113.1", None),
            ("203.0.113.200", None),
        ] {
            let found = database.country_of(address.parse().unwrap());
            let found = found.as_ref().map(|code| std::str::from_utf8(code).unwrap());
            assert_eq!(found, country, "{address}");
        }
    }

    #[test]
    fn a_file_that_is_none_or_broken_is_refused_and_never_panics() {
        assert!(CountryDatabase::new(Vec::new()).is_err());
        assert!(CountryDatabase::new(b"not a database".to_vec()).is_err());
        for length in 0..FILE.len() {
            let cut = CountryDatabase::new(FILE[..length].to_vec());
            let _ = cut.map(|database| database.country_of([192, 0, 2, 1].into()));
        }
        assert!(CountryDatabase::new(FILE[..FILE.len() / 2].to_vec()).is_err());
        for at in 0..FILE.len() {
            let mut harmed = FILE.to_vec();
            harmed[at] ^= 0xff;
            let harmed = CountryDatabase::new(harmed);
            let _ = harmed.map(|database| database.country_of([192, 0, 2, 1].into()));
        }
    }
}
