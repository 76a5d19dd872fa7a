//! One sentence for each rule that a value can break.
//!
//! A sentence names the rule and never the value, which may be a secret. The schema's judge and
//! garde's share the sentences, so that a fault found by both is said once.

#[cfg(feature = "garde")]
use std::borrow::Cow;
use std::fmt::Display;

#[cfg(feature = "garde")]
use garde::i18n::{I18n, InvalidCreditCard, InvalidEmail, InvalidPhoneNumber, InvalidUrl, IpKind};
use serde_json::Value;

/// Said where nobody knows more.
pub(crate) const DOES_NOT_FIT: &str = "is not a value that fits here";
/// Said where a field is missing.
pub(crate) const REQUIRED: &str = "is required";
/// Said of a field that the type does not have.
pub(crate) const UNKNOWN: &str = "is not a field of this";

pub(super) fn at_least(limit: impl Display) -> String {
    format!("must be at least {limit}")
}

pub(super) fn at_most(limit: impl Display) -> String {
    format!("must be at most {limit}")
}

pub(super) fn no_shorter(limit: impl Display) -> String {
    format!("is too short: the least is {limit}")
}

pub(super) fn no_longer(limit: impl Display) -> String {
    format!("is too long: the most is {limit}")
}

#[cfg(any(feature = "garde", feature = "all-faults"))]
fn like(pattern: impl Display) -> String {
    format!("must match the pattern {pattern}")
}

pub(super) fn formatted(format: &str) -> String {
    match format {
        "email" => "must be an e-mail address".to_owned(),
        "uri" => "must be a URL".to_owned(),
        "uuid" => "must be a UUID".to_owned(),
        "date-time" => "must be a date and time (RFC 3339)".to_owned(),
        "ip" => "must be an IP address".to_owned(),
        "ipv4" => "must be an IPv4 address".to_owned(),
        "ipv6" => "must be an IPv6 address".to_owned(),
        other => format!("must have the format {other}"),
    }
}

/// A limit as people write it: `0`, not `0.0`.
pub(super) fn number(limit: &Value) -> String {
    match limit.as_f64() {
        Some(float) if limit.is_f64() => float.to_string(),
        _ => limit.to_string(),
    }
}

pub(super) fn typed(names: &[&str]) -> String {
    let article = |name: &&str| match *name {
        "null" => "null".to_owned(),
        "integer" => "an integer".to_owned(),
        "array" => "an array".to_owned(),
        "object" => "an object".to_owned(),
        other => format!("a {other}"),
    };
    let names: Vec<String> = names.iter().map(article).collect();
    format!("must be {}", names.join(" or "))
}

pub(super) fn one_of(options: &Value) -> String {
    let known: Vec<String> =
        options.as_array().into_iter().flatten().map(Value::to_string).collect();
    format!("must be one of {}", known.join(", "))
}

/// The sentences of the validator for all of JSON Schema.
#[cfg(feature = "all-faults")]
pub(super) mod kind {
    use jsonschema::error::{TypeKind, ValidationErrorKind};

    use std::borrow::Cow;

    use super::{
        DOES_NOT_FIT, REQUIRED, UNKNOWN, at_least, at_most, formatted, like, no_longer, no_shorter,
        number, one_of, typed,
    };

    /// The sentence for a keyword of JSON Schema that a value breaks.
    pub(crate) fn of(kind: &ValidationErrorKind) -> Cow<'static, str> {
        use ValidationErrorKind as Kind;
        match kind {
            Kind::Minimum { limit } => at_least(number(limit)).into(),
            Kind::Maximum { limit } => at_most(number(limit)).into(),
            Kind::ExclusiveMinimum { limit } => {
                format!("must be more than {}", number(limit)).into()
            }
            Kind::ExclusiveMaximum { limit } => {
                format!("must be less than {}", number(limit)).into()
            }
            Kind::MultipleOf { multiple_of } => {
                format!("must be a multiple of {multiple_of}").into()
            }
            Kind::MinLength { limit }
            | Kind::MinItems { limit }
            | Kind::MinProperties { limit } => no_shorter(limit).into(),
            Kind::MaxLength { limit }
            | Kind::MaxItems { limit }
            | Kind::MaxProperties { limit } => no_longer(limit).into(),
            Kind::Pattern { pattern } => like(pattern).into(),
            Kind::Format { format } => formatted(format).into(),
            Kind::Type { kind } => of_type(kind).into(),
            Kind::Enum { options } => one_of(options).into(),
            Kind::Constant { expected_value } => format!("must be {expected_value}").into(),
            Kind::UniqueItems => "must not have the same item twice".into(),
            Kind::AdditionalItems { limit } => no_longer(limit).into(),
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                "fits none of the forms that may stand here".into()
            }
            Kind::OneOfMultipleValid { .. } => "fits more than one form that may stand here".into(),
            Kind::PropertyNames { .. } => "has a field whose name may not stand here".into(),
            Kind::Required { .. } => REQUIRED.into(),
            Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
                UNKNOWN.into()
            }
            _ => DOES_NOT_FIT.into(),
        }
    }

    fn of_type(kind: &TypeKind) -> String {
        match kind {
            TypeKind::Single(one) => typed(&[one.as_str()]),
            TypeKind::Multiple(several) => {
                typed(&several.iter().map(jsonschema::JsonType::as_str).collect::<Vec<_>>())
            }
        }
    }
}

/// Garde's rules in the same words.
#[cfg(feature = "garde")]
pub(crate) struct OurWords;

#[cfg(feature = "garde")]
impl I18n for OurWords {
    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        no_shorter(min).into()
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        no_longer(max).into()
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        at_least(min).into()
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        at_most(max).into()
    }

    fn credit_card_invalid(&self, _: InvalidCreditCard) -> Cow<'static, str> {
        "must be a credit card number".into()
    }

    fn pattern_no_match(&self, pattern: &dyn Display) -> Cow<'static, str> {
        like(pattern).into()
    }

    fn contains_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must contain {pattern}").into()
    }

    fn url_invalid(&self, _: InvalidUrl) -> Cow<'static, str> {
        formatted("uri").into()
    }

    fn prefix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must begin with {pattern}").into()
    }

    fn suffix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must end with {pattern}").into()
    }

    fn phone_number_invalid(&self, _: InvalidPhoneNumber) -> Cow<'static, str> {
        "must be a phone number".into()
    }

    fn ip_invalid(&self, kind: IpKind) -> Cow<'static, str> {
        match kind {
            IpKind::Any => formatted("ip"),
            IpKind::V4 => formatted("ipv4"),
            IpKind::V6 => formatted("ipv6"),
        }
        .into()
    }

    fn matches_field_mismatch(&self, field: &dyn Display) -> Cow<'static, str> {
        format!("must be the same as {field}").into()
    }

    fn email_invalid(&self, _: InvalidEmail) -> Cow<'static, str> {
        formatted("email").into()
    }

    fn ascii_invalid(&self) -> Cow<'static, str> {
        "must be ASCII".into()
    }

    fn alphanumeric_invalid(&self) -> Cow<'static, str> {
        "must be letters and digits".into()
    }

    fn required_not_set(&self) -> Cow<'static, str> {
        REQUIRED.into()
    }
}
