//! Feeds, from bytes to text.

use extract::{Formats, MediaKind, MediaSource, Options, extract};

#[test]
fn a_feed_is_a_page_of_its_entries() {
    let feed = "<?xml version=\"1.0\"?><rss><channel><title>Tea News</title>\
        <item><title>Oolong is back</title><link>https://tea.example/1</link>\
        <pubDate>Wed, 31 Jan 2024 12:00:00 GMT</pubDate>\
        <description><![CDATA[<p>It is <b>back</b>.</p><script>no()</script>]]></description></item>\
        <item><title>Green</title><link>https://tea.example/2</link></item></channel></rss>";
    let url = "https://tea.example/feed".parse().expect("the address is right");
    let options = Options { formats: Formats::ALL, ..Options::default() };
    let page = extract(feed.as_bytes(), Some("text/xml"), &url, &options);
    assert_eq!(page.title.as_deref(), Some("Tea News"));
    assert_eq!(
        page.markdown.as_deref(),
        Some(
            "# Tea News\n\n## [Oolong is back](https://tea.example/1)\n\n\
             Wed, 31 Jan 2024 12:00:00 GMT\n\nIt is **back**.\n\n## [Green](https://tea.example/2)\n"
        )
    );
    let text =
        "Tea News\n\nOolong is back\n\nWed, 31 Jan 2024 12:00:00 GMT\n\nIt is back.\n\nGreen";
    assert_eq!(page.text.as_deref(), Some(text));
    let links: Vec<String> = page.links.expect("asked for").into_iter().map(|l| l.url).collect();
    assert_eq!(links, ["https://tea.example/1", "https://tea.example/2"]);
    let media = (Some(MediaKind::Feed), Some(MediaSource::Sniffed));
    assert_eq!((page.media, page.media_source, page.html), (media.0, media.1, None));
}

#[test]
fn a_feed_of_nothing_is_xml() {
    let url = "https://tea.example/feed".parse().expect("the address is right");
    let page = extract(b"<rss>x", Some("application/rss+xml"), &url, &Options::default());
    assert_eq!(page.text.as_deref(), Some("<rss>x"));
}
