//! At which hours?

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{ToSpan as _, civil};

use crate::types::{
    Condition, Hours, InvalidCondition, Principal, Timestamp, Weekday, ZonedDateTime,
};

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
/// # Ok::<(), portcullis::types::InvalidCondition>(())
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
    /// [`InvalidCondition`] where the time zone is unknown or no weekday is named.
    pub fn new(hours: &Hours) -> Result<Self, InvalidCondition> {
        let zone = TimeZone::get(&hours.time_zone).map_err(|_| {
            InvalidCondition(format!(
                "{:?} is no time zone: write it like Europe/Berlin",
                hours.time_zone
            ))
        })?;
        if hours.weekdays.is_empty() {
            return Err(InvalidCondition("no weekday is named".to_owned()));
        }
        let mut hours = hours.clone();
        hours.weekdays.sort_unstable();
        hours.weekdays.dedup();
        Ok(Self { hours, zone })
    }

    /// The same hours from Monday to Friday.
    ///
    /// # Errors
    /// [`InvalidCondition`] where a time or the zone cannot be read.
    pub fn working(from: &str, to: &str, time_zone: &str) -> Result<Self, InvalidCondition> {
        Self::on(&Weekday::WORKING, from, to, time_zone)
    }

    /// The same hours on these weekdays.
    ///
    /// # Errors
    /// [`InvalidCondition`] where a time or the zone cannot be read.
    pub fn on(
        weekdays: &[Weekday],
        from: &str,
        to: &str,
        time_zone: &str,
    ) -> Result<Self, InvalidCondition> {
        let time = |text: &str| {
            text.parse::<civil::Time>()
                .map_err(|_| InvalidCondition(format!("{text:?} is no time: write it like 09:00")))
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

    /// The next moment at which they may open or close: a beginning or an end on the wall, in both
    /// passes of an hour that is repeated, or a jump of the clock itself.
    fn turn_after(&self, now: Timestamp) -> Option<Timestamp> {
        let today = self.zone.to_datetime(now).date();
        let edges = (-1..=8_i64)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|day| self.hours.weekdays.contains(&weekday(day.weekday())))
            .flat_map(|day| {
                let last = if self.hours.from < self.hours.to { Ok(day) } else { day.tomorrow() };
                let end = last.ok().map(|day| day.to_datetime(self.hours.to));
                [Some(day.to_datetime(self.hours.from)), end]
            })
            .flatten();
        let edges = edges.flat_map(|edge| {
            let edge = self.zone.to_ambiguous_timestamp(edge);
            [edge.earlier().ok(), edge.later().ok()]
        });
        let jump = self.zone.following(now).next().map(|jump| jump.timestamp());
        edges.chain([jump]).flatten().filter(|moment| *moment > now).min()
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

    fn turns(&self, who: &Principal) -> Option<ZonedDateTime> {
        self.turn_after(who.context.now).map(|moment| moment.to_zoned_datetime(self.zone.clone()))
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
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

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

    /// When they open next, found turn by turn.
    fn next_opening(hours: &OpenHours, now: &str) -> Option<String> {
        let mut now: Timestamp = now.parse().unwrap();
        for _ in 0..50 {
            now = hours.turn_after(now)?;
            if hours.open_at(now) {
                return Some(now.to_string());
            }
        }
        None
    }

    #[test]
    fn they_turn_when_they_open_and_close_also_over_midnight() {
        let working = OpenHours::working("08:00", "17:00", "Europe/Vienna").unwrap();
        let next = |at| next_opening(&working, at).unwrap();
        assert_eq!(next("2026-01-02T20:00:00Z"), "2026-01-05T07:00:00Z", "Friday to Monday");
        assert_eq!(next("2026-03-27T20:00:00Z"), "2026-03-30T06:00:00Z", "into summer time");
        assert_eq!(next("2026-10-23T20:00:00Z"), "2026-10-26T07:00:00Z", "into winter time");
        let open: Timestamp = "2026-01-05T07:00:00Z".parse().unwrap();
        assert_eq!(working.turn_after(open).unwrap().to_string(), "2026-01-05T16:00:00Z");
        let night = OpenHours::on(&[Weekday::Friday], "22:00", "06:00", "UTC").unwrap();
        assert_eq!(next_opening(&night, "2026-01-03T06:00:00Z").unwrap(), "2026-01-09T22:00:00Z");
        let begun: Timestamp = "2026-01-02T23:00:00Z".parse().unwrap();
        assert_eq!(night.turn_after(begun).unwrap().to_string(), "2026-01-03T06:00:00Z");
    }

    #[test]
    fn they_open_in_both_passes_of_a_repeated_hour_and_late_where_one_is_skipped() {
        let early = OpenHours::on(&[Weekday::Sunday], "02:15", "02:45", "Europe/Berlin").unwrap();
        let next = |at| next_opening(&early, at).unwrap();
        assert_eq!(next("2026-10-24T00:00:00Z"), "2026-10-25T00:15:00Z");
        assert_eq!(next("2026-10-25T00:50:00Z"), "2026-10-25T01:15:00Z", "again, an hour later");
        assert_eq!(next("2026-03-28T00:00:00Z"), "2026-04-05T00:15:00Z", "skipped altogether");
        let long = OpenHours::on(&[Weekday::Sunday], "02:30", "05:00", "Europe/Berlin").unwrap();
        let next = next_opening(&long, "2026-03-28T00:00:00Z").unwrap();
        assert_eq!(next, "2026-03-29T01:00:00Z", "03:00 is the first that is later than 02:30");
    }

    proptest! {
        /// Between one turn and the next the answer is the same.
        #[test]
        fn nothing_changes_between_turns(
            days in subsequence(&Weekday::ALL[..], 1..=7), from in 0..96_i8, to in 0..96_i8,
            zone in select(&["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"][..]),
            // Around the changes of the clock in 2026.
            start in select(&[1_774_400_000_i64, 1_792_700_000, 1_775_100_000, 1_791_000_000][..]),
            offset in 0..600_000_i64,
        ) {
            let time = |quarter: i8| civil::time(quarter / 4, quarter % 4 * 15, 0, 0);
            let hours = OpenHours::new(&Hours {
                weekdays: days, from: time(from), to: time(to), time_zone: zone.to_owned(),
            }).unwrap();
            let now = Timestamp::from_second(start + offset).unwrap();
            let turn = hours.turn_after(now).unwrap();
            let open = hours.open_at(now);
            let mut moment = now;
            while moment < turn {
                prop_assert_eq!(hours.open_at(moment), open, "{} of {:?}", moment, hours);
                moment += jiff::SignedDuration::from_secs(300);
            }
            prop_assert_eq!(hours.open_at(turn - jiff::SignedDuration::from_secs(1)), open);
        }
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
