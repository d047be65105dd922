//! Fonts: which characters codes stand for, and how wide they are (ISO 32000-1, section 9).

use encoding_rs::Encoding;

use super::cmap::CMap;
use super::file::File;
use super::glyphs::{self, NONE, Table};
use super::lexer::{Array, Dict, Value, name_of};

/// Longest `ToUnicode` of a font, unpacked.
const MAX_CMAP_BYTES: usize = 2 << 20;

/// Widths of one font.
const MAX_WIDTHS: usize = 70_000;

/// How codes are cut out of a string.
#[derive(Debug)]
enum Codes {
    /// One byte each, with the characters of the font's encoding.
    Simple(Box<Table>),
    /// Two bytes each.
    Double,
    /// Two bytes each that are UTF-16 themselves.
    Unicode,
    /// Letters of an encoding of the Web.
    Legacy(&'static Encoding),
}

#[derive(Debug)]
pub(super) struct Font {
    codes: Codes,
    cmap: Option<CMap>,
    /// First and last code and width in thousandths, by the first.
    widths: Vec<(u32, u32, f64)>,
    usual_width: f64,
    /// Glyphs are this much of the size wide for a width of one.
    unit: f64,
}

/// How much of a line some text takes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// For a size of one.
    pub(super) width: f64,
    pub(super) glyphs: f64,
    /// Blanks that are made wider by word spacing.
    pub(super) blanks: f64,
}

impl Font {
    pub(super) fn read<'a>(file: &File<'a>, dict: Dict<'a>) -> Self {
        let cmap = file.unpacked(dict.get("ToUnicode"), MAX_CMAP_BYTES);
        let cmap = cmap.map(|(source, _)| CMap::read(&source, file.work()));
        match dict.get("Subtype").is("Type0") {
            true => Self::composite(file, dict, cmap),
            false => Self::simple(file, dict, cmap),
        }
    }

    /// What it keeps, in entries of tables.
    pub(super) fn len(&self) -> usize {
        256 + self.widths.len() + self.cmap.as_ref().map_or(0, CMap::len)
    }

    fn simple<'a>(file: &File<'a>, dict: Dict<'a>, cmap: Option<CMap>) -> Self {
        let name = match file.resolve(dict.get("BaseFont")) {
            Value::Name(name) => name_of(name),
            _ => Vec::new(),
        };
        let has = |part: &[u8]| memchr::memmem::find(&name, part).is_some();
        let descriptor = file.dict(dict.get("FontDescriptor"));
        let mut widths = Vec::new();
        if let Value::Array(array) = file.resolve(dict.get("Widths")) {
            let first = file.resolve(dict.get("FirstChar")).whole().unwrap_or(0);
            for (code, width) in (first..256).zip(array.values()) {
                if let Some(width) = file.resolve(width).number() {
                    widths.push((code, code, width));
                }
            }
        }
        let table = encoding(file, dict);
        if widths.is_empty() && !has(b"Courier") {
            let codes = (0_u32..).zip(table.iter());
            widths.extend(codes.map(|(code, &c)| (code, code, likely_width(c))));
        }
        let missing = descriptor.and_then(|own| file.resolve(own.get("MissingWidth")).number());
        let matrix = match file.resolve(dict.get("FontMatrix")) {
            Value::Array(array) => array.values().next().and_then(Value::number),
            _ => None,
        };
        let unit = matrix.filter(|_| dict.get("Subtype").is("Type3")).unwrap_or(0.001);
        let usual_width = if has(b"Courier") { 600.0 } else { missing.unwrap_or(0.0) };
        Self { codes: Codes::Simple(Box::new(table)), cmap, widths, usual_width, unit }
    }

    fn composite<'a>(file: &File<'a>, dict: Dict<'a>, cmap: Option<CMap>) -> Self {
        let codes = match file.resolve(dict.get("Encoding")) {
            Value::Name(name) => named_codes(&name_of(name)),
            _ => Codes::Double,
        };
        let descendant = match file.resolve(dict.get("DescendantFonts")) {
            Value::Array(array) => array.values().next().and_then(|value| file.dict(value)),
            _ => None,
        };
        let usual = descendant.and_then(|own| file.resolve(own.get("DW")).number());
        let mut widths = match descendant.map(|own| file.resolve(own.get("W"))) {
            Some(Value::Array(array)) => composite_widths(file, array),
            _ => Vec::new(),
        };
        widths.sort_by_key(|&(first, ..)| first);
        Self { codes, cmap, widths, usual_width: usual.unwrap_or(1000.0), unit: 0.001 }
    }

    /// Appends the characters of a string.
    pub(super) fn show(&self, string: &[u8], out: &mut String) -> Extent {
        let mut extent = Extent::default();
        let bytes = match &self.codes {
            Codes::Simple(_) => 1,
            Codes::Double | Codes::Unicode => 2,
            Codes::Legacy(encoding) => {
                let from = out.len();
                out.push_str(&encoding.decode_without_bom_handling(string).0);
                // Letters of these encodings are as wide as they have bytes.
                extent.width = string.len() as f64 / 2.0;
                extent.glyphs = out[from..].chars().count() as f64;
                return extent;
            }
        };
        for code in string.chunks(bytes) {
            let number = code.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            extent.width += self.width(number) * self.unit;
            extent.glyphs += 1.0;
            if code == b" " {
                extent.blanks += 1.0;
            }
            let is_said = self.cmap.as_ref().is_some_and(|cmap| cmap.push(number, out));
            match &self.codes {
                _ if is_said => {}
                Codes::Simple(table) => push(table[code[0] as usize], out),
                Codes::Unicode => {
                    push(char::from_u32(number).filter(|c| !c.is_control()).unwrap_or(NONE), out);
                }
                _ => {}
            }
        }
        extent
    }

    fn width(&self, code: u32) -> f64 {
        let after = self.widths.partition_point(|&(first, ..)| first <= code);
        let found = self.widths[..after].last().filter(|&&(_, last, _)| code <= last);
        found.map_or(self.usual_width, |&(.., width)| width)
    }
}

/// A character; ligatures as the letters they are made of.
fn push(c: char, out: &mut String) {
    match c {
        NONE => {}
        'ﬀ' => out.push_str("ff"),
        'ﬁ' => out.push_str("fi"),
        'ﬂ' => out.push_str("fl"),
        'ﬃ' => out.push_str("ffi"),
        'ﬄ' => out.push_str("ffl"),
        c => out.push(c),
    }
}

/// The characters of a font of one byte for each code.
fn encoding<'a>(file: &File<'a>, dict: Dict<'a>) -> Table {
    let named = |name: Value<'_>| match name {
        _ if name.is("WinAnsiEncoding") => Some(glyphs::of(encoding_rs::WINDOWS_1252)),
        _ if name.is("MacRomanEncoding") => Some(glyphs::of(encoding_rs::MACINTOSH)),
        _ if name.is("StandardEncoding") => Some(glyphs::standard()),
        _ => None,
    };
    let usual = || match dict.get("Subtype").is("TrueType") {
        true => glyphs::of(encoding_rs::WINDOWS_1252),
        false => glyphs::standard(),
    };
    let own = match file.resolve(dict.get("Encoding")) {
        Value::Dict(own) => own,
        name => return named(name).unwrap_or_else(usual),
    };
    let mut table = named(file.resolve(own.get("BaseEncoding"))).unwrap_or_else(usual);
    let Value::Array(differences) = file.resolve(own.get("Differences")) else { return table };
    let mut code = 0_usize;
    for value in differences.values() {
        match value {
            Value::Name(name) => {
                if let Some(place) = table.get_mut(code) {
                    let name = name_of(name);
                    let name = std::str::from_utf8(&name).unwrap_or("");
                    *place = glyphs::character(name).unwrap_or(NONE);
                }
                code = code.saturating_add(1);
            }
            _ => code = value.whole().unwrap_or(256) as usize,
        }
        if code > 256 && matches!(value, Value::Name(_)) {
            break;
        }
    }
    table
}

/// `W` of a composite font: `first [width …]` or `first last width`.
fn composite_widths<'a>(file: &File<'a>, array: Array<'a>) -> Vec<(u32, u32, f64)> {
    let mut widths = Vec::new();
    let mut values = array.values().map(|value| file.resolve(value));
    while let Some(first) = values.next() {
        let Some(first) = first.whole() else { continue };
        match values.next() {
            Some(Value::Array(each)) => {
                for (code, width) in (first..=0xffff).zip(each.values()) {
                    if let Some(width) = file.resolve(width).number() {
                        widths.push((code, code, width));
                    }
                }
            }
            Some(last) => {
                let width = values.next().and_then(Value::number);
                if let (Some(last), Some(width)) = (last.whole(), width) {
                    widths.push((first, last, width));
                }
            }
            None => break,
        }
        if widths.len() > MAX_WIDTHS {
            break;
        }
    }
    widths
}

/// The encodings of composite fonts that have a name (ISO 32000-1, table 118).
fn named_codes(name: &[u8]) -> Codes {
    let has = |part: &[u8]| memchr::memmem::find(name, part).is_some();
    if has(b"UCS2") || has(b"UTF16") {
        Codes::Unicode
    } else if has(b"RKSJ") {
        Codes::Legacy(encoding_rs::SHIFT_JIS)
    } else if has(b"GBK") || has(b"GB-EUC") || has(b"GBpc") {
        Codes::Legacy(encoding_rs::GBK)
    } else if has(b"B5") {
        Codes::Legacy(encoding_rs::BIG5)
    } else if has(b"KSC") {
        Codes::Legacy(encoding_rs::EUC_KR)
    } else if name.starts_with(b"EUC-") {
        Codes::Legacy(encoding_rs::EUC_JP)
    } else {
        Codes::Double
    }
}

/// About how wide a letter is in the fonts that need not say it, which are like Helvetica and
/// Times.
fn likely_width(c: char) -> f64 {
    match c {
        NONE => 0.0,
        'f' | 'i' | 'j' | 'l' | 't' | 'I' | ' ' | '.' | ',' | ':' | ';' | '!' | '\'' | '|' => 270.0,
        'r' | '(' | ')' | '[' | ']' | '-' | '/' => 320.0,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '—' | '…' => 850.0,
        'A'..='Z' | '&' => 680.0,
        _ => 520.0,
    }
}
