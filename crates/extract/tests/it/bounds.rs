//! Pages made to hurt, through all of the public function, on a small stack.

mod pages;

use std::sync::Arc;

use extract::{Formats, Link, Metadata, Options, Page, Scope, Select, extract};
use serde::Serialize;
use serde_json::json;
use unicode_normalization::is_nfc;
use url::Url;

use pages::{Hostile, NESTED, WIDE};

/// A quarter of what the threads of a pool have.
const STACK_BYTES: usize = 1 << 20;

/// Most pages; what grows faster than its input shows with fewer as well.
const PIECES: usize = 10_000;

/// Bytes that any output may have on top of twice its input.
const SPARE_BYTES: usize = 256 * 1024;

const LONGEST_BYTES: usize = 4096;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(test)
        .expect("a thread")
        .join()
        .expect("no panic");
}

/// Selectors that look far.
fn select() -> Select {
    let fields = json!({
        "first": "p",
        "all": {"css": "*", "all": true},
        "has": {"css": ":has(x)", "all": true},
        "sibling": {"css": "* ~ i:nth-last-of-type(3n+1)", "all": true},
        "child": {"css": "i:nth-of-type(2n)", "all": true},
        "not": {"css": "*:not(* * * * p)", "all": true},
        "attr": {"css": "a", "attr": "href", "all": true},
        "class": {"css": "[class~=b] , .b-7", "all": true},
        "found": {"css": "body", "regex": "(x+x+)+y"},
        "records": {"css": "div", "all": true, "fields": {"inner": {"css": "*", "all": true}}},
    });
    serde_json::from_value(fields).expect("all can be read")
}

fn run(hostile: &Hostile, pieces: usize) {
    let url: Url = "https://site.example/dir/page?query".parse().expect("an address");
    let bytes = hostile.bytes(pieces);
    let content_type = Some(hostile.content_type).filter(|own| !own.is_empty());
    let name = hostile.name;
    for scope in [Scope::Main, Scope::Page] {
        let select = (scope == Scope::Main).then(|| Arc::new(select()));
        let options = Options { formats: Formats::ALL, scope, select };
        check(name, &extract(&bytes, content_type, &url, &options), bytes.len());
    }
}

fn check(name: &str, page: &Page, body_bytes: usize) {
    // A byte of another encoding makes up to three of UTF-8.
    let source_bytes = page.html.as_ref().map_or(3 * body_bytes, String::len);
    let most_bytes = 2 * source_bytes + SPARE_BYTES;
    for text in [&page.text, &page.markdown] {
        let text = text.as_ref().expect("asked for");
        assert!(text.len() <= most_bytes, "{name}: {} of {most_bytes} bytes", text.len());
        // Other bodies stay as they are.
        assert!(page.html.is_none() || is_nfc(text), "{name}: not in normalization form C");
    }
    if let Some(title) = &page.title {
        check_line(name, title);
    }
    if let Some(metadata) = &page.metadata {
        check_metadata(name, metadata);
    }
    if let Some(links) = &page.links {
        check_links(name, links, most_bytes);
    }
    let json_ld = page.json_ld.as_ref().map_or(0, json_bytes);
    assert!(json_ld <= most_bytes, "{name}: {json_ld} bytes of JSON-LD");
    let fields = page.fields.as_ref().map_or(0, json_bytes);
    // Written as JSON a control character takes six bytes.
    assert!(fields <= 6 * most_bytes, "{name}: {fields} bytes of fields");
}

fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).expect("can be written").len()
}

fn check_line(name: &str, line: &str) {
    assert!(
        line.len() <= LONGEST_BYTES && line.trim() == line && !line.is_empty(),
        "{name}: {line}"
    );
    assert!(is_nfc(line), "{name}: not in normalization form C");
}

fn check_metadata(name: &str, metadata: &Metadata) {
    assert!(metadata.feeds.len() <= 50 && metadata.sitemaps.len() <= 50, "{name}");
    for line in [
        &metadata.author,
        &metadata.published,
        &metadata.modified,
        &metadata.language,
        &metadata.description,
        &metadata.site_name,
        &metadata.canonical,
        &metadata.image,
        &metadata.kind,
    ] {
        line.iter().for_each(|line| check_line(name, line));
    }
    metadata.authors.iter().for_each(|author| check_line(name, author));
    let addresses = metadata.canonical.iter().chain(&metadata.image).chain(&metadata.sitemaps);
    for address in addresses.chain(metadata.feeds.iter().map(|feed| &feed.url)) {
        Url::parse(address).expect(name);
    }
}

fn check_links(name: &str, links: &[Link], most_bytes: usize) {
    assert!(links.len() <= 10_000, "{name}: {} links", links.len());
    let bytes: usize = links.iter().map(|link| link.url.len() + link.text.len()).sum();
    assert!(bytes <= most_bytes, "{name}: {bytes} bytes of links");
    for (at, link) in links.iter().enumerate() {
        assert!(link.text.len() <= 1024, "{name}");
        assert_eq!(link.position as usize, at + 1, "{name}");
        assert!(link.url.starts_with("http"), "{name}: {}", link.url);
    }
}

#[test]
fn anything_nested_a_million_times() {
    on_a_small_stack(|| {
        for hostile in NESTED {
            run(hostile, PIECES);
        }
        run(&NESTED[0], 1_000_000);
    });
}

#[test]
fn much_of_anything() {
    on_a_small_stack(|| WIDE.iter().for_each(|hostile| run(hostile, PIECES)));
}
