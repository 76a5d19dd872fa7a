//! Conditions as they are written at a shell: `mon-fri 09:00-17:00 Europe/Berlin`.

use portcullis::types::{ConditionSpec, Hours, Network, Timestamp, Weekday};

use super::Failure;

/// When a grant counts.
#[derive(Debug, Default, clap::Args)]
pub(super) struct When {
    /// Only at these hours, such as "mon-fri 09:00-17:00 Europe/Berlin"; without days: every day
    #[arg(long, value_name = "HOURS")]
    hours: Option<String>,
    /// Only from this network, such as 10.0.0.0/8 or ::1; may be given more than once
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    from: Vec<String>,
    /// Only under this condition, such as '{"recent_login": 300}'
    #[arg(long, value_name = "JSON")]
    condition: Option<String>,
    /// Only from this moment on, such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "MOMENT")]
    pub(super) valid_from: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "MOMENT")]
    pub(super) valid_until: Option<Timestamp>,
}

impl When {
    /// The condition, where there is one: all that was written must hold.
    pub(super) fn spec(&self) -> Result<Option<ConditionSpec>, Failure> {
        let mut clauses = Vec::new();
        if let Some(text) = &self.hours {
            clauses.push(ConditionSpec::Hours(hours(text)?));
        }
        if !self.from.is_empty() {
            let networks: Result<Vec<Network>, _> =
                self.from.iter().map(|network| network.parse()).collect();
            let networks = networks.map_err(|error| {
                Failure::usage(error.to_string(), "several are separated by commas")
            })?;
            clauses.push(ConditionSpec::Networks(networks));
        }
        if let Some(text) = &self.condition {
            let spec = serde_json::from_str(text).map_err(|error| {
                Failure::usage(
                    format!("--condition is not a condition: {error}"),
                    r#"write it like '{"recent_login": 300}' or '{"not": {"networks": ["10.0.0.0/8"]}}'"#,
                )
            })?;
            clauses.push(spec);
        }
        Ok(match clauses.len() {
            0 | 1 => clauses.pop(),
            _ => Some(ConditionSpec::All(clauses)),
        })
    }
}

fn hours(text: &str) -> Result<Hours, Failure> {
    let wrong = |why: String| {
        Failure::usage(
            format!("--hours {text:?}: {why}"),
            r#"write it like "mon-fri 09:00-17:00 Europe/Berlin""#,
        )
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let (days, span, zone) = match words[..] {
        [days, span, zone] => (Some(days), span, zone),
        [span, zone] => (None, span, zone),
        _ => return Err(wrong("it is not days, a span and a time zone".to_owned())),
    };
    let (from, to) =
        span.split_once('-').ok_or_else(|| wrong(format!("{span:?} is not a span of hours")))?;
    let is_not_a_time = |text: &str| wrong(format!("{text:?} is not a time"));
    Ok(Hours {
        weekdays: match days {
            Some(days) => weekdays(days).map_err(wrong)?,
            None => Weekday::ALL.to_vec(),
        },
        from: from.parse().map_err(|_| is_not_a_time(from))?,
        to: to.parse().map_err(|_| is_not_a_time(to))?,
        time_zone: zone.to_owned(),
    })
}

/// Days and spans of days, separated by commas; a span may run over Sunday.
fn weekdays(text: &str) -> Result<Vec<Weekday>, String> {
    if text.eq_ignore_ascii_case("daily") {
        return Ok(Weekday::ALL.to_vec());
    }
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (position(first)?, position(last)?);
        let length = (last + 7 - first) % 7;
        days.extend((first..=first + length).map(|day| Weekday::ALL[day % 7]));
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn position(text: &str) -> Result<usize, String> {
    const NAMES: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let name = text.to_lowercase();
    let found = NAMES.iter().position(|day| name.len() >= 3 && day.starts_with(&name));
    found
        .ok_or_else(|| format!("{text:?} is not a day: mon, tue, wed, thu, fri, sat, sun or daily"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Vec<Weekday> {
        weekdays(text).unwrap()
    }

    #[test]
    fn days_are_read_alone_in_lists_and_in_spans_over_sunday() {
        assert_eq!(days("mon-fri"), Weekday::WORKING);
        assert_eq!(days("Sat-MON"), [Weekday::Monday, Weekday::Saturday, Weekday::Sunday]);
        assert_eq!(days("wednesday,mon,mon"), [Weekday::Monday, Weekday::Wednesday]);
        assert_eq!(days("daily"), Weekday::ALL);
        assert_eq!(days("sun"), [Weekday::Sunday]);
        for wrong in ["", "mo", "mon-", "mon,,tue", "montag", "-"] {
            assert!(weekdays(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_was_written_must_all_hold() {
        let when = When {
            hours: Some("mon-fri 09:00-17:00 Europe/Berlin".to_owned()),
            from: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
            condition: Some(r#"{"recent_login": 300}"#.to_owned()),
            ..When::default()
        };
        let spec = serde_json::to_value(when.spec().unwrap()).unwrap();
        assert_eq!(spec["all"][0]["hours"]["time_zone"], "Europe/Berlin");
        assert_eq!(spec["all"][1]["networks"][1], "::1/128");
        assert_eq!(spec["all"][2]["recent_login"], 300);
        assert!(When::default().spec().unwrap().is_none());
    }

    #[test]
    fn hours_that_are_none_are_said_with_an_example() {
        for wrong in ["", "mon", "09:00 UTC", "mon-fri 9-17 UTC", "mon 09:00-25:00 UTC", "a b c d"]
        {
            let failure = hours(wrong).unwrap_err().to_string();
            assert!(failure.contains("mon-fri 09:00-17:00"), "{failure}");
        }
    }
}
