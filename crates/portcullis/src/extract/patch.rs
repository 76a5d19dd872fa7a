//! A field of a PATCH: left out, null, or a value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

/// What a PATCH says of one field: nothing, that it is to be emptied, or its new value.
///
/// Write `#[serde(default)]` on the field: without it the field must be there.
///
/// ```
/// use portcullis::extract::Patch;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema, garde::Validate)]
/// #[serde(deny_unknown_fields)]
/// struct Change {
///     #[garde(length(chars, max = 100))]
///     #[serde(default)]
///     nickname: Patch<String>,
/// }
///
/// let read = |text| serde_json::from_str::<Change>(text).unwrap().nickname;
/// assert_eq!(read("{}"), Patch::Absent);
/// assert_eq!(read(r#"{"nickname": null}"#), Patch::Null);
/// assert_eq!(read(r#"{"nickname": "Al"}"#), Patch::Value("Al".to_owned()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field was left out: it stays as it is.
    #[default]
    Absent,
    /// `null`: the field is to be emptied.
    Null,
    /// The field is to have this value.
    Value(T),
}

impl<T> Patch<T> {
    /// The change there is: `None` where the field stays as it is, `Some(None)` where it is to be
    /// emptied.
    pub fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// Makes the change.
    pub fn apply_to(self, field: &mut Option<T>) {
        if let Some(change) = self.into_change() {
            *field = change;
        }
    }

    /// Whether the field was left out.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The new value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// By `deserialize_any`, not as an option: serde takes a field that is missing for an option that
/// is null, and what was left out would be emptied where `#[serde(default)]` was forgotten.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NullOr(PhantomData))
    }
}

struct NullOr<T>(PhantomData<fn() -> T>);

macro_rules! hand_on {
    ($($visit:ident $type:ty;)+) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<Patch<T>, E> {
            T::deserialize(value.into_deserializer()).map(Patch::Value)
        })+
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for NullOr<T> {
    type Value = Patch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null or a value")
    }

    hand_on! {
        visit_bool bool;
        visit_i64 i64;
        visit_u64 u64;
        visit_f64 f64;
        visit_str &str;
        visit_string String;
    }

    fn visit_unit<E>(self) -> Result<Patch<T>, E> {
        Ok(Patch::Null)
    }

    fn visit_none<E>(self) -> Result<Patch<T>, E> {
        Ok(Patch::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Patch<T>, D::Error> {
        T::deserialize(deserializer).map(Patch::Value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Patch<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(Patch::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Patch<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Patch::Value)
    }
}

/// The schema of the value, or null.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::Patch<{}>", module_path!(), T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A field of a PATCH that may be left out and not be emptied: `null` does not fit.
///
/// Write `#[serde(default)]` on the field: without it the field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T>(pub Option<T>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Given<T> {
    /// The new value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

/// The schema of the value.
impl<T: JsonSchema> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{}::Given<{}>", module_path!(), T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// The rules of garde hold for the value, where there is one.
#[cfg(feature = "garde")]
mod checked {
    use garde::Validate;
    use garde::error::NoKey;
    use garde::rules::email::{Email, InvalidEmail};
    use garde::rules::{inner::Inner, length};

    use super::{Given, Patch};

    macro_rules! checked_inside {
        ($name:ident) => {
            impl<T: Validate> Validate for $name<T> {
                type Context = T::Context;

                fn validate_into(
                    &self,
                    context: &Self::Context,
                    parent: &mut dyn FnMut() -> garde::Path,
                    report: &mut garde::Report,
                ) {
                    if let Some(value) = self.value() {
                        value.validate_into(context, parent, report);
                    }
                }
            }

            impl<T> Inner<T> for $name<T> {
                type Key = NoKey;

                fn validate_inner<F>(&self, mut check: F)
                where
                    F: FnMut(&T, &NoKey),
                {
                    if let Some(value) = self.value() {
                        check(value, &NoKey::default());
                    }
                }
            }

            impl<T: length::chars::Chars> length::chars::Chars for $name<T> {
                fn validate_num_chars(&self, min: usize, max: usize) -> Result<(), garde::Error> {
                    self.value().map_or(Ok(()), |value| value.validate_num_chars(min, max))
                }
            }

            impl<T: length::simple::Simple> length::simple::Simple for $name<T> {
                fn validate_length(&self, min: usize, max: usize) -> Result<(), garde::Error> {
                    self.value().map_or(Ok(()), |value| value.validate_length(min, max))
                }
            }

            impl<T: Email> Email for $name<T> {
                fn validate_email(&self) -> Result<(), InvalidEmail> {
                    self.value().map_or(Ok(()), |value| value.validate_email())
                }
            }
        };
    }

    checked_inside!(Patch);
    checked_inside!(Given);
}
