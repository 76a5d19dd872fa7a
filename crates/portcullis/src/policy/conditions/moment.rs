//! From when on, until when?

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::types::{Condition, Principal, Timestamp, ZonedDateTime};

/// From a moment on, or until one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// From this moment on.
    NotBefore(Timestamp),
    /// Until this moment, itself excluded.
    NotAfter(Timestamp),
}

impl Condition for Moment {
    fn explain(&self) -> Cow<'static, str> {
        match self {
            Self::NotBefore(moment) => format!("from {moment} on").into(),
            Self::NotAfter(moment) => format!("until {moment}").into(),
        }
    }

    fn holds(&self, who: &Principal) -> bool {
        match self {
            Self::NotBefore(moment) => who.context.now >= *moment,
            Self::NotAfter(moment) => who.context.now < *moment,
        }
    }

    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        let (Self::NotBefore(moment) | Self::NotAfter(moment)) = self;
        (*moment > who.context.now).then(|| moment.to_zoned_datetime(TimeZone::UTC))
    }
}
