//! Dates as pages write them.

mod address;
mod clock;
mod iso;
mod month;
mod stamp;
mod token;
mod words;

pub(crate) use address::read as in_address;
pub(crate) use stamp::Stamp;
pub(crate) use words::find;

/// Values of attributes longer than this are no dates.
const MAX_VALUE_BYTES: usize = 128;

/// How `5/6/2024` is read when neither number can only be a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As most of the world does.
    #[default]
    DayFirst,
    /// As in the United States.
    MonthFirst,
}

impl Order {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::DayFirst => Self::MonthFirst,
            Self::MonthFirst => Self::DayFirst,
        }
    }
}

/// The date that a value made for machines holds: `<meta content>`, `<time datetime>`, JSON-LD.
pub(crate) fn value(written: &str, order: Order) -> Option<Stamp> {
    let written = written.trim().trim_matches(['"', '\'']);
    if written.len() < 6 || written.len() > MAX_VALUE_BYTES {
        return None;
    }
    iso::read(written).or_else(|| unix(written)).or_else(|| find(written, order))
}

/// Whether a word is the name of a month or a day of the week, or "ago" and the like.
pub(crate) fn is_calendar(word: &str) -> bool {
    const DAYS: [&str; 40] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
        "today",
        "yesterday",
        "heute",
        "gestern",
        "hoy",
        "ayer",
        "aujourd",
        "hier",
        "ago",
        "vor",
        "minutes",
        "datum",
    ];
    let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    month::of(&word).is_some() || DAYS.contains(&word.as_str())
}

/// Seconds, milliseconds or microseconds since 1970, by their number of digits.
fn unix(written: &str) -> Option<Stamp> {
    if !written.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = written.parse().ok()?;
    match written.len() {
        9 | 10 => Stamp::unix(number),
        13 => Stamp::unix(number / 1_000),
        16 => Stamp::unix(number / 1_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
