//! Encodings over the wire: whatever comes, the text is right and valid UTF-8.

use encoding_rs::{BIG5, Encoding, KOI8_R, SHIFT_JIS, UTF_8, WINDOWS_1251, WINDOWS_1252};

use crate::origin::{answer, scrape};

async fn text(content_type: &str, body: Vec<u8>) -> (String, String) {
    let header = format!("content-type: {content_type}");
    let page = scrape(move |_| answer("200 OK", &[&header], &body)).await.unwrap().page;
    (page.text.unwrap(), page.charset.unwrap())
}

#[tokio::test]
async fn the_header_decides_before_the_document() {
    let cases: [(&'static Encoding, &str); 5] = [
        (SHIFT_JIS, "日本語のページ"),
        (BIG5, "繁體中文"),
        (KOI8_R, "Привет"),
        (WINDOWS_1252, "Grüße – €"),
        (UTF_8, "všechno"),
    ];
    for (encoding, words) in cases {
        let page = format!("<meta charset=windows-1251><p>{words}");
        let body = encoding.encode(&page).0.into_owned();
        let header = format!("text/html; charset={}", encoding.name());
        let expected = (words.to_owned(), encoding.name().to_ascii_lowercase());
        assert_eq!(text(&header, body).await, expected);
    }
}

#[tokio::test]
async fn the_document_decides_before_a_guess() {
    let body = WINDOWS_1251.encode("<meta charset=windows-1251><p>Привет").0.into_owned();
    assert_eq!(text("text/html", body).await, ("Привет".to_owned(), "windows-1251".to_owned()));
}

#[tokio::test]
async fn a_mark_decides_before_all() {
    let mut body = b"\xFF\xFE".to_vec();
    body.extend("<p>mark".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(
        text("text/html; charset=utf-8", body).await,
        ("mark".to_owned(), "utf-16le".to_owned())
    );
}

#[tokio::test]
async fn nonsense_is_read_all_the_same() {
    let (read, charset) = text("text/html; charset=utf-8", b"<p>a\xFF\xC3b".to_vec()).await;
    assert_eq!((read.as_str(), charset.as_str()), ("a\u{fffd}\u{fffd}b", "utf-8"));
}
