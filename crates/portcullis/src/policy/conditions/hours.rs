//! At which hours?

use std::borrow::Cow;

use jiff::civil;
use jiff::tz::TimeZone;

use crate::types::{Condition, Hours, InvalidClause, Principal, Timestamp, Weekday};

/// Certain hours of certain weekdays in a time zone, over midnight and over daylight-saving
/// changes: what counts is what a clock on the wall there shows.
///
/// ```
/// use portcullis::policy::conditions::OpenHours;
/// use portcullis::policy::{permission, when};
///
/// let hours = OpenHours::working("09:00", "17:00", "Europe/Berlin")?;
/// let who = permission("write") & when(hours);
/// assert_eq!(
///     who.to_string(),
///     "permission write and Monday to Friday 09:00–17:00 Europe/Berlin"
/// );
/// # Ok::<(), portcullis::types::InvalidClause>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenHours {
    hours: Hours,
    zone: TimeZone,
}

impl OpenHours {
    /// Hours as stored.
    ///
    /// # Errors
    /// [`InvalidClause`] where the time zone is unknown or no weekday is named.
    pub fn new(hours: &Hours) -> Result<Self, InvalidClause> {
        let zone = TimeZone::get(&hours.time_zone).map_err(|_| {
            InvalidClause(format!(
                "{:?} is no time zone: write it like Europe/Berlin",
                hours.time_zone
            ))
        })?;
        if hours.weekdays.is_empty() {
            return Err(InvalidClause("no weekday is named".to_owned()));
        }
        let mut hours = hours.clone();
        hours.weekdays.sort_unstable();
        hours.weekdays.dedup();
        Ok(Self { hours, zone })
    }

    /// The same hours from Monday to Friday.
    ///
    /// # Errors
    /// [`InvalidClause`] where a time or the zone cannot be read.
    pub fn working(from: &str, to: &str, time_zone: &str) -> Result<Self, InvalidClause> {
        Self::on(&Weekday::WORKING, from, to, time_zone)
    }

    /// The same hours on these weekdays.
    ///
    /// # Errors
    /// [`InvalidClause`] where a time or the zone cannot be read.
    pub fn on(
        weekdays: &[Weekday],
        from: &str,
        to: &str,
        time_zone: &str,
    ) -> Result<Self, InvalidClause> {
        let time = |text: &str| {
            text.parse::<civil::Time>()
                .map_err(|_| InvalidClause(format!("{text:?} is no time: write it like 09:00")))
        };
        Self::new(&Hours {
            weekdays: weekdays.to_vec(),
            from: time(from)?,
            to: time(to)?,
            time_zone: time_zone.to_owned(),
        })
    }

    fn open_at(&self, now: Timestamp) -> bool {
        let wall = self.zone.to_datetime(now);
        let (today, time) = (weekday(wall.weekday()), wall.time());
        let begins = |day: Weekday| self.hours.weekdays.contains(&day);
        if self.hours.from < self.hours.to {
            begins(today) && self.hours.from <= time && time < self.hours.to
        } else {
            (begins(today) && self.hours.from <= time)
                || (begins(before(today)) && time < self.hours.to)
        }
    }
}

impl Condition for OpenHours {
    fn explain(&self) -> Cow<'static, str> {
        let Hours { weekdays, from, to, time_zone } = &self.hours;
        let days = match weekdays.as_slice() {
            days if days == Weekday::ALL => "daily".to_owned(),
            [first, .., last] if days_in_a_row(weekdays) => format!("{first:?} to {last:?}"),
            days => days.iter().map(|day| format!("{day:?}")).collect::<Vec<_>>().join(", "),
        };
        let time = |time: &civil::Time| format!("{:02}:{:02}", time.hour(), time.minute());
        format!("{days} {}–{} {time_zone}", time(from), time(to)).into()
    }

    fn holds(&self, who: &Principal) -> bool {
        self.open_at(who.context.now)
    }
}

fn days_in_a_row(days: &[Weekday]) -> bool {
    days.len() > 2 && days.windows(2).all(|pair| pair[0] as u8 + 1 == pair[1] as u8)
}

fn weekday(day: civil::Weekday) -> Weekday {
    Weekday::ALL[day.to_monday_zero_offset().unsigned_abs() as usize]
}

fn before(day: Weekday) -> Weekday {
    Weekday::ALL[(day as usize + 6) % 7]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hours: &OpenHours, at: &str) -> bool {
        hours.open_at(at.parse().unwrap())
    }

    #[test]
    fn nine_to_five_is_judged_by_the_wall_clock_there() {
        let hours = OpenHours::working("09:00", "17:00", "Europe/Berlin").unwrap();
        // Berlin is UTC+1 in winter, UTC+2 in summer.
        assert!(!open(&hours, "2026-01-05T07:59:59Z"));
        assert!(open(&hours, "2026-01-05T08:00:00Z"));
        assert!(open(&hours, "2026-07-06T07:00:00Z"));
        assert!(!open(&hours, "2026-07-06T15:00:00Z"), "the end is excluded");
        assert!(!open(&hours, "2026-01-04T10:00:00Z"), "a Sunday");
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_began_on() {
        let hours = OpenHours::on(&[Weekday::Friday], "22:00", "06:00", "UTC").unwrap();
        assert!(open(&hours, "2026-01-02T23:00:00Z"), "Friday night");
        assert!(open(&hours, "2026-01-03T05:59:00Z"), "Saturday morning");
        assert!(!open(&hours, "2026-01-03T06:00:00Z"));
        assert!(!open(&hours, "2026-01-03T23:00:00Z"), "Saturday night");
        assert!(!open(&hours, "2026-01-02T05:00:00Z"), "Friday morning");
    }

    #[test]
    fn both_passes_of_the_repeated_hour_count_and_the_skipped_one_never_comes() {
        let hours = OpenHours::on(&[Weekday::Sunday], "02:00", "03:00", "Europe/Berlin").unwrap();
        assert!(open(&hours, "2026-10-25T00:30:00Z"), "02:30 summer time");
        assert!(open(&hours, "2026-10-25T01:30:00Z"), "02:30 again, winter time");
        assert!(!open(&hours, "2026-03-29T00:59:00Z"), "01:59");
        assert!(!open(&hours, "2026-03-29T01:00:00Z"), "03:00: 02:00 was skipped");
    }

    #[test]
    fn it_says_itself_in_a_phrase() {
        let said = |days: &[Weekday]| {
            OpenHours::on(days, "09:00", "17:30", "UTC").unwrap().explain().into_owned()
        };
        assert_eq!(said(&Weekday::ALL), "daily 09:00–17:30 UTC");
        assert_eq!(said(&Weekday::WORKING), "Monday to Friday 09:00–17:30 UTC");
        assert_eq!(said(&[Weekday::Sunday, Weekday::Monday]), "Monday, Sunday 09:00–17:30 UTC");
    }

    #[test]
    fn a_zone_that_is_none_is_refused() {
        assert!(OpenHours::working("09:00", "17:00", "Europe/Atlantis").is_err());
        assert!(OpenHours::on(&[], "09:00", "17:00", "UTC").is_err());
    }
}
