//! What a setting of [`Cors`](super::Cors) is given as: text, checked all at once in `build()`.

use std::fmt;
use std::sync::Arc;

/// Asked with an origin as a browser wrote it; never with `null` or what is not an origin.
pub(super) type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Whose pages may ask.
#[derive(Clone)]
pub struct Origins(pub(super) Source);

#[derive(Clone)]
pub(super) enum Source {
    /// Origins, patterns, `null`; or `*` alone.
    List(Vec<String>),
    When(Predicate),
}

impl Origins {
    /// Everybody's. Not to be had together with credentials.
    #[must_use]
    pub fn any() -> Self {
        Self::from("*")
    }

    /// Those for which `allowed` says yes. It is asked on each request that has an origin other than
    /// `null`, and must be quick.
    ///
    /// ```
    /// use portcullis::cors::{Cors, Origins};
    ///
    /// let tenants = ["https://a.example", "https://b.example"];
    /// Cors::closed().origins(Origins::when(move |origin| tenants.contains(&origin))).build()?;
    /// # Ok::<(), portcullis::problem::ConfigError>(())
    /// ```
    #[must_use]
    pub fn when(allowed: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Source::When(Arc::new(allowed)))
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self(Source::List(Vec::new()))
    }
}

impl From<Vec<String>> for Origins {
    fn from(list: Vec<String>) -> Self {
        Self(Source::List(list))
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::List(list) => f.debug_tuple("Origins").field(list).finish(),
            Source::When(_) => f.write_str("Origins::when(…)"),
        }
    }
}

/// Which methods pages may use.
#[derive(Clone, Debug, Default)]
pub struct Methods(pub(super) Vec<String>);

impl Methods {
    /// Every method. Not to be had together with credentials.
    #[must_use]
    pub fn any() -> Self {
        Self::from("*")
    }
}

impl From<Vec<String>> for Methods {
    fn from(list: Vec<String>) -> Self {
        Self(list)
    }
}

/// Which headers pages may set, or may read.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub(super) Vec<String>);

impl Headers {
    /// Every header but `Authorization`, which `*` does not cover (Fetch standard, "CORS
    /// non-wildcard request-header name"): name it with [`and`](Self::and). Not to be had together
    /// with credentials.
    #[must_use]
    pub fn any() -> Self {
        Self::from("*")
    }

    /// And this one.
    ///
    /// ```
    /// use portcullis::cors::{Cors, Headers, Origins};
    ///
    /// let headers = Headers::any().and("authorization");
    /// Cors::closed().origins(Origins::any()).headers(headers).build()?;
    /// # Ok::<(), portcullis::problem::ConfigError>(())
    /// ```
    #[must_use]
    pub fn and(mut self, name: impl Into<String>) -> Self {
        self.0.push(name.into());
        self
    }
}

impl From<Vec<String>> for Headers {
    fn from(list: Vec<String>) -> Self {
        Self(list)
    }
}

/// One text, or a list of whatever reads as text.
macro_rules! from_texts {
    ($($list:ty),*) => {$(
        impl From<&str> for $list {
            fn from(one: &str) -> Self {
                Self::from(vec![one.to_owned()])
            }
        }
        impl From<String> for $list {
            fn from(one: String) -> Self {
                Self::from(vec![one])
            }
        }
        impl<T: AsRef<str>, const N: usize> From<[T; N]> for $list {
            fn from(list: [T; N]) -> Self {
                Self::from(list.as_slice())
            }
        }
        impl<T: AsRef<str>> From<&[T]> for $list {
            fn from(list: &[T]) -> Self {
                Self::from(list.iter().map(|one| one.as_ref().to_owned()).collect::<Vec<_>>())
            }
        }
        impl<T: AsRef<str>> FromIterator<T> for $list {
            fn from_iter<I: IntoIterator<Item = T>>(list: I) -> Self {
                Self::from(list.into_iter().map(|one| one.as_ref().to_owned()).collect::<Vec<_>>())
            }
        }
    )*};
}

from_texts!(Origins, Methods, Headers);
