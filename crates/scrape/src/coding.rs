//! Content codings (RFC 9110, section 8.4.1): gzip, deflate, br, zstd.

use std::io::{self, Read};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::error::{Error, Kind};

/// What is offered in `accept-encoding`.
pub(crate) const OFFERED: &str = "gzip, deflate, br, zstd";

/// Codings one upon another that are taken apart; more is an attack.
const MAX_STACKED: usize = 2;

/// RFC 9659 limits zstd over HTTP to windows of 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A body that grows more than this many times is a bomb, unless it is small.
const MAX_RATIO: u64 = 200;

/// Pages grow four to ten times; what grows more than this is rare enough to be done twice.
const LIKELY_RATIO: u64 = 16;

/// Nobody has to be stingy below this.
const LIKELY_LEAST_BYTES: u64 = 8 * 1024;

/// Growth is judged from this many bytes on.
const RATIO_FROM_BYTES: u64 = 1 << 20;

/// One coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The codings of a body in the order they were applied; empty when it is plain.
pub(crate) fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Error> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| unknown("with unprintable bytes"))?;
        for token in value.split(',').map(str::trim) {
            let coding = match token.to_ascii_lowercase().as_str() {
                "" | "identity" | "none" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                other => return Err(unknown(other)),
            };
            codings.push(coding);
            if codings.len() > MAX_STACKED {
                return Err(Error::new(Kind::Decode, "too many content codings"));
            }
        }
    }
    Ok(codings)
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(40).collect();
    Error::new(Kind::Decode, format!("unknown content coding {name:?}"))
}

/// The most bytes that a body of `wire_bytes` can have once `codings` are taken off.
pub(crate) fn most_bytes(wire_bytes: u64, codings: &[Coding], max_bytes: u64) -> u64 {
    match codings.is_empty() {
        true => wire_bytes,
        false => max_bytes.min(steep_bytes(wire_bytes)),
    }
}

/// Within how many bytes a body of `wire_bytes` nearly always fits once `codings` are taken off.
pub(crate) fn likely_bytes(wire_bytes: u64, codings: &[Coding], max_bytes: u64) -> u64 {
    match codings.is_empty() {
        true => wire_bytes,
        false => wire_bytes.saturating_mul(LIKELY_RATIO).max(LIKELY_LEAST_BYTES).min(max_bytes),
    }
}

/// Where growth becomes suspicious.
fn steep_bytes(wire_bytes: u64) -> u64 {
    wire_bytes.saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES)
}

/// Takes the codings off `body`. The answer has at most `max_bytes` bytes.
///
/// # Errors
/// [`Kind::TooLarge`] when it has more or grows too steeply, [`Kind::Decode`] when it is broken,
/// [`Kind::Body`] when it ends early.
pub(crate) fn decode(body: Bytes, codings: &[Coding], max_bytes: u64) -> Result<Bytes, Error> {
    let limit = Limit { max_bytes, steep_bytes: steep_bytes(body.len() as u64) };
    let mut body = body;
    for coding in codings.iter().rev() {
        // An empty body has nothing to take off, whatever its headers say.
        if body.is_empty() {
            break;
        }
        body = decode_one(&body, *coding, &limit)?;
    }
    Ok(body)
}

/// Up to `most` bytes of what `body` is without its codings; the rest is not looked at. `is_cut`
/// says that the body is but the beginning of one.
///
/// # Errors
/// As [`decode`], where that is before the end of what is wanted.
pub(crate) fn beginning(
    body: &Bytes,
    codings: &[Coding],
    mut is_cut: bool,
    most: usize,
) -> Result<Bytes, Error> {
    let mut body = body.clone();
    for coding in codings.iter().rev() {
        if body.is_empty() {
            break;
        }
        // One byte more tells a body that ends there from one that goes on.
        let limit = Limit { max_bytes: most as u64, steep_bytes: u64::MAX };
        let mut out = Vec::new();
        if let Err(error) = decode_into(&body, *coding, &mut out, &limit) {
            let is_its_end = is_cut && error.kind() == Kind::Body;
            if out.len() <= most && !is_its_end {
                return Err(error);
            }
            is_cut = true;
        }
        out.truncate(most);
        body = out.into();
    }
    Ok(body)
}

fn decode_one(body: &[u8], coding: Coding, limit: &Limit) -> Result<Bytes, Error> {
    let mut out = Vec::with_capacity(limit.first_guess(body.len()));
    decode_into(body, coding, &mut out, limit)?;
    Ok(out.into())
}

/// Appends to `out` what it can, even if that is not all.
fn decode_into(body: &[u8], coding: Coding, out: &mut Vec<u8>, limit: &Limit) -> Result<(), Error> {
    match coding {
        Coding::Gzip => gunzip(body, out, limit),
        Coding::Deflate if is_zlib(body) => {
            limit.read(flate2::bufread::ZlibDecoder::new(body), out)
        }
        // Some servers send the bare stream of RFC 1951.
        Coding::Deflate => limit.read(flate2::bufread::DeflateDecoder::new(body), out),
        Coding::Brotli => {
            let mut source = Source { left: body, is_over: false };
            let read = limit.read(brotli::Decompressor::new(&mut source, 4096), out);
            // Its error is the same for both.
            match read {
                Err(error) if error.kind() == Kind::Decode && source.is_over => Err(ends_early()),
                read => read,
            }
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            limit.read(decoder, out)
        }
    }
}

/// Bytes, and whether more of them were asked for than there are.
struct Source<'a> {
    left: &'a [u8],
    is_over: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.is_over |= self.left.is_empty();
        self.left.read(room)
    }
}

/// Every member (RFC 1952, section 2.2); what follows the last one is ignored, as browsers do.
fn gunzip(mut body: &[u8], out: &mut Vec<u8>, limit: &Limit) -> Result<(), Error> {
    loop {
        let mut member = flate2::bufread::GzDecoder::new(body);
        limit.read(&mut member, out)?;
        body = member.into_inner();
        if !body.starts_with(&[0x1f, 0x8b]) {
            return Ok(());
        }
    }
}

/// RFC 1950, section 2.2: method 8 and a header divisible by 31.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

struct Limit {
    max_bytes: u64,
    steep_bytes: u64,
}

impl Limit {
    fn first_guess(&self, wire_bytes: usize) -> usize {
        let guess = (wire_bytes as u64).saturating_mul(4).min(self.max_bytes);
        usize::try_from(guess).unwrap_or(wire_bytes)
    }

    /// Appends all of `source` to `out` while the limits hold.
    fn read(&self, source: impl Read, out: &mut Vec<u8>) -> Result<(), Error> {
        let allowed = self.max_bytes.min(self.steep_bytes);
        let room = (allowed + 1).saturating_sub(out.len() as u64);
        source.take(room).read_to_end(out).map_err(broken)?;
        if out.len() as u64 <= allowed {
            return Ok(());
        }
        if self.max_bytes <= self.steep_bytes {
            return Err(Error::too_large(self.max_bytes));
        }
        let context = format!("the body grows more than {MAX_RATIO} times when decompressed");
        Err(Error::new(Kind::TooLarge, context))
    }
}

fn broken(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ends_early(),
        _ => Error::new(Kind::Decode, "the compressed body is broken"),
    }
    .with_source(error)
}

fn ends_early() -> Error {
    Error::new(Kind::Body, "the compressed body ends early")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use http::HeaderValue;

    use super::*;

    fn header(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(value));
        headers
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn undo(body: Vec<u8>, codings: &[Coding], max: u64) -> Result<Bytes, Kind> {
        decode(body.into(), codings, max).map_err(|e| e.kind())
    }

    #[test]
    fn names_are_read_in_order() {
        assert_eq!(codings(&HeaderMap::new()).unwrap(), []);
        assert_eq!(codings(&header("identity")).unwrap(), []);
        assert_eq!(codings(&header("X-GZIP , br")).unwrap(), [Coding::Gzip, Coding::Brotli]);
        assert_eq!(codings(&header("gzip, gzip, gzip")).unwrap_err().kind(), Kind::Decode);
        assert_eq!(codings(&header("compress")).unwrap_err().kind(), Kind::Decode);
    }

    #[test]
    fn what_is_likely_is_never_more_than_what_is_possible() {
        for wire in [0, 1, 600, 100_000, 10_000_000, u64::MAX] {
            for codings in [&[][..], &[Coding::Brotli]] {
                let likely = likely_bytes(wire, codings, 10_000_000);
                assert!(likely <= most_bytes(wire, codings, 10_000_000), "{wire} {codings:?}");
            }
        }
        assert_eq!(likely_bytes(20_000, &[Coding::Gzip], 10_000_000), 320_000);
        assert_eq!(most_bytes(20_000, &[Coding::Gzip], 10_000_000), 4_000_000);
    }

    #[test]
    fn every_member_and_no_garbage() {
        let mut body = gzip(b"one ");
        body.extend(gzip(b"two"));
        body.extend(b"garbage");
        assert_eq!(undo(body, &[Coding::Gzip], 100).unwrap(), "one two");
        assert_eq!(
            undo(gzip(&gzip(b"twice")), &[Coding::Gzip, Coding::Gzip], 100).unwrap(),
            "twice"
        );
    }

    #[test]
    fn both_kinds_of_deflate() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"wrapped").unwrap();
        assert_eq!(undo(zlib.finish().unwrap(), &[Coding::Deflate], 100).unwrap(), "wrapped");
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"bare").unwrap();
        assert_eq!(undo(raw.finish().unwrap(), &[Coding::Deflate], 100).unwrap(), "bare");
    }

    #[test]
    fn limits_hold_to_the_byte() {
        let body = gzip(&[7; 1000]);
        assert_eq!(undo(body.clone(), &[Coding::Gzip], 1000).unwrap().len(), 1000);
        assert_eq!(undo(body, &[Coding::Gzip], 999), Err(Kind::TooLarge));
        let bomb = gzip(&vec![0; 4 << 20]);
        assert!(bomb.len() < 5000);
        assert_eq!(undo(bomb, &[Coding::Gzip], 1 << 30), Err(Kind::TooLarge));
    }

    #[test]
    fn a_wide_zstd_window_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"wide").unwrap();
        assert_eq!(undo(encoder.finish().unwrap(), &[Coding::Zstd], 100), Err(Kind::Decode));
        let narrow = zstd::encode_all(&b"narrow"[..], 3).unwrap();
        assert_eq!(undo(narrow, &[Coding::Zstd], 100).unwrap(), "narrow");
    }

    #[test]
    fn a_beginning_is_as_much_as_is_wanted_and_never_wrong() {
        let text: Vec<u8> = (0..10_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let whole = Bytes::from(gzip(&text));
        let twice = Bytes::from(gzip(&whole));
        let most = |body: &Bytes, depth, is_cut, most| {
            beginning(body, &[Coding::Gzip; 2][..depth], is_cut, most).map_err(|e| e.kind())
        };
        for (body, depth) in [(&Bytes::from(text.clone()), 0), (&whole, 1)] {
            assert_eq!(most(body, depth, false, text.len()).unwrap(), text);
        }
        // As far as it goes: what is between is cut as well.
        let some = most(&twice, 2, false, 8_000).unwrap();
        assert!(some.len() == 8_000 && text.starts_with(&some));
        let half = whole.slice(..whole.len() / 2);
        assert_eq!(most(&half, 1, false, text.len()), Err(Kind::Body));
        let some = most(&half, 1, true, text.len()).unwrap();
        assert!(some.len() > 1_000 && text.starts_with(&some));
        assert_eq!(
            most(&Bytes::from_static(b"this is no gzip at all"), 1, true, 100),
            Err(Kind::Decode)
        );
    }

    #[test]
    fn broken_and_cut_bodies() {
        let whole = gzip(b"some text that is long enough");
        let cut = whole[..whole.len() - 9].to_vec();
        assert_eq!(undo(cut, &[Coding::Gzip], 100), Err(Kind::Body));
        assert_eq!(undo(b"plain text".to_vec(), &[Coding::Gzip], 100), Err(Kind::Decode));
        assert_eq!(undo(Vec::new(), &[Coding::Gzip], 100).unwrap(), "");
    }
}
