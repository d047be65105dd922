use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter bodies gain next to nothing, in bytes.
const MIN_BYTES: usize = 512;
/// Longer ones are compressed on a thread of their own, in bytes: one of this length takes about
/// a millisecond.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// `body` as gzip (RFC 1952); `None` when that is not smaller.
pub(crate) async fn smaller(body: &Bytes) -> Option<Bytes> {
    if body.len() < MIN_BYTES {
        return None;
    }
    if body.len() <= AT_ONCE_BYTES {
        return compressed(body);
    }
    let body = body.clone();
    // A thread that fails leaves the body as it is, which is right too.
    tokio::task::spawn_blocking(move || compressed(&body)).await.ok().flatten()
}

/// The fastest level: what is compressed is read once.
fn compressed(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    encoder.write_all(body).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < body.len()).then(|| packed.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[tokio::test]
    async fn long_and_short_bodies_come_out_as_they_went_in() {
        for bytes in [MIN_BYTES, AT_ONCE_BYTES, AT_ONCE_BYTES + 1, 1 << 20] {
            let body: Bytes = b"0123456789".iter().copied().cycle().take(bytes).collect();
            let packed = smaller(&body).await.expect("it repeats itself");
            assert!(packed.len() < body.len() / 2, "{} of {bytes}", packed.len());
            let mut again = Vec::new();
            GzDecoder::new(&packed[..]).read_to_end(&mut again).unwrap();
            assert_eq!(again, body);
        }
    }

    #[tokio::test]
    async fn what_would_not_be_smaller_is_left() {
        assert_eq!(smaller(&Bytes::from_static(b"short")).await, None);
        let noise: Bytes = (0..10_000).map(|_| rand::random::<u8>()).collect();
        assert_eq!(smaller(&noise).await, None);
    }
}
