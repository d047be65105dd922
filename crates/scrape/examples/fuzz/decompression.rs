//! What was packed comes back, or an error, and never more than is allowed.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::coding::{self, Coding};
use crate::error::Kind;
use crate::random::Random;
use crate::{Kept, holds};

type Pack = fn(&[u8]) -> std::io::Result<Vec<u8>>;

const PACKS: [(Coding, Pack); 5] = [
    (Coding::Gzip, |data| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data)?;
        encoder.finish()
    }),
    (Coding::Deflate, |data| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data)?;
        encoder.finish()
    }),
    (Coding::Deflate, |data| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data)?;
        encoder.finish()
    }),
    (Coding::Brotli, |data| {
        let mut out = Vec::new();
        brotli::CompressorWriter::new(&mut out, 4096, 2, 18).write_all(data)?;
        Ok(out)
    }),
    (Coding::Zstd, |data| zstd::encode_all(data, 1)),
];

pub(crate) fn check(random: &mut Random) -> Kept {
    let data = data(random);
    let (mut codings, mut body) = (Vec::new(), data.clone());
    let mut is_bare = false;
    for _ in 0..=random.below(2) {
        let at = random.below(PACKS.len());
        let (coding, pack) = PACKS[at];
        body = pack(&body).map_err(|error| error.to_string())?;
        codings.push(coding);
        is_bare |= at == 2 && body.starts_with(&[0x78]);
    }
    let most = [data.len(), data.len() + 1, data.len() / 2, 1 << 20][random.below(4)];
    let input = |body: &[u8]| (codings.clone(), most, data.len(), body.to_vec());
    let undo = |body: &[u8], most: usize| {
        coding::decode(Bytes::copy_from_slice(body), &codings, most as u64)
    };
    // A bare stream may look like a wrapped one: nobody can tell.
    if !is_bare {
        match undo(&body, most) {
            Ok(out) => {
                holds(out == data && out.len() <= most, "not what was packed", input(&body))?;
            }
            Err(error) => {
                // Between two codings it may be more than in the end.
                let may = data.len() > most || codings.len() > 1;
                holds(may && error.kind() == Kind::TooLarge, "an error", (error, input(&body)))?;
            }
        }
        let whole = Bytes::from(body.clone());
        let some = coding::beginning(&whole, &codings, false, data.len() / 2);
        let expected = &data[..data.len() / 2];
        let is_some = some.as_ref().is_ok_and(|some| some == expected);
        holds(is_some || codings.len() > 1, "not the beginning", (some, input(&body)))?;
    }
    if codings.len() == 1 && !data.is_empty() && body.len() > 1 {
        let cut = &body[..1 + random.below(body.len() - 1)];
        let error = undo(cut, 1 << 20).err().map(|error| error.kind());
        let is_told = matches!(error, Some(Kind::Body)) || (is_bare && error.is_some());
        holds(is_told, "a body that ends early", (error, input(cut)))?;
    }
    // Anything at all may come of what was changed, but no panic and no more than the cap.
    for _ in 0..1 + random.below(4) {
        if body.is_empty() {
            break;
        }
        let at = random.below(body.len());
        match random.below(4) {
            0 => body[at] ^= 1 << random.below(8),
            1 => body.truncate(at),
            2 => body.insert(at, random.below(256) as u8),
            _ => {
                let piece = body[at..].to_vec();
                body.extend(piece);
            }
        }
    }
    if let Ok(out) = undo(&body, most) {
        holds(out.len() <= most || body.is_empty(), "more than the cap", input(&body))?;
    }
    let cut = random.once_in(2);
    if let Ok(out) = coding::beginning(&Bytes::from(body.clone()), &codings, cut, most) {
        holds(out.len() <= most || body.is_empty(), "more than was wanted", input(&body))?;
    }
    Ok(())
}

/// Bytes that pack well, badly or not at all.
fn data(random: &mut Random) -> Vec<u8> {
    let mut data = Vec::new();
    for _ in 0..random.below(12) {
        match random.below(4) {
            0 => data.extend(std::iter::repeat_n(b'a', random.below(20_000))),
            1 => data.extend((0..random.below(300)).map(|n| (n * 7919 % 251) as u8)),
            2 => {
                for _ in 0..random.below(200) {
                    data.push(random.below(256) as u8);
                }
            }
            _ => data.extend(random.several(&["<p>", "tea ", "\n", "é", "</p>"], 400).bytes()),
        }
    }
    data
}
