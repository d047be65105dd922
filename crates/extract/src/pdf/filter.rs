//! What streams are packed with (ISO 32000-1, section 7.4).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::file::File;
use super::lexer::{Dict, Value};

/// Filters one upon another; more is an attack.
const MAX_FILTERS: usize = 4;

/// Bytes that are unpacked between two payments.
const STEP_BYTES: usize = 64 * 1024;

/// Unpacks a stream, at most `most_bytes` at every step; none for pictures and unknown filters.
/// What can be read of a damaged stream is kept. The second is whether something was left out.
pub(super) fn decode<'a>(
    file: &File<'a>,
    dict: Dict<'a>,
    data: &'a [u8],
    most_bytes: usize,
) -> Option<(Cow<'a, [u8]>, bool)> {
    let filters = list(file, first(dict, ["Filter", "F"]));
    let parameters = list(file, first(dict, ["DecodeParms", "DP"]));
    if filters.len() > MAX_FILTERS {
        return None;
    }
    let mut data = Cow::Borrowed(data);
    let mut is_cut = false;
    for (nth, filter) in filters.into_iter().enumerate() {
        let Value::Name(name) = filter else { return None };
        let own = match parameters.get(nth) {
            Some(Value::Dict(own)) => *own,
            _ => Dict::empty(file.work()),
        };
        let number = |key, usual| file.resolve(own.get(key)).whole().unwrap_or(usual) as usize;
        let mut out = Output { bytes: Vec::new(), most_bytes, is_cut: false };
        match name {
            b"FlateDecode" | b"Fl" => inflate(&data, &mut out, file),
            b"LZWDecode" | b"LZW" => lzw(&data, number("EarlyChange", 1) != 0, &mut out),
            b"ASCII85Decode" | b"A85" => ascii85(&data, &mut out),
            b"ASCIIHexDecode" | b"AHx" => {
                let end = memchr::memchr(b'>', &data).unwrap_or(data.len());
                out.push(&Value::Hex(&data[..end]).bytes().unwrap_or_default());
            }
            b"RunLengthDecode" | b"RL" => run_length(&data, &mut out),
            // Says which key a stream is encrypted with; without encryption it does nothing.
            b"Crypt" => continue,
            _ => return None,
        }
        if !file.work().spend(data.len() + out.bytes.len()) {
            return None;
        }
        is_cut |= out.is_cut;
        let mut bytes = out.bytes;
        if matches!(name, b"FlateDecode" | b"Fl" | b"LZWDecode" | b"LZW") {
            let row = number("Columns", 1).saturating_mul(number("Colors", 1));
            let bits = row.saturating_mul(number("BitsPerComponent", 8));
            let pixel = number("Colors", 1).saturating_mul(number("BitsPerComponent", 8)) / 8;
            predict(number("Predictor", 1), bits.div_ceil(8), pixel.max(1), &mut bytes);
        }
        data = Cow::Owned(bytes);
    }
    is_cut |= data.len() > most_bytes;
    Some((data, is_cut))
}

fn first<'a>(dict: Dict<'a>, keys: [&str; 2]) -> Value<'a> {
    match dict.get(keys[0]) {
        Value::Null => dict.get(keys[1]),
        value => value,
    }
}

/// One value, or those of an array.
fn list<'a>(file: &File<'a>, value: Value<'a>) -> Vec<Value<'a>> {
    match file.resolve(value) {
        Value::Null => Vec::new(),
        Value::Array(array) => {
            array.values().take(MAX_FILTERS + 1).map(|value| file.resolve(value)).collect()
        }
        value => vec![value],
    }
}

struct Output {
    bytes: Vec<u8>,
    most_bytes: usize,
    is_cut: bool,
}

impl Output {
    /// Whether there is room for more.
    fn push(&mut self, bytes: &[u8]) -> bool {
        let room = self.most_bytes - self.bytes.len();
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        !self.is_cut
    }
}

fn inflate(data: &[u8], out: &mut Output, file: &File<'_>) {
    if !fill(ZlibDecoder::new(data), out, file) && out.bytes.is_empty() && data.len() > 2 {
        // The two bytes of zlib's header are wrong or missing more often than the rest.
        fill(DeflateDecoder::new(&data[2..]), out, file);
    }
}

/// Whether it came to its end without a fault.
fn fill(mut source: impl Read, out: &mut Output, file: &File<'_>) -> bool {
    let mut buffer = vec![0; STEP_BYTES];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return true,
            Ok(length) => {
                if !out.push(&buffer[..length]) || !file.work().spend(length) {
                    return true;
                }
            }
            Err(_) => return false,
        }
    }
}

/// Section 7.4.4. `early` is whether codes grow one code before they have to.
fn lzw(data: &[u8], early: bool, out: &mut Output) {
    const CLEAR: usize = 256;
    const END: usize = 257;
    const MOST_CODES: usize = 4096;
    // Each code is a range of the output: the text of the code before it and one byte more.
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0, 9);
    for &byte in data {
        bits = bits << 8 | u32::from(byte);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = (bits >> held) as usize & ((1 << width) - 1);
        let start = out.bytes.len();
        match code {
            CLEAR => {
                places.clear();
                last = None;
                width = 9;
                continue;
            }
            END => return,
            ..CLEAR => {
                if !out.push(&[code as u8]) {
                    return;
                }
            }
            _ => {
                let place = places.get(code - 258).copied();
                // A code that is used in the moment it is made begins with the last one.
                let Some((from, length)) = place.or(last.map(|(from, length)| (from, length + 1)))
                else {
                    return;
                };
                for at in from..from + length {
                    let Some(&byte) = out.bytes.get(at) else { return };
                    if !out.push(&[byte]) {
                        return;
                    }
                }
            }
        }
        if let Some((from, length)) = last
            && places.len() < MOST_CODES - 258
        {
            places.push((from, length + 1));
        }
        last = Some((start, out.bytes.len() - start));
        let next = 258 + places.len() + 1 + usize::from(early);
        width = match next {
            ..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
    }
}

fn ascii85(data: &[u8], out: &mut Output) {
    let (mut group, mut count) = (0_u32, 0);
    for &byte in data {
        match byte {
            b'z' if count == 0 => {
                out.push(&[0; 4]);
            }
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                count += 1;
            }
            b'~' => break,
            _ => {}
        }
        if count == 5 {
            out.push(&group.to_be_bytes());
            (group, count) = (0, 0);
        }
        if out.is_cut {
            return;
        }
    }
    if count > 1 {
        for _ in count..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        out.push(&group.to_be_bytes()[..count - 1]);
    }
}

fn run_length(data: &[u8], out: &mut Output) {
    let mut rest = data;
    while let [length, tail @ ..] = rest {
        let length = usize::from(*length);
        let (run, next) = match (length, tail) {
            (..=127, _) => {
                let (run, next) = tail.split_at(tail.len().min(length + 1));
                (Cow::Borrowed(run), next)
            }
            (129.., [byte, next @ ..]) => (Cow::Owned(vec![*byte; 257 - length]), next),
            _ => return,
        };
        if !out.push(&run) {
            return;
        }
        rest = next;
    }
}

/// Takes back what was done to rows before they were packed (section 7.4.4.4): PNG's filters, and
/// TIFF's for whole bytes. `row` and `pixel` are in bytes.
fn predict(predictor: usize, row: usize, pixel: usize, bytes: &mut Vec<u8>) {
    match predictor {
        2 => {
            for row in bytes.chunks_mut(row.max(1)) {
                for at in pixel..row.len() {
                    row[at] = row[at].wrapping_add(row[at - pixel]);
                }
            }
        }
        10.. => {
            let mut kept = 0;
            let mut next = 0;
            // Rows move to the front, where they have no byte that names a filter.
            while next < bytes.len() {
                let length = row.min(bytes.len() - next - 1);
                let filter = bytes[next];
                for at in 0..length {
                    let left = if at >= pixel { bytes[kept + at - pixel] } else { 0 };
                    let up = if kept >= row { bytes[kept + at - row] } else { 0 };
                    let corner =
                        if at >= pixel && kept >= row { bytes[kept + at - row - pixel] } else { 0 };
                    let by = match filter {
                        1 => left,
                        2 => up,
                        3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                        4 => paeth(left, up, corner),
                        _ => 0,
                    };
                    bytes[kept + at] = bytes[next + 1 + at].wrapping_add(by);
                }
                kept += length;
                next += length + 1;
            }
            bytes.truncate(kept);
        }
        _ => {}
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| (estimate - i16::from(byte)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(most_bytes: usize) -> Output {
        Output { bytes: Vec::new(), most_bytes, is_cut: false }
    }

    #[test]
    fn lzw_as_in_the_standard() {
        let mut unpacked = out(100);
        lzw(&[0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01], true, &mut unpacked);
        assert_eq!(unpacked.bytes, [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
    }

    #[test]
    fn letters_and_runs() {
        let mut unpacked = out(100);
        ascii85(b"87cURD]i,\"Ebo80~>", &mut unpacked);
        assert_eq!(unpacked.bytes, b"Hello World!");
        let mut unpacked = out(100);
        run_length(b"\x02abc\xfed\x80x", &mut unpacked);
        assert_eq!(unpacked.bytes, b"abcddd");
        let mut unpacked = out(2);
        run_length(b"\xfed", &mut unpacked);
        assert!(unpacked.is_cut && unpacked.bytes == b"dd");
    }

    #[test]
    fn rows() {
        let mut bytes = vec![0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 2, 2, 2, 4, 1, 1];
        predict(15, 3, 1, &mut bytes);
        assert_eq!(bytes, [1, 2, 3, 1, 2, 3, 2, 3, 4, 3, 5, 6, 4, 6]);
        let mut bytes = vec![1, 1, 1, 2, 2];
        predict(2, 3, 1, &mut bytes);
        assert_eq!(bytes, [1, 2, 3, 2, 4]);
    }
}
