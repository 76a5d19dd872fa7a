//! How sure are we who it is?

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::types::{Condition, Principal, Remedy, ZonedDateTime};

/// A proof (a password, say) that is not older than a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentLogin {
    seconds: u32,
}

impl RecentLogin {
    /// At most this many seconds old.
    #[must_use]
    pub fn within(seconds: u32) -> Self {
        Self { seconds }
    }
}

impl Condition for RecentLogin {
    fn explain(&self) -> Cow<'static, str> {
        format!("signed in at most {} seconds ago", self.seconds).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        who.authenticated_at.is_some_and(|since| {
            who.context.now.duration_since(since).as_secs() <= i64::from(self.seconds)
        })
    }

    fn is_known(&self, who: &Principal) -> bool {
        who.authenticated_at.is_some()
    }

    /// When it is recent no more.
    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        let longest = SignedDuration::from_secs(i64::from(self.seconds) + 1);
        let over = who.authenticated_at?.checked_add(longest).ok()?;
        (over > who.context.now).then(|| over.to_zoned_datetime(TimeZone::UTC))
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(Remedy::RecentLogin(self.seconds))
    }
}

/// A second factor was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactor;

impl Condition for SecondFactor {
    fn explain(&self) -> Cow<'static, str> {
        "signed in with a second factor".into()
    }

    fn holds(&self, who: &Principal) -> bool {
        who.second_factor
    }

    fn remedy(&self) -> Option<Remedy> {
        Some(Remedy::SecondFactor)
    }
}
