use std::borrow::Cow;
use std::time::Duration;

use url::Url;

/// The parameters in a sink URL's query, each to be taken once.
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub(super) fn of(url: &'a Url) -> Self {
        Self(url.query_pairs().collect())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1.into_owned())
    }

    /// As [`take`](Self::take), read by `read`, whose error is told with the parameter's name.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, String> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        read(&text).map(Some).map_err(|usage| format!("`{name}` is {usage}, not `{text}`"))
    }

    /// Whether everything was understood.
    pub(super) fn end(self, known: &str) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!(
                "`{name}` is not a parameter of it, or stands twice: there are {known}"
            )),
        }
    }
}

/// `100MB`, `128MiB`, `5000`.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    const USAGE: &str = "a size such as 500000, 100MB or 128MiB";
    const UNITS: [(&str, u64); 8] = [
        ("", 1),
        ("B", 1),
        ("kB", 1000),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    quantity(text, &UNITS).filter(|bytes| *bytes > 0).ok_or(USAGE)
}

/// `1d`, `12h`, `30m`, `90s`.
pub(super) fn age(text: &str) -> Result<Duration, &'static str> {
    const USAGE: &str = "an age such as 1d, 12h, 30m or 90s";
    const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    quantity(text, &UNITS).filter(|s| *s > 0).map(Duration::from_secs).ok_or(USAGE)
}

pub(super) fn count(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|n| *n > 0).ok_or("a number from 1 on")
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_read() {
        assert_eq!(bytes("5000"), Ok(5000));
        assert_eq!(bytes("100MB"), Ok(100_000_000));
        assert_eq!(bytes("128 MiB"), Ok(128 << 20));
        assert_eq!(age("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0", "MB", "-1", "1.5GB", "1XB", "99999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "0s", "1", "1y", "d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        assert!(count("0").is_err() && count("x").is_err());
    }

    #[test]
    fn what_is_not_known_is_told() {
        let url: Url = "file:///x?keep=3&kep=4".parse().unwrap();
        let mut parameters = Parameters::of(&url);
        assert_eq!(parameters.parse("keep", count), Ok(Some(3)));
        assert_eq!(parameters.parse("max_bytes", bytes), Ok(None));
        let error = parameters.end("`keep`").unwrap_err();
        assert!(error.contains("`kep`"), "{error}");
    }
}
