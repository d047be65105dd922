use std::io;
use std::time::{Duration, UNIX_EPOCH};

use hyper::Response;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::answers::{drip, huge};
use crate::unix_micros;
use crate::wire::{Body, Hangup, abandon, full};

/// Between two parts of a slow body: the whole takes ten times as long.
const SLOW_BODY_MS: u64 = 700;

/// Longer than any sender waits.
const FOREVER: Duration = Duration::from_secs(3600);

/// What becomes of one POST at a [`crate::Sink`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// 200 at once.
    Accept,
    /// 200 after a while.
    SlowHead(Duration),
    /// 200, and a body that has no end.
    EndlessBody,
    /// 200, and a body that takes its time.
    SlowBody,
    /// This status, with `Retry-After` in seconds when given.
    Status(u16, Option<u64>),
    /// 503 with a `Retry-After` that is a date, so many seconds away.
    RetryAt(u64),
    /// This status, and a place where nobody should go.
    Redirect(u16, String),
    /// Taken, then the connection is reset.
    Reset,
    /// Taken, then the connection is closed.
    Close,
    /// Taken, then what is no HTTP.
    Garbage,
    /// Taken, then nothing.
    Hang,
    /// The connection is closed before the body was read.
    Refuse,
}

impl Treatment {
    /// The status of the answer; 0 when there is none that can be read.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Accept | Self::SlowHead(_) | Self::EndlessBody | Self::SlowBody => 200,
            Self::Status(status, _) | Self::Redirect(status, _) => *status,
            Self::RetryAt(_) => 503,
            Self::Reset | Self::Close | Self::Garbage | Self::Hang | Self::Refuse => 0,
        }
    }

    /// Whether the POST was taken and the sender cannot know.
    pub(crate) fn loses_the_answer(&self) -> bool {
        matches!(self, Self::Reset | Self::Close | Self::Garbage | Self::Hang)
    }

    /// The answer.
    pub(crate) async fn answer(self, hangup: &Hangup) -> io::Result<Response<Body>> {
        let answer = Response::builder().status(self.status().max(200));
        let answer = match &self {
            Self::Status(_, Some(seconds)) => answer.header("retry-after", *seconds),
            Self::RetryAt(seconds) => {
                let at = UNIX_EPOCH + Duration::from_secs(unix_micros() / 1_000_000 + seconds);
                answer.header("retry-after", httpdate::fmt_http_date(at))
            }
            Self::Redirect(_, to) => answer.header("location", to),
            _ => answer,
        };
        let body = match self {
            Self::EndlessBody => huge(u64::MAX),
            Self::SlowBody => drip("taken in good time".to_owned(), SLOW_BODY_MS),
            Self::Hang => {
                tokio::time::sleep(FOREVER).await;
                return Err(abandon());
            }
            Self::Reset => {
                hangup.reset();
                return Err(abandon());
            }
            Self::Close | Self::Refuse => return Err(abandon()),
            Self::Garbage => {
                hangup.garble();
                full("garbage")
            }
            _ => full(""),
        };
        answer.body(body).map_err(io::Error::other)
    }
}

/// Every treatment there is, dealt in a random order again and again. Half of them accept.
#[derive(Debug)]
pub(crate) struct Deck {
    rng: StdRng,
    trap: String,
    hand: Vec<Treatment>,
    /// Decks that were dealt to the end.
    pub(crate) dealt: u64,
}

impl Deck {
    /// Redirects lead to `trap`.
    pub(crate) fn new(rng: StdRng, trap: &str) -> Self {
        Self { rng, trap: trap.to_owned(), hand: Vec::new(), dealt: 0 }
    }

    /// The next treatment.
    pub(crate) fn deal(&mut self) -> Treatment {
        if self.hand.is_empty() {
            self.hand = self.shuffled();
        }
        let next = self.hand.pop().unwrap_or(Treatment::Accept);
        self.dealt += u64::from(self.hand.is_empty());
        next
    }

    fn shuffled(&mut self) -> Vec<Treatment> {
        let slow = |ms| Treatment::SlowHead(Duration::from_millis(ms));
        let mut hand = vec![
            slow(50),
            slow(400),
            Treatment::EndlessBody,
            Treatment::SlowBody,
            Treatment::Status(429, Some(1)),
            Treatment::RetryAt(2),
            Treatment::Reset,
            Treatment::Close,
            Treatment::Garbage,
            Treatment::Hang,
            Treatment::Refuse,
        ];
        let failures = [408, 425, 500, 502, 504].map(|status| Treatment::Status(status, None));
        hand.extend(failures);
        hand.push(Treatment::Redirect(
            [301, 302, 303, 307, 308][self.dealt as usize % 5],
            self.trap.clone(),
        ));
        hand.extend(std::iter::repeat_n(Treatment::Accept, 12));
        hand.shuffle(&mut self.rng);
        hand
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    #[test]
    fn each_deck_has_every_treatment_and_half_of_them_accept() {
        let mut deck = Deck::new(rng("deck"), "http://127.0.0.1:1/");
        let mut dealt = Vec::new();
        while deck.dealt == 0 {
            dealt.push(deck.deal());
        }
        let taken = dealt.iter().filter(|one| one.status() == 200).count();
        assert!((taken * 2).abs_diff(dealt.len()) <= 4, "{taken} of {}", dealt.len());
        assert_eq!(dealt.iter().filter(|one| one.loses_the_answer()).count(), 4);
        assert!(dealt.contains(&Treatment::Refuse) && dealt.contains(&Treatment::RetryAt(2)));
    }
}
