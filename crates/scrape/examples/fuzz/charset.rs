//! Whatever the bytes are, text is UTF-8 and says how it was read.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, ISO_8859_2, KOI8_R, SHIFT_JIS, UTF_8, WINDOWS_1251,
    WINDOWS_1252,
};
use extract::{CharsetSource, Formats, Options, Page, Scope, extract};
use url::Url;

use crate::random::Random;
use crate::{Kept, holds};

#[rustfmt::skip]
const TYPES: &[&str] = &[
    "text/html", "text/html; charset=utf-16le", "text/html; charset=UTF-8", "text/html; charset=x",
    "text/html; charset=iso-2022-jp", "text/html; charset=replacement", "text/html; charset=utf-7",
    "text/plain", "text/plain; charset=gb18030", "application/json", "text/xml", "", ";", "text/html; charset=",
    "application/xhtml+xml; charset=\"big5\"", "image/svg+xml", "text/html;charset='euc-jp'",
];

#[rustfmt::skip]
const PIECES: &[&[u8]] = &[
    b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x1b$B", b"\x1b(J", b"\x80", b"\xff", b"\0", b"\xd8\x00",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x81\x30\x81\x30", b"\xa4\xa2", b"\xe3\x81", b"\x8e", b"<p>words",
    b"<meta charset=utf-16>", b"<meta charset='windows-1251'>", b"<meta charset=x-user-defined>", b"<meta",
    b"<?xml version='1.0' encoding='shift_jis'?>", b"<meta http-equiv=content-type content='text/html;charset=",
    b"euc-kr'>", b" ", b"\n", b"{\"a\":1}", b"\xc3\xa9", b"\xc3", b"<!--", b"-->", b"charset=", b"<title>",
];

/// Encodings with letters that they all can write and that nothing else looks like.
const WORDS: [(&Encoding, &str); 10] = [
    (UTF_8, "Grüße 日本語 Привет"),
    (WINDOWS_1252, "Grüße façade €"),
    (WINDOWS_1251, "Привет, мир"),
    (ISO_8859_2, "Příliš žluťoučký"),
    (KOI8_R, "Привет, мир"),
    (SHIFT_JIS, "日本語のページ"),
    (EUC_JP, "日本語のページ"),
    (GB18030, "简体中文 €"),
    (BIG5, "繁體中文"),
    (EUC_KR, "한국어 글"),
];

pub(crate) fn check(random: &mut Random) -> Kept {
    let url = Url::parse("https://www.site.example/page").map_err(|error| error.to_string())?;
    let options = Options { formats: Formats::ALL, scope: Scope::Page, select: None };
    let mut body = Vec::new();
    for _ in 0..random.below(30) {
        body.extend(PIECES[random.below(PIECES.len())]);
    }
    let content_type = Some(random.of(TYPES)).filter(|own| !own.is_empty());
    let page = extract(&body, content_type, &url, &options);
    stated(&page, &(content_type, &body))?;
    // The header and the mark are believed, and what they say is what was meant.
    let (encoding, words) = WORDS[random.below(WORDS.len())];
    let document = format!("<meta charset=windows-1254><p>{words}");
    let mut body = encoding.encode(&document).0.into_owned();
    let (header, source) = match random.once_in(3) && encoding == UTF_8 {
        true => {
            body.splice(0..0, *b"\xef\xbb\xbf");
            ("text/html; charset=koi8-r".to_owned(), CharsetSource::Bom)
        }
        false => (format!("text/html; charset={}", encoding.name()), CharsetSource::Header),
    };
    let page = extract(&body, Some(&header), &url, &options);
    let charset = page.charset.as_deref().map(str::to_owned);
    let is_read = page.text.as_deref() == Some(words)
        && page.charset_source == Some(source)
        && charset == Some(encoding.name().to_ascii_lowercase());
    holds(is_read, "not what was written", (header, page.text, charset, words))
}

fn stated(page: &Page, input: &(Option<&str>, &Vec<u8>)) -> Kept {
    let is_stated = page.charset.is_some() == page.charset_source.is_some();
    holds(is_stated, "a charset without its source", input)?;
    let is_text = page.text.is_some() || page.markdown.is_some() || page.html.is_some();
    holds(!is_text || page.charset.is_some(), "text without a charset", input)?;
    if let Some(name) = &page.charset {
        let known = Encoding::for_label_no_replacement(name.as_bytes());
        let is_known = known.is_some_and(|own| own.name().eq_ignore_ascii_case(name));
        holds(is_known || name == "replacement", "no name of an encoding", (name, input))?;
    }
    for text in page.text.iter().chain(&page.markdown).chain(&page.html) {
        // A string is UTF-8 by its type; that it was built without a shortcut is looked at here.
        let is_utf8 = std::str::from_utf8(text.as_bytes()).is_ok();
        holds(is_utf8, "no UTF-8", input)?;
    }
    Ok(())
}
