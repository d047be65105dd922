//! Content that is not what it says, and content that is too much of something.

use super::bombs::{inside, noise, zlib};
use super::script::{PAGE, always, open, send, typed};
use super::{Behaviour, Expected};

/// Much of it may be cut or refused; it may not do harm.
const ANY: Expected = Expected::PageOr(&["too_large", "decode", "body"]);

/// Bytes of what is too much of something.
const MUCH: usize = 1_000_000;

const HTML: &str = "text/html; charset=utf-8";
/// The smallest picture: a GIF of one dot.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

pub(super) fn behaviours() -> Vec<Behaviour> {
    [lies(), much(), documents()].into_iter().flatten().collect()
}

fn of(
    name: &'static str,
    expected: Expected,
    content_type: &str,
    body: impl AsRef<[u8]>,
) -> Behaviour {
    Behaviour::answer(name, expected, always([typed(content_type, "", body)]))
}

fn lies() -> Vec<Behaviour> {
    let long = format!("text/html; charset={}", "x".repeat(20_000));
    let utf_16: Vec<u8> = PAGE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let said = |label: &str| format!("<!doctype html><meta charset=\"{label}\">{PAGE}");
    vec![
        of("type-page-as-picture", Expected::Page, "image/png", PAGE),
        of("type-page-as-bytes", Expected::Page, "application/octet-stream", PAGE),
        of("type-picture-as-page", Expected::Page, HTML, GIF),
        of("type-noise-as-page", Expected::Page, HTML, noise(100_000)),
        of("type-noise-as-json", Expected::Page, "application/json", b"\xff\xfe\0{{{"),
        of("type-garbage", Expected::Page, "/;;=\";", PAGE),
        of("type-empty", Expected::Page, "", PAGE),
        of("type-long-charset", Expected::Page, &long, PAGE),
        of("charset-unknown", Expected::Page, "text/html; charset=../../etc/passwd", PAGE),
        of("charset-utf-7", Expected::Page, "text/html; charset=utf-7", "+ADw-script+AD4-"),
        of("charset-lie-utf-16", Expected::Page, "text/html; charset=utf-16le", PAGE),
        of("charset-lie-utf-8", Expected::Page, HTML, utf_16),
        of("charset-lie-inside", Expected::Page, "text/html", said("utf-16be")),
        of("charset-replacement", Expected::Page, "text/html; charset=iso-2022-kr", PAGE),
        of(
            "charset-broken-utf-8",
            Expected::Page,
            HTML,
            b"<p>\xf0\x9f\xc0\xaf\xed\xa0\x80\xff</p>",
        ),
        Behaviour::answer("type-none", Expected::Page, {
            always([send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{PAGE}",
                PAGE.len()
            ))])
        }),
        Behaviour::answer("type-twice", Expected::Page, {
            always([typed("image/png", "Content-Type: text/html\r\n", PAGE)])
        }),
    ]
}

fn much() -> Vec<Behaviour> {
    let many = |piece: &str| piece.repeat(MUCH / piece.len());
    let named: String = (0..150_000).map(|n| format!(" a{n}=b")).collect();
    let html = |name, body: String| of(name, ANY, HTML, body);
    let json_ld = "<script type=\"application/ld+json\">";
    vec![
        html("much-nesting", many("<div>")),
        html("much-inline-nesting", many("<b><i><a href=x>")),
        html("much-tables", many("<table><tr><td>")),
        html("much-lists", many("<ul><li>")),
        html("much-attributes", format!("<p{}>text</p>", many(" a=b"))),
        html("much-names-of-attributes", format!("<p{named}>text</p>")),
        html("much-in-one-attribute", format!("<p title=\"{}\">text</p>", many("x"))),
        html("much-title", format!("<title>{}</title>", many("t"))),
        html("much-text-without-end", many("a")),
        html("much-nothing", many("\0")),
        html("much-control", many("\u{1}\u{b}\u{1f}")),
        html("much-open-comment", format!("<!--{}", many("-"))),
        html("much-open-script", format!("<script>{}", many("<!--<script>"))),
        html("much-open-tag", format!("<p {}", many("x "))),
        html("much-entities", many("&#x10FFFF;&amp;&nosuch;")),
        html("much-links", many("<a href=\"//a.example/\">x</a>")),
        html("much-refresh", many("<meta http-equiv=refresh content=\"0;url=?\">")),
        html("much-base", many("<base href=\"http://[\">")),
        html("much-json-ld", format!("{json_ld}{}</script>{PAGE}", many("{\"a\":"))),
        of("much-json-nesting", ANY, "application/json", many("[")),
        of("much-json-text", ANY, "application/json", format!("\"{}\"", many("\\u0001"))),
        of("much-xml-entities", ANY, "application/xml", laughs()),
    ]
}

/// "Billion laughs": entities made of entities.
fn laughs() -> String {
    let mut xml = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY l0 \"lol\">".to_owned();
    for n in 1..10 {
        xml.push_str(&format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)));
    }
    xml.push_str("]><l>&l9;</l>");
    xml
}

fn documents() -> Vec<Behaviour> {
    let pdf = "application/pdf";
    let packed = zlib(&inside());
    let length = packed.len();
    let bomb = [
        format!(
            "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
             2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
             3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n\
             4 0 obj<</Length {length}/Filter/FlateDecode>>stream\n"
        )
        .into_bytes(),
        packed,
        b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF".to_vec(),
    ]
    .concat();
    let itself = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Parent 2 0 R/Count 9999999>>endobj\n\
        trailer<</Root 1 0 R/Size 3/Prev 9>>\nstartxref\n9\n%%EOF";
    vec![
        of("pdf-bomb", ANY, pdf, bomb),
        of("pdf-of-itself", ANY, pdf, itself),
        of("pdf-garbage", ANY, pdf, "%PDF-1.7\n\u{1}\u{2}garbage"),
        of("pdf-nesting", ANY, pdf, format!("%PDF-1.7\n1 0 obj{}", "[<</A".repeat(MUCH / 5))),
        of("pdf-as-page", ANY, HTML, itself),
        of("pdf-page", ANY, pdf, PAGE),
        Behaviour::answer("pdf-cut", Expected::PageOr(&["decode"]), {
            always([open(""), send("%PDF-1.7\n1 0 obj<</Len")])
        }),
    ]
}
