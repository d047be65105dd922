//! A day of the calendar, perhaps with a time of day.

use std::fmt;

use jiff::civil::Date;

/// Nothing was published on the web before it.
const MIN_YEAR: i16 = 1993;

/// No clock is read: later years are taken for something else than a date of publication.
const MAX_YEAR: i16 = 2035;

/// Offsets from UTC reach so far (Kiribati), in minutes.
const MAX_OFFSET: i16 = 14 * 60;

/// Before this hour in UTC it is still yesterday somewhere west.
const EARLIEST_WEST: u8 = 12;

/// From this hour in UTC on it is tomorrow somewhere east.
const EARLIEST_EAST: u8 = 10;

/// A date that exists, perhaps with a time of day. Prints as ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    date: Date,
    time: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    /// Minutes east of UTC.
    offset: Option<i16>,
}

impl Stamp {
    /// The day, if there is such a one and it can be a day of publication.
    pub(crate) fn day(year: u32, month: u32, day: u32) -> Option<Self> {
        let year = i16::try_from(year).ok().filter(|year| (MIN_YEAR..=MAX_YEAR).contains(year))?;
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(Self { date, time: None })
    }

    /// The day that many seconds after 1970 in UTC, with its time.
    pub(crate) fn unix(seconds: i64) -> Option<Self> {
        let at = jiff::Timestamp::from_second(seconds).ok()?;
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let day = Self::day(
            u32::try_from(at.year()).ok()?,
            u32::try_from(at.month()).ok()?,
            u32::try_from(at.day()).ok()?,
        )?;
        let part = |value: i8| u32::try_from(value).unwrap_or(0);
        Some(day.at(part(at.hour()), part(at.minute()), part(at.second()), Some(0)))
    }

    /// The same day at a time; without one if there is no such time. `offset` is in minutes east
    /// of UTC.
    pub(crate) fn at(self, hour: u32, minute: u32, second: u32, offset: Option<i16>) -> Self {
        let time = (hour < 24 && minute < 60 && second <= 60).then(|| Time {
            hour: hour as u8,
            minute: minute as u8,
            second: second.min(59) as u8,
            offset: offset.filter(|offset| offset.abs() <= MAX_OFFSET),
        });
        Self { time, ..self }
    }

    /// Whether `day` is the day before or after, and was this day somewhere on Earth at this time,
    /// which is not given in local time.
    pub(crate) fn can_be_day_of(self, day: Self) -> bool {
        let Ok(span) = day.date.since(self.date) else { return false };
        match (self.time, span.get_days()) {
            (Some(Time { offset: Some(1..) | Some(..=-1), .. }), _) => false,
            (time, -1) => time.is_none_or(|time| time.hour < EARLIEST_WEST),
            (time, 1) => time.is_none_or(|time| time.hour >= EARLIEST_EAST),
            _ => false,
        }
    }

    /// The next day, if this is midnight in Central Europe given in UTC: what an editor put in as a
    /// day without a time.
    pub(crate) fn day_of_midnight(self) -> Option<Self> {
        let time = self.time?;
        let midnight =
            matches!(time, Time { hour: 22 | 23, minute: 0, second: 0, offset: Some(0) });
        let date = self.date.tomorrow().ok().filter(|_| midnight)?;
        Some(Self { date, time: None })
    }

    /// Whole days between the two, however they are ordered.
    pub(crate) fn days_from(self, other: Self) -> u32 {
        self.date.since(other.date).map_or(u32::MAX, |span| span.get_days().unsigned_abs())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        let Some(time) = self.time else { return Ok(()) };
        write!(f, "T{:02}:{:02}:{:02}", time.hour, time.minute, time.second)?;
        match time.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
