//! From which country?

use std::borrow::Cow;

use crate::types::{Condition, InvalidCondition, Principal};

/// An address in one of these countries. Where nothing trusted says which, it does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countries {
    codes: Vec<[u8; 2]>,
}

impl Countries {
    /// Countries by their ISO 3166-1 codes of two letters, in either case.
    ///
    /// # Errors
    /// [`InvalidCondition`] where a code is not two letters, or there is none.
    pub fn new<S: AsRef<str>>(codes: &[S]) -> Result<Self, InvalidCondition> {
        if codes.is_empty() {
            return Err(InvalidCondition("no country is named".to_owned()));
        }
        let code = |text: &S| match text.as_ref().as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok([first.to_ascii_uppercase(), second.to_ascii_uppercase()])
            }
            _ => Err(InvalidCondition(format!(
                "{:?} is no country: write two letters, such as DE",
                text.as_ref()
            ))),
        };
        Ok(Self { codes: codes.iter().map(code).collect::<Result<_, _>>()? })
    }
}

impl Condition for Countries {
    fn explain(&self) -> Cow<'static, str> {
        let names: Vec<_> = self.codes.iter().map(|code| String::from_utf8_lossy(code)).collect();
        format!("from {}", names.join(" or ")).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        who.context.country.is_some_and(|country| self.codes.contains(&country))
    }

    fn is_known(&self, who: &Principal) -> bool {
        who.context.country.is_some()
    }
}
