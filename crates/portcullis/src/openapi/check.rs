//! What a value must keep to beyond its type and its schema.

#[cfg(feature = "garde")]
use super::sentence::OurWords;

/// One rule that a value breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFault {
    /// The fields that lead there, by their names in Rust or in JSON; empty for the whole.
    pub path: Vec<String>,
    /// What is wrong, as a sentence that does not repeat the value.
    pub detail: String,
}

/// The rules that a value must keep to once it was read.
///
/// With the feature `garde` every type that derives `garde::Validate` has them. Without it, or for a
/// type that cannot derive it, write them by hand:
///
/// ```
/// use portcullis::openapi::{Check, CheckFault};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Period {
///     from: u32,
///     to: u32,
/// }
///
/// impl Check for Period {
///     fn check(&self) -> Vec<CheckFault> {
///         if self.from <= self.to {
///             return Vec::new();
///         }
///         let detail = "must not be before `from`".to_owned();
///         vec![CheckFault { path: vec!["to".to_owned()], detail }]
///     }
/// }
/// ```
pub trait Check {
    /// Every rule that it breaks; none where it is right.
    fn check(&self) -> Vec<CheckFault>;
}

#[cfg(feature = "garde")]
#[diagnostic::do_not_recommend]
impl<T: garde::Validate<Context = ()>> Check for T {
    fn check(&self) -> Vec<CheckFault> {
        let Err(report) = garde::i18n::with_i18n(OurWords, || self.validate()) else {
            return Vec::new();
        };
        let fault = |(path, error): &(garde::Path, garde::Error)| CheckFault {
            path: names(path),
            detail: error.message().to_owned(),
        };
        report.iter().map(fault).collect()
    }
}

/// The steps of a path of garde's.
#[cfg(feature = "garde")]
fn names(path: &garde::Path) -> Vec<String> {
    let components = serde_json::to_value(path).unwrap_or_default();
    let name = |component: &serde_json::Value| {
        component.get(1).and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    components.as_array().into_iter().flatten().filter_map(name).collect()
}

#[cfg(not(feature = "garde"))]
mod plain {
    use super::{Check, CheckFault};

    impl Check for () {
        fn check(&self) -> Vec<CheckFault> {
            Vec::new()
        }
    }

    impl<T: Check> Check for Option<T> {
        fn check(&self) -> Vec<CheckFault> {
            self.as_ref().map_or_else(Vec::new, T::check)
        }
    }

    impl<T: Check> Check for Box<T> {
        fn check(&self) -> Vec<CheckFault> {
            T::check(self)
        }
    }

    impl<T: Check> Check for Vec<T> {
        fn check(&self) -> Vec<CheckFault> {
            let place = |(index, mut fault): (usize, CheckFault)| {
                fault.path.insert(0, index.to_string());
                fault
            };
            let items = self.iter().enumerate();
            items
                .flat_map(|(index, item)| item.check().into_iter().map(move |fault| (index, fault)))
                .map(place)
                .collect()
        }
    }
}
