//! Reads a body, as it is on the wire, under the byte budget.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use egress::{Budget, Reservation, Response};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::patience::{FAR_OFF, Patience};

/// Reserved for a body of unknown length until it proves to be longer.
const UNKNOWN_LENGTH_BYTES: u64 = 64 * 1024;

/// From then on the rate of a body is judged.
const GRACE: Duration = Duration::from_secs(10);

/// The whole body, at most `max_bytes` long, and the reservation for it. The reservation is made
/// before the first byte is asked for: the announced length, or a little first and more by steps.
/// On the average it comes at `min_rate` bytes per second, or not at all.
///
/// # Errors
/// [`Kind::TooLarge`](crate::Kind::TooLarge) for a longer one, [`Kind::Timeout`](crate::Kind) and
/// [`Kind::Busy`](crate::Kind), else what egress says.
pub(crate) async fn read(
    mut response: Response,
    budget: &Budget,
    max_bytes: u64,
    min_rate: u64,
    patience: &mut Patience,
) -> Result<(Bytes, Reservation), Error> {
    let announced = response.content_length();
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(Error::too_large(max_bytes));
    }
    let first = announced.unwrap_or(UNKNOWN_LENGTH_BYTES.min(max_bytes));
    let mut held = patience.own(budget.reserve(first)).await?;
    let mut body = Body::default();
    let mut rate = Rate { begun: Instant::now(), least: min_rate };
    loop {
        let chunk = patience.network(response.chunk());
        let Some(chunk) = rate.within(body.len(), chunk).await??? else {
            break;
        };
        let length = body.len() + chunk.len() as u64;
        if length > max_bytes {
            return Err(Error::too_large(max_bytes));
        }
        // What is announced is clamped where it is more than there ever is.
        if announced.is_none() && length > held.bytes() {
            let waiting = Instant::now();
            patience.own(held.grow_for(length, max_bytes)).await?;
            rate.begun += waiting.elapsed();
        }
        body.push(chunk, announced);
    }
    held.shrink_to(body.len());
    Ok((body.finish(), held))
}

/// How fast a body has to come.
struct Rate {
    /// When it began, later by what it waited for us.
    begun: Instant,
    /// Bytes per second.
    least: u64,
}

impl Rate {
    /// What comes after `length` bytes, if it comes before they have taken too long.
    async fn within<T>(&self, length: u64, next: impl Future<Output = T>) -> Result<T, Error> {
        let enough_for = match self.least {
            0 => FAR_OFF,
            least => Duration::from_secs_f64(length as f64 / least as f64).clamp(GRACE, FAR_OFF),
        };
        timeout_at(self.begun + enough_for, next).await.map_err(|_| Error::too_slow(self.least))
    }
}

/// A body that is copied together only when it comes in more than one piece.
#[derive(Default)]
struct Body {
    only: Bytes,
    joined: BytesMut,
}

impl Body {
    fn len(&self) -> u64 {
        (self.only.len() + self.joined.len()) as u64
    }

    fn push(&mut self, chunk: Bytes, announced: Option<u64>) {
        if self.len() == 0 {
            self.only = chunk;
            return;
        }
        if self.joined.is_empty() {
            let announced = announced.and_then(|length| usize::try_from(length).ok());
            let pieces = self.only.len() + chunk.len();
            self.joined.reserve(announced.unwrap_or(0).max(pieces));
            self.joined.extend_from_slice(&std::mem::take(&mut self.only));
        }
        self.joined.extend_from_slice(&chunk);
    }

    fn finish(self) -> Bytes {
        match self.joined.is_empty() {
            true => self.only,
            false => self.joined.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_in_order() {
        for pieces in [vec![], vec!["a"], vec!["", "a", "", "bc"], vec!["ab", "c", "def"]] {
            let mut body = Body::default();
            for piece in &pieces {
                body.push(Bytes::copy_from_slice(piece.as_bytes()), None);
            }
            assert_eq!(body.len(), pieces.concat().len() as u64);
            assert_eq!(body.finish(), pieces.concat());
        }
    }
}
