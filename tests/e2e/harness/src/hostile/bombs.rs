//! Small bodies that become large.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// What a bomb becomes: far more than any test lets a page have, and little enough to be made in no
/// time.
const INSIDE: usize = 32 << 20;

/// The inside of every bomb.
pub(super) fn inside() -> Vec<u8> {
    vec![b' '; INSIDE]
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

pub(super) fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Quality 5 of 11: ten times as fast as the best, and no larger for what is all the same.
    let mut encoder = brotli::CompressorWriter::new(&mut out, 64 << 10, 5, 22);
    encoder.write_all(bytes).expect("a vector takes everything");
    drop(encoder);
    out
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("a vector takes everything")
}

/// A frame whose window is larger than HTTP allows (RFC 9659: 8 MiB).
pub(super) fn wide_zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("a sound level");
    encoder.window_log(27).expect("a sound window");
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// A gzip stream that never gets past its header: the file's name does not end (RFC 1952).
pub(super) const GZIP_NAME: [u8; 10] = [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];

/// That many bytes without sense, the same every time (Knuth's multiplicative hash).
pub(super) fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_small_outside() {
        let inside = inside();
        for bomb in [gzip(&inside), zlib(&inside), deflate(&inside), brotli(&inside), zstd(&inside)]
        {
            assert!(bomb.len() < INSIDE / 900, "{} bytes", bomb.len());
        }
        assert!(gzip(&gzip(&inside)).len() < 2_000);
    }
}
