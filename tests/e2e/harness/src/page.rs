//! Pages that say themselves what they should contain.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Bytes of a page when its address does not say.
pub const DEFAULT_BYTES: usize = 2_000;

/// The smallest page: its two markers and the frame.
pub const MIN_BYTES: usize = 400;

/// One of many; no two are the same, since a text that stands on a page twice is content once.
fn paragraph(k: usize) -> String {
    format!(
        "<p>For the time number {k} the quick brown fox jumps over the lazy dog, while the \
         <a href=\"/page/{k}\">next page</a> waits for its reader.</p>\n"
    )
}

/// A fast hash for telling contents apart. The same in all processes of one build.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn checksum(n: u64, bytes: usize) -> u64 {
    hash(format!("{n}/{bytes}").as_bytes())
}

/// The words that open and close page `n` of that size.
pub fn markers(n: u64, bytes: usize) -> [String; 2] {
    let sum = checksum(n, bytes);
    [format!("pwstart{n}x{sum:016x}"), format!("pwend{n}x{sum:016x}")]
}

/// Page `n`: HTML of exactly `bytes` bytes (at least [`MIN_BYTES`]), all ASCII.
pub fn render(n: u64, bytes: usize) -> String {
    let bytes = bytes.max(MIN_BYTES);
    let [start, end] = markers(n, bytes);
    let mut page = String::with_capacity(bytes);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><title>Page {n}</title></head><body>\n\
         <h1>Page {n}</h1>\n\
         <p>Here the tale of the fox and the dog begins, with the word {start}, and then goes on.</p>\n"
    );
    let tail = format!(
        "<p>And here the tale of the fox ends, with the word {end}, for all that we know.</p>\n\
         </body></html>\n"
    );
    for paragraph in (1..).map(paragraph) {
        if page.len() + paragraph.len() + tail.len() > bytes {
            break;
        }
        page.push_str(&paragraph);
    }
    let padding = bytes.saturating_sub(page.len() + tail.len());
    page.extend(std::iter::repeat_n(' ', padding));
    page.push_str(&tail);
    page
}

/// An article as sites have them: `{n}` in its texts, with a navigation, a side bar and a footer
/// around it.
pub fn article(n: u64) -> String {
    ARTICLE.replace("{n}", &n.to_string())
}

const ARTICLE: &str = r#"<!doctype html>
<html lang="en"><head><title>Steam and leaf {n} | The Tea Post</title>
<meta property="og:site_name" content="The Tea Post">
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "NewsArticle",
"headline": "Steam and leaf {n}", "datePublished": "2026-11-20", "author": {"@type": "Person", "name": "Ada Green"}}</script>
</head><body>
<header><nav class="menu"><ul><li><a href="/">Front page</a></li><li><a href="/world">World</a></li>
<li><a href="/sport">Sport</a></li><li><a href="/login">Sign in</a></li></ul></nav></header>
<main><article class="post">
<h1 class="headline">Steam and leaf {n}</h1>
<p>Green tea is steamed soon after it was picked, which keeps the leaf from turning brown and gives
the cup its colour, as growers in the hills have known for many generations.</p>
<p>The leaves are rolled, dried and sorted by hand in small houses beside the fields, and a good
worker can tell the water left in a leaf by the sound that it makes between two fingers.</p>
<p>A tin of the first harvest costs <span class="price">EUR 19.90</span> this year, a little more than
it did last spring, and the <a class="more" href="/tea/{n}/harvest">report on the harvest</a> explains why.</p>
</article></main>
<aside class="sidebar"><h3>Most read</h3><ul><li><a href="/a">Ten kettles compared</a></li>
<li><a href="/b">The price of porcelain</a></li></ul></aside>
<footer class="footer"><p>Copyright The Tea Post. All rights reserved.</p><a href="/imprint">Imprint</a></footer>
</body></html>
"#;

/// The number and size of the page that an absolute URL leads to in the end; `None` when it leads to
/// none.
pub fn parse_address(url: &str) -> Option<(u64, usize)> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let kind = path.split('/').nth(3)?;
    if !["page", "flaky", "slow", "redirect", "later", "tagged"].contains(&kind) {
        return None;
    }
    let n = path.rsplit_once('/')?.1.parse().ok()?;
    let size = query.split('&').find_map(|pair| pair.strip_prefix("size="));
    let bytes = size.map_or(Some(DEFAULT_BYTES), |size| size.parse().ok())?;
    Some((n, bytes.max(MIN_BYTES)))
}

/// What is wrong with the `data` of a `job.succeeded` event for `url`; `None` when it holds the page.
///
/// `raw` is compared byte for byte, text formats must contain both markers.
pub fn fault(url: &str, data: &Content) -> Option<String> {
    let (n, bytes) = parse_address(url)?;
    let mut seen = false;
    if let Some(raw) = &data.raw_base64 {
        seen = true;
        let Ok(raw) = BASE64_STANDARD.decode(raw) else {
            return Some(format!("{url}: raw_base64 is not base64"));
        };
        if raw != render(n, bytes).into_bytes() {
            return Some(format!("{url}: raw is not the page ({} bytes)", raw.len()));
        }
    }
    let markers = markers(n, bytes);
    for (name, text) in [("markdown", &data.markdown), ("text", &data.text), ("html", &data.html)] {
        let Some(text) = text else { continue };
        seen = true;
        if let Some(missing) = markers.iter().find(|marker| !text.contains(marker.as_str())) {
            return Some(format!("{url}: {name} lacks {missing} ({} bytes)", text.len()));
        }
    }
    (!seen).then(|| format!("{url}: the event has no content"))
}

/// The parts of an event's `data` that hold the page.
#[derive(Debug, Default)]
pub struct Content {
    /// The body as it came, in base64.
    pub raw_base64: Option<String>,
    /// Markdown of the page.
    pub markdown: Option<String>,
    /// Text of the page.
    pub text: Option<String>,
    /// HTML of the page.
    pub html: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_long_as_asked_and_verifies() {
        for bytes in [0, 399, 400, 2_000, 15_000] {
            let page = render(7, bytes);
            assert_eq!(page.len(), bytes.max(MIN_BYTES));
            let url = format!("http://127.0.0.1:1/page/7?size={bytes}");
            let content = Content { text: Some(page.clone()), ..Content::default() };
            assert_eq!(fault(&url, &content), None);
            let raw =
                Content { raw_base64: Some(BASE64_STANDARD.encode(&page)), ..Content::default() };
            assert_eq!(fault(&url, &raw), None);
        }
    }

    #[test]
    fn another_page_a_cut_page_and_no_page_do_not_verify() {
        let url = "http://127.0.0.1:1/page/7?size=500";
        let cut = render(7, 500)[..350].to_owned();
        for text in [render(8, 500), render(7, 501), cut] {
            let raw =
                Content { raw_base64: Some(BASE64_STANDARD.encode(&text)), ..Content::default() };
            assert!(fault(url, &raw).is_some());
            let content = Content { text: Some(text), ..Content::default() };
            assert!(fault(url, &content).is_some());
        }
        assert!(fault(url, &Content::default()).is_some());
    }
}
