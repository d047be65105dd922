//! Dates in running text.

use super::token::{self, Token};
use super::{Order, Stamp};

use Token::{Mark, Month, Number, Word};

/// The first date of a text, with its time if one follows. Relative ones ("yesterday") are none,
/// and neither are a year or a month alone.
pub(crate) fn find(text: &str, order: Order) -> Option<Stamp> {
    // Cheap refusals first: no digit, no date.
    if !text.bytes().any(may_be_digit) {
        return None;
    }
    let tokens = token::read(text);
    (0..tokens.len()).find_map(|at| {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let reader = Reader { tokens: &tokens, at };
        reader.date(before, order)
    })
}

/// Whether a byte is a digit or begins one of Arabic, Indic, Thai or full width.
fn may_be_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, 0xd9 | 0xdb | 0xe0 | 0xef)
}

/// Words and marks between day, month and year.
fn is_filler(token: &Token) -> bool {
    match token {
        Mark(c) => matches!(c, '.' | ',' | '،' | '-' | '/' | '–' | '’' | '\'' | 'º' | '°' | 'ª'),
        Word(word) => matches!(
            word.as_str(),
            "st" | "nd"
                | "rd"
                | "th"
                | "er"
                | "º"
                | "ª"
                | "de"
                | "del"
                | "d"
                | "of"
                | "the"
                | "den"
                | "di"
                | "m"
                | "da"
                | "do"
                | "ve"
                | "a"
        ),
        _ => false,
    }
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    tokens: &'t [Token],
    pub(super) at: usize,
}

impl Reader<'_> {
    pub(super) fn next(&mut self) -> Option<&Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn skip(&mut self, most: usize, skipped: impl Fn(&Token) -> bool) {
        for _ in 0..most {
            if !self.peek().is_some_and(&skipped) {
                break;
            }
            self.at += 1;
        }
    }

    pub(super) fn mark(&mut self, marks: &[char]) -> Option<char> {
        match self.peek()? {
            Mark(c) if marks.contains(c) => {
                let c = *c;
                self.at += 1;
                Some(c)
            }
            _ => None,
        }
    }

    /// A word that begins with one of `starts`.
    pub(super) fn word(&mut self, starts: &[&str]) -> Option<()> {
        match self.peek()? {
            Word(word) if starts.iter().any(|start| word.starts_with(start)) => self.at += 1,
            _ => return None,
        }
        Some(())
    }

    pub(super) fn number(&mut self, digits: std::ops::RangeInclusive<u8>) -> Option<u32> {
        match self.peek()? {
            Number(value, own) if digits.contains(own) => {
                let value = *value;
                self.at += 1;
                Some(value)
            }
            _ => None,
        }
    }

    fn month(&mut self) -> Option<u32> {
        match self.peek()? {
            Month(month) => {
                let month = u32::from(*month);
                self.at += 1;
                Some(month)
            }
            _ => None,
        }
    }

    /// A year in four digits; in the Buddhist era it is 543 more.
    fn year(&mut self) -> Option<u32> {
        let year = self.number(4..=4)?;
        Some(if (2530..2600).contains(&year) { year - 543 } else { year })
    }

    /// A date that begins here; `before` is the token before it.
    fn date(self, before: Option<&Token>, order: Order) -> Option<Stamp> {
        // A digit right after these is the rest of a longer number.
        if matches!(before, Some(Number(..)))
            && !matches!(self.peek(), Some(Number(_, 4) | Month(_)))
        {
            return None;
        }
        let (date, rest) = match self.peek()? {
            Number(_, 4) => self.year_first(),
            Number(value, 8) => {
                let date = Stamp::day(value / 10_000, value / 100 % 100, value % 100)?;
                Some((date, Reader { at: self.at + 1, ..self }))
            }
            Number(_, 1 | 2) => self.day_and_name().or_else(|| self.numbers(before, order)),
            Month(_) => self.name_first(),
            _ => None,
        }?;
        Some(rest.time(date))
    }

    /// `2024-05-06`, `2024. május 6.`, `2024年5月6日`, `2024, May 6`.
    fn year_first(mut self) -> Option<(Stamp, Self)> {
        let year = self.year()?;
        if self.word(&["年", "년"]).is_some() {
            let month = self.number(1..=2)?;
            self.word(&["月", "월"])?;
            let day = self.number(1..=2)?;
            self.word(&["日", "일", "号", "號"])?;
            return Some((Stamp::day(year, month, day)?, self));
        }
        let separator = self.mark(&['-', '/', '.', '–', '‑']);
        if separator.is_some()
            && let Some(month) = self.number(1..=2)
        {
            let other = self.mark(&['-', '/', '.', '–', '‑']);
            let day = self.number(1..=2).filter(|_| other == separator)?;
            return Some((Stamp::day(year, month, day)?, self));
        }
        self.skip(2, is_filler);
        let month = self.month()?;
        self.skip(2, is_filler);
        let day = self.number(1..=2)?;
        Some((Stamp::day(year, month, day)?, self))
    }

    /// `6 May 2024`, `6. Mai 2024`, `6 de mayo de 2024`, `6-May-24`, `6 tháng 5 năm 2024`.
    fn day_and_name(mut self) -> Option<(Stamp, Self)> {
        let day = self.number(1..=2)?;
        if self.word(&["tháng"]).is_some() {
            let month = self.number(1..=2)?;
            self.skip(1, |token| is_filler(token) || *token == Word("năm".to_owned()));
            return Some((Stamp::day(self.year()?, month, day)?, self));
        }
        self.skip(3, is_filler);
        let month = self.month()?;
        let dash = self.peek() == Some(&Mark('-'));
        let mut short = self;
        self.skip(3, is_filler);
        if let Some(year) = self.year() {
            return Some((Stamp::day(year, month, day)?, self));
        }
        // Two digits are a year after a dash or an apostrophe only.
        let apostrophe = short.mark(&['\'', '’']).is_some() || dash && short.next().is_some();
        let year = short.number(2..=2).filter(|_| apostrophe)?;
        Some((Stamp::day(century(year), month, day)?, short))
    }

    /// `May 6, 2024`, `May 6th 2024`, `May 06 07:08:09 UTC 2024`.
    fn name_first(mut self) -> Option<(Stamp, Self)> {
        let month = self.month()?;
        self.skip(2, is_filler);
        let day = self.number(1..=2)?;
        let mut plain = self;
        plain.skip(3, is_filler);
        if let Some(year) = plain.year() {
            return Some((Stamp::day(year, month, day)?, plain));
        }
        let mut short = self;
        if short.mark(&['\'', '’']).is_some()
            && let Some(year) = short.number(2..=2)
        {
            return Some((Stamp::day(century(year), month, day)?, short));
        }
        // A time stands between day and year.
        self.skip(2, |token| is_filler(token) || *token == Word("at".to_owned()));
        self.number(1..=2)?;
        self.mark(&[':'])?;
        self.skip(8, |token| match token {
            Number(_, digits) => *digits < 4,
            Mark(c) => matches!(c, ':' | ',' | '+' | '-'),
            Word(word) => word.len() <= 4,
            Month(_) => false,
        });
        Some((Stamp::day(self.year()?, month, day)?, Reader { at: self.tokens.len(), ..self }))
    }

    /// `6.5.2024`, `6/5/24`, `6-5-2024`; which is the day is judged by the numbers, the separator
    /// and at last by `order`.
    fn numbers(mut self, before: Option<&Token>, order: Order) -> Option<(Stamp, Self)> {
        const SEPARATORS: [char; 5] = ['.', '/', '-', '–', '|'];
        if before.is_some_and(|before| matches!(before, Mark(c) if SEPARATORS.contains(c) || matches!(c, ':' | '+' | '$' | '€')))
            && !matches!(before, Some(Mark('-' | '–' | '.' | '|')))
        {
            return None;
        }
        let first = self.number(1..=2)?;
        let separator = self.mark(&SEPARATORS)?;
        let second = self.number(1..=2)?;
        self.mark(&[separator])?;
        let four = self.peek().is_some_and(|token| matches!(token, Number(_, 4)));
        let year = if four {
            self.year()?
        } else {
            // Versions, prices and telephone numbers have dashes and two digits as well.
            let short = self.number(2..=2).filter(|_| matches!(separator, '.' | '/'))?;
            if matches!(self.peek(), Some(Mark('.' | '/')))
                && matches!(self.tokens.get(self.at + 1), Some(Number(..)))
            {
                return None;
            }
            century(short)
        };
        let month_first = if first > 12 {
            false
        } else if second > 12 {
            true
        } else {
            order == Order::MonthFirst && !matches!(separator, '.' | '|')
        };
        let (day, month) = if month_first { (second, first) } else { (first, second) };
        Some((Stamp::day(year, month, day)?, self))
    }
}

/// The year of two digits; the web is younger than 1970.
fn century(short: u32) -> u32 {
    if short < 70 { 2000 + short } else { 1900 + short }
}
