//! Times of day behind a date.

use super::Stamp;
use super::token::Token::{Mark, Number, Word};
use super::words::Reader;

impl Reader<'_> {
    /// `date` with the time of day that follows, if one does.
    pub(super) fn time(mut self, date: Stamp) -> Stamp {
        self.skip(4, |token| match token {
            Mark(c) => matches!(c, ',' | '-' | '–' | '—' | '|' | '·' | '•' | '(' | '،' | '/'),
            Word(word) => word.len() <= 8 && !is_noon(word),
            _ => false,
        });
        let Some((hour, minute, second)) = self.clock() else { return date };
        let half = match self.peek() {
            Some(Word(word)) => Some(word.clone()),
            _ => None,
        };
        let mut hour = hour;
        if let Some(half) = half.filter(|half| is_noon(half)) {
            hour = hour % 12 + if half.starts_with('p') { 12 } else { 0 };
            self.at += 1;
            // "p.m." is three more tokens.
            if half.len() == 1 {
                self.skip(3, |token| *token == Mark('.') || *token == Word("m".to_owned()));
            }
        }
        date.at(hour, minute, second, self.zone())
    }

    fn clock(&mut self) -> Option<(u32, u32, u32)> {
        let hour = self.number(1..=2)?;
        if self.mark(&[':', '.']).is_none() {
            self.word(&["h", "點", "时", "時", "시"])?;
        }
        let minute = self.number(2..=2)?;
        let second = match self.mark(&[':']) {
            Some(_) => self.number(2..=2)?,
            None => 0,
        };
        Some((hour, minute, second))
    }

    /// Minutes east of UTC.
    fn zone(mut self) -> Option<i16> {
        self.mark(&['(']);
        let named = match self.peek() {
            Some(Word(word)) => zone(word),
            _ => None,
        };
        if named.is_some() {
            self.at += 1;
        }
        let Some(sign) = self.mark(&['+', '-']) else { return named };
        let (hours, minutes) = match *self.next()? {
            Number(value, 4) => (value / 100, value % 100),
            Number(value, 1 | 2) => {
                let minutes = self.mark(&[':']).and_then(|_| self.number(2..=2));
                (value, minutes.unwrap_or(0))
            }
            _ => return named,
        };
        let offset = i16::try_from(hours.min(99) * 60 + minutes).ok()?;
        Some(if sign == '-' { -offset } else { offset })
    }
}

fn is_noon(word: &str) -> bool {
    matches!(word, "am" | "pm" | "a" | "p")
}

/// Zones whose name means one offset, or nearly always one.
fn zone(word: &str) -> Option<i16> {
    let hours = match word {
        "z" | "utc" | "gmt" => 0,
        "est" | "cdt" => -5,
        "edt" => -4,
        "cst" | "mdt" => -6,
        "mst" | "pdt" => -7,
        "pst" => -8,
        "cet" | "mez" | "bst" => 1,
        "cest" | "mesz" | "eet" => 2,
        "eest" | "msk" => 3,
        "jst" | "kst" => 9,
        "aest" => 10,
        "aedt" => 11,
        _ => return None,
    };
    Some(hours * 60)
}
