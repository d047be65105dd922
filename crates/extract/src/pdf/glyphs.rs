//! Characters by the names of their glyphs, and the encodings that fonts begin with (ISO 32000-1,
//! annex D).

use crate::reference;

/// From 0xA0 on, as Adobe's standard encoding has it; a blank where there is nothing.
const STANDARD: &str =
    " ¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß";

/// Names that are neither a letter nor a name of a character reference.
#[rustfmt::skip]
const NAMES: [(&str, char); 120] = [
    ("Abreve", 'Ă'), ("Dcroat", 'Đ'), ("Delta", '∆'), ("Euro", '€'), ("Gbreve", 'Ğ'),
    ("Idotaccent", 'İ'), ("Lslash", 'Ł'), ("OE", 'Œ'), ("Ohungarumlaut", 'Ő'), ("Omega", 'Ω'),
    ("Oslash", 'Ø'), ("Scedilla", 'Ş'), ("Udieresis", 'Ü'), ("Adieresis", 'Ä'),
    ("Edieresis", 'Ë'), ("Idieresis", 'Ï'), ("Odieresis", 'Ö'), ("Ydieresis", 'Ÿ'),
    ("Acircumflex", 'Â'), ("Ecircumflex", 'Ê'), ("Icircumflex", 'Î'), ("Ocircumflex", 'Ô'),
    ("Ucircumflex", 'Û'), ("Uhungarumlaut", 'Ű'), ("Zdotaccent", 'Ż'), ("abreve", 'ă'),
    ("acircumflex", 'â'), ("acute", '´'), ("adieresis", 'ä'), ("ampersand", '&'),
    ("approxequal", '≈'), ("asciicircum", '^'), ("asciitilde", '~'), ("asterisk", '*'),
    ("at", '@'), ("backslash", '\\'), ("bar", '|'), ("braceleft", '{'), ("braceright", '}'),
    ("bracketleft", '['), ("bracketright", ']'), ("breve", '˘'), ("brokenbar", '¦'),
    ("bullet", '•'), ("caron", 'ˇ'), ("cedilla", '¸'), ("circumflex", 'ˆ'), ("colon", ':'),
    ("comma", ','), ("copyright", '©'), ("currency", '¤'), ("dagger", '†'), ("daggerdbl", '‡'),
    ("dcroat", 'đ'), ("degree", '°'), ("dieresis", '¨'), ("divide", '÷'), ("dollar", '$'),
    ("dotaccent", '˙'), ("dotlessi", 'ı'), ("ecircumflex", 'ê'), ("edieresis", 'ë'),
    ("eight", '8'), ("ellipsis", '…'), ("emdash", '—'), ("endash", '–'), ("equal", '='),
    ("exclam", '!'), ("exclamdown", '¡'), ("ff", 'ﬀ'), ("ffi", 'ﬃ'), ("ffl", 'ﬄ'), ("fi", 'ﬁ'),
    ("five", '5'), ("fl", 'ﬂ'), ("florin", 'ƒ'), ("four", '4'), ("fraction", '⁄'),
    ("gbreve", 'ğ'), ("germandbls", 'ß'), ("greater", '>'), ("greaterequal", '≥'),
    ("guillemotleft", '«'), ("guillemotright", '»'), ("guilsinglleft", '‹'),
    ("guilsinglright", '›'), ("hungarumlaut", '˝'), ("hyphen", '-'), ("icircumflex", 'î'),
    ("idieresis", 'ï'), ("less", '<'), ("lessequal", '≤'), ("logicalnot", '¬'), ("lslash", 'ł'),
    ("macron", '¯'), ("minus", '−'), ("mu", 'µ'), ("multiply", '×'), ("nbspace", '\u{a0}'),
    ("nine", '9'), ("notequal", '≠'), ("numbersign", '#'), ("ocircumflex", 'ô'),
    ("odieresis", 'ö'), ("oe", 'œ'), ("ogonek", '˛'), ("ohungarumlaut", 'ő'), ("one", '1'),
    ("onehalf", '½'), ("onequarter", '¼'), ("onesuperior", '¹'), ("ordfeminine", 'ª'),
    ("ordmasculine", 'º'), ("oslash", 'ø'), ("paragraph", '¶'), ("parenleft", '('),
    ("parenright", ')'), ("percent", '%'), ("period", '.'), ("periodcentered", '·'),
];

/// More of them.
#[rustfmt::skip]
const MORE_NAMES: [(&str, char); 42] = [
    ("perthousand", '‰'), ("plus", '+'), ("plusminus", '±'), ("question", '?'),
    ("questiondown", '¿'), ("quotedbl", '"'), ("quotedblbase", '„'), ("quotedblleft", '“'),
    ("quotedblright", '”'), ("quoteleft", '‘'), ("quoteright", '’'), ("quotesinglbase", '‚'),
    ("quotesingle", '\''), ("registered", '®'), ("ring", '˚'), ("scedilla", 'ş'),
    ("section", '§'), ("semicolon", ';'), ("seven", '7'), ("six", '6'), ("slash", '/'),
    ("softhyphen", '\u{ad}'), ("space", ' '), ("sterling", '£'), ("three", '3'),
    ("threequarters", '¾'), ("threesuperior", '³'), ("tilde", '˜'), ("trademark", '™'),
    ("two", '2'), ("twosuperior", '²'), ("ucircumflex", 'û'), ("udieresis", 'ü'),
    ("uhungarumlaut", 'ű'), ("underscore", '_'), ("ydieresis", 'ÿ'), ("zdotaccent", 'ż'),
    ("zero", '0'), ("Scommaaccent", 'Ș'), ("Tcommaaccent", 'Ț'), ("scommaaccent", 'ș'),
    ("tcommaaccent", 'ț'),
];

/// The character that a glyph's name stands for (Adobe Glyph List Specification, section 2).
pub(super) fn character(name: &str) -> Option<char> {
    // What is behind a full stop says how it is drawn.
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(only);
    }
    let listed = NAMES.iter().chain(&MORE_NAMES).find(|(own, _)| *own == name);
    listed.map(|&(_, c)| c).or_else(|| by_number(name)).or_else(|| {
        let mut meaning = reference::meaning(name)?.chars();
        meaning.next().filter(|_| meaning.next().is_none())
    })
}

/// `uni20AC`, `u20AC`.
fn by_number(name: &str) -> Option<char> {
    let digits = match name.strip_prefix("uni") {
        Some(digits) => digits.get(..4)?,
        None => name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len()))?,
    };
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|c| !c.is_control())
}

/// A table of characters by their codes.
pub(super) type Table = [char; 256];

/// Stands for what has no character.
pub(super) const NONE: char = '\0';

/// Adobe's standard encoding.
pub(super) fn standard() -> Table {
    let mut table = ascii();
    table[0x27] = '’';
    table[0x60] = '‘';
    for (code, c) in (0xa0..).zip(STANDARD.chars()).take(96) {
        table[code] = if c == ' ' { NONE } else { c };
    }
    table
}

/// Windows' code page 1252 or the Macintosh's Roman encoding.
pub(super) fn of(encoding: &'static encoding_rs::Encoding) -> Table {
    let bytes: Vec<u8> = (128..=255).collect();
    let mut table = ascii();
    let (text, _) = encoding.decode_without_bom_handling(&bytes);
    for (code, c) in (128..256).zip(text.chars()) {
        table[code] = if c.is_control() { NONE } else { c };
    }
    table
}

fn ascii() -> Table {
    let mut table = [NONE; 256];
    for code in 32..127_u8 {
        table[usize::from(code)] = char::from(code);
    }
    table[9] = ' ';
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("A", Some('A')),
            ("eacute", Some('é')),
            ("ccaron", Some('č')),
            ("alpha", Some('α')),
            ("Udieresis", Some('Ü')),
            ("a.alt", Some('a')),
            ("uni20AC", Some('€')),
            ("u1F600", Some('😀')),
            ("fi", Some('ﬁ')),
            ("tcommaaccent", Some('ț')),
            (".notdef", None),
            ("g12", None),
            ("uniX", None),
            ("uni0000", None),
        ] {
            assert_eq!(character(name), expected, "{name}");
        }
    }

    #[test]
    fn tables() {
        let table = standard();
        assert_eq!((table[0x27], table[0xae], table[0xe1]), ('’', 'ﬁ', 'Æ'));
        assert_eq!((table[0xf5], table[0xfb], table[0xd0]), ('ı', 'ß', '—'));
        assert_eq!(of(encoding_rs::WINDOWS_1252)[0x80], '€');
        assert_eq!(of(encoding_rs::MACINTOSH)[0xde], 'ﬁ');
    }
}
