//! No, said to whoever set it up: every mistake at once, each with its fix.

use std::fmt;

/// One mistake in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The setting it is in, such as `cors.origins`.
    pub setting: String,
    /// What is wrong.
    pub wrong: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. Fix: {}", self.setting, self.wrong, self.fix)
    }
}

/// The configuration cannot work. Lists every mistake found, not only the first.
///
/// ```
/// use portcullis::problem::ConfigError;
///
/// let mut faults = ConfigError::none();
/// faults.add("cors.origins", "`*` with credentials", "name the origins");
/// assert!(faults.into_result(()).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConfigError {
    /// What is wrong, in the order found.
    pub faults: Vec<Fault>,
}

impl ConfigError {
    /// No fault yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One fault.
    #[must_use]
    pub fn one(setting: &str, wrong: impl Into<String>, fix: impl Into<String>) -> Self {
        let mut error = Self::none();
        error.add(setting, wrong, fix);
        error
    }

    /// Notes a fault. `wrong` and `fix` are sentences without a full stop.
    pub fn add(&mut self, setting: &str, wrong: impl Into<String>, fix: impl Into<String>) {
        self.faults.push(Fault {
            setting: setting.to_owned(),
            wrong: wrong.into(),
            fix: fix.into(),
        });
    }

    /// Takes over the faults of another, or its value.
    pub fn take<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(mut other) => {
                self.faults.append(&mut other.faults);
                None
            }
        }
    }

    /// `value` where no fault was noted.
    ///
    /// # Errors
    /// `self` where one was.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.faults.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.faults.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
