//! Content codings over the wire.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
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

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
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
        ("deflate", deflate(PAGE.as_bytes())),
        ("br", brotli(PAGE.as_bytes())),
        ("gzip", [gzip(&PAGE.as_bytes()[..9]), gzip(&PAGE.as_bytes()[9..])].concat()),
        ("gzip", [&gzip(PAGE.as_bytes())[..], b"garbage"].concat()),
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

type Pack = fn(&[u8]) -> Vec<u8>;

#[tokio::test]
async fn a_packed_body_that_ends_early_is_no_page() {
    let packs: [(&str, Pack); 5] =
        [("gzip", gzip), ("deflate", zlib), ("deflate", deflate), ("br", brotli), ("zstd", zstd)];
    for (coding, pack) in packs {
        let header = format!("content-encoding: {coding}");
        let whole = pack(PAGE.as_bytes());
        for cut in [1, whole.len() / 2, whole.len() - 1] {
            let (header, body) = (header.clone(), whole[..cut].to_vec());
            let error = scrape(move |_| answer("200 OK", &[&header], &body)).await.unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (Kind::Body, true), "{coding} {cut}");
        }
    }
    // The first of two members is whole.
    let body = [&gzip(b"one")[..], &gzip(b"two")[..12]].concat();
    let error = scrape(move |_| answer("200 OK", &["content-encoding: gzip"], &body)).await;
    assert_eq!(error.unwrap_err().kind(), Kind::Body);
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    // 40 MB of zeros in 40 KB or less, and once more around it in a few hundred bytes.
    let zeros = vec![0; 40_000_000];
    let bomb = gzip(&zeros);
    let double = gzip(&bomb);
    let bombs = [
        ("gzip", bomb),
        ("gzip, gzip", double),
        ("deflate", zlib(&zeros)),
        ("deflate", deflate(&zeros)),
        ("br", brotli(&zeros)),
        ("zstd", zstd(&zeros)),
        ("br, zstd", zstd(&brotli(&zeros))),
    ];
    drop(zeros);
    for (coding, body) in bombs {
        let header = format!("content-encoding: {coding}");
        let origin = Origin::start(move |_| answer("200 OK", &[&header], &body)).await;
        let mut request = request(&origin.url("/"));
        request.max_bytes = 1_000_000_000;
        let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::TooLarge, false), "{coding}");
    }
}
