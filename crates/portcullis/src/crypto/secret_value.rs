//! A value that does not show itself.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// Keeps a secret out of logs and wipes it when dropped.
///
/// There is no `Display` and no `Serialize`; `Debug` prints `…`. What reads the secret says
/// [`expose`](Self::expose), so that each such place can be found.
///
/// ```
/// use portcullis::crypto::Secret;
///
/// let password = Secret::from("correct horse battery staple");
/// assert_eq!(format!("{password:?}"), "…");
/// assert_eq!(password.expose().len(), 28);
/// ```
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Hides `secret`.
    #[must_use]
    pub fn new(secret: T) -> Self {
        Self(secret)
    }

    /// Shows the secret to the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Lends the secret to be filled in.
    pub(crate) fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(secret: T) -> Self {
        Self(secret)
    }
}

impl From<&str> for Secret<String> {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use zeroize::Zeroize;

    use super::Secret;

    struct Watched(Rc<Cell<bool>>);

    impl Zeroize for Watched {
        fn zeroize(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn does_not_show_and_is_wiped() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only printed")]
        struct Form {
            password: Secret<String>,
        }
        let form = Form { password: "hunter2".into() };
        assert_eq!(format!("{form:?}"), "Form { password: … }");

        let wiped = Rc::new(Cell::new(false));
        drop(Secret::new(Watched(wiped.clone())));
        assert!(wiped.get());
    }
}
