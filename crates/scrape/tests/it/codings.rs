//! Content codings over the wire.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use scrape::{Config, Kind};

use crate::origin::{Origin, answer, request, scrape, scraper, within};

const PAGE: &str = "<title>T</title><p>Grüße, packed tight.";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 5, 20).write_all(bytes).unwrap();
    out
}

#[tokio::test]
async fn every_offered_coding_is_taken_off() {
    let cases = [
        ("gzip", gzip(PAGE.as_bytes())),
        ("deflate", zlib(PAGE.as_bytes())),
        ("br", brotli(PAGE.as_bytes())),
        ("zstd", zstd::encode_all(PAGE.as_bytes(), 3).unwrap()),
        ("br, gzip", gzip(&brotli(PAGE.as_bytes()))),
        ("identity", PAGE.as_bytes().to_vec()),
    ];
    for (coding, body) in cases {
        let header = format!("content-encoding: {coding}");
        let response = scrape(move |seen| {
            let offered = seen.header("accept-encoding").unwrap();
            assert!(
                ["gzip", "deflate", "br", "zstd"].iter().all(|coding| offered.contains(coding))
            );
            answer("200 OK", &["content-type: text/html; charset=utf-8", &header], &body)
        })
        .await
        .unwrap();
        assert_eq!(response.raw.as_deref(), Some(PAGE.as_bytes()), "{coding}");
        assert_eq!(response.page.text.as_deref(), Some("Grüße, packed tight."), "{coding}");
        assert_eq!(response.bytes, PAGE.len() as u64);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_off() {
    let whole = gzip(PAGE.as_bytes());
    let cases = [
        ("gzip, gzip, gzip", gzip(&gzip(&whole)), Kind::Decode),
        ("compress", whole.clone(), Kind::Decode),
        ("gzip", PAGE.as_bytes().to_vec(), Kind::Decode),
        ("gzip", whole[..whole.len() - 9].to_vec(), Kind::Body),
        ("br", b"\xff\xff\xff\xff\xff".to_vec(), Kind::Decode),
        ("zstd", b"not zstd at all".to_vec(), Kind::Decode),
    ];
    for (coding, body, kind) in cases {
        let header = format!("content-encoding: {coding}");
        let error = scrape(move |_| answer("200 OK", &[&header], &body)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{coding}: {error}");
    }
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    // 300 MB of zeros in 300 KB, and once more around it in a few hundred bytes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..300 {
        encoder.write_all(&[0; 1_000_000]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let double = gzip(&bomb);
    for (coding, body) in [("gzip", bomb), ("gzip, gzip", double)] {
        let header = format!("content-encoding: {coding}");
        let origin = Origin::start(move |_| answer("200 OK", &[&header], &body)).await;
        let mut request = request(&origin.url("/"));
        request.max_bytes = 1_000_000_000;
        let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::TooLarge, false), "{coding}");
    }
}
