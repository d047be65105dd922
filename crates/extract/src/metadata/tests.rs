//! Whole pages.

use proptest::prelude::*;

use super::*;
use crate::scanner::scan;

fn read_page(page: &str) -> Found {
    read_at("https://www.example.com/tea", page)
}

fn read_at(url: &str, page: &str) -> Found {
    let url: Url = url.parse().unwrap();
    read(&scan(page), &url, &url)
}

fn source<'f>(found: &'f Found, field: &str) -> &'f str {
    found.metadata.sources.get(field).map_or("", String::as_str)
}

#[test]
fn titles() {
    let cases = [
        ("<title>Green tea</title>", "Green tea", "title"),
        ("<title>Green tea | Example</title>", "Green tea", "title"),
        ("<title>Example: Green tea</title>", "Green tea", "title"),
        (
            "<title>Green tea - Leaves</title><meta property=og:site_name content=Leaves>",
            "Green tea",
            "title",
        ),
        ("<title>Green tea – black tea</title>", "Green tea – black tea", "title"),
        ("<title>Tea &amp;amp; milk</title>", "Tea & milk", "title"),
        ("<title>x</title><h1>Green tea</h1>", "Green tea", "h1"),
        ("<title>Green tea</title><h1>Example</h1><h2>Green tea</h2>", "Green tea", "h2"),
        ("<title>Green tea</title><h1 class=logo>Leaves</h1><h1>Green tea</h1>", "Green tea", "h1"),
        (
            "<title>Green tea</title><aside><h1>Coffee</h1></aside><article><h1>Green tea</h1></article>",
            "Green tea",
            "h1",
        ),
        (
            "<meta property=og:title content='Green tea is good'><h1>Opinion | Green tea is good</h1>",
            "Green tea is good",
            "h1",
        ),
        (
            "<h1><span>Health</span><br>Green tea is good</h1><meta name=twitter:title content='Green tea is good'>",
            "Green tea is good",
            "h1",
        ),
        ("<h1>Green tea | Example</h1>", "Green tea", "h1"),
        ("<h1>Green tea</h1><svg><title>icon</title></svg>", "Green tea", "h1"),
        ("<h1>Green <em>tea</em>s</h1>", "Green teas", "h1"),
        ("<h1>\n Green\n tea\n</h1>", "Green tea", "h1"),
        ("<h1>Install¶</h1>", "Install", "h1"),
        ("<meta property=og:title content='Green tea'>", "Green tea", "og:title"),
        (
            "<meta name=citation_title content='Green tea'><title>x</title>",
            "Green tea",
            "citation_title",
        ),
        (
            "<script type=application/ld+json>{\"@type\":\"Article\",\"headline\":\"Green tea\"}</script>",
            "Green tea",
            "json-ld",
        ),
        ("<title>Home</title><meta property=og:title content=untitled>", "", ""),
        ("<p>nothing", "", ""),
    ];
    for (page, title, from) in cases {
        let found = read_page(page);
        assert_eq!(
            (found.title.as_deref().unwrap_or(""), source(&found, "title")),
            (title, from),
            "{page}"
        );
    }
}

#[test]
fn dates() {
    let article = r#"<script type=application/ld+json>{"@type":"Article","datePublished":"2024-05-06T02:00:00Z"}</script>"#;
    let cases = [
        (article.to_owned(), "2024-05-06T02:00:00Z", "json-ld"),
        (format!("{article}<h1>Tea</h1><p>May 5, 2024</p>"), "2024-05-05", "shown"),
        (format!("{article}<h1>Tea</h1><p>May 6, 2024</p><p>May 5, 2024</p>"), "2024-05-06T02:00:00Z", "json-ld"),
        ("<meta property=article:published_time content=2024-05-06T07:08:09+02:00>".to_owned(), "2024-05-06T07:08:09+02:00", "article:published_time"),
        ("<h1>Tea</h1><time datetime=2024-05-06>May 6</time>".to_owned(), "2024-05-06", "time"),
        ("<h1>Tea</h1><div class=comments><time datetime=2024-05-07>x</time></div><time datetime=2024-05-06>x</time>".to_owned(), "2024-05-06", "time"),
        ("<h1>Tea</h1><span itemprop=datePublished content=2024-05-06>x</span>".to_owned(), "2024-05-06", "itemprop"),
        ("<h1>Tea</h1><p>Posted on 6 May 2024 by Jane</p>".to_owned(), "2024-05-06", "text"),
        ("<h1>Tea</h1><p>Berlin, 6. Mai 2024 – The leaves of this year have come at last, and they are better than any before, says everybody who has tried them with milk and without it, in the morning and at night.</p>".to_owned(), "2024-05-06", "text"),
        ("<h1>Tea</h1><p>© 6 May 2024</p>".to_owned(), "", ""),
        (r#"<h1>Tea</h1><script>var x = {"publishedAt":"2024-05-06T07:08:09Z"}</script>"#.to_owned(), "2024-05-06T07:08:09Z", "script"),
    ];
    for (page, date, from) in cases {
        let found = read_page(&page);
        let published = found.metadata.published.as_deref().unwrap_or("");
        assert_eq!((published, source(&found, "published")), (date, from), "{page}");
    }
    let found = read_at("https://example.com/2024/05/06/tea", "<h1>Tea</h1>");
    assert_eq!(
        (found.metadata.published.as_deref(), source(&found, "published")),
        (Some("2024-05-06"), "url")
    );
    let found = read_page("<h1>Tea</h1><span class=updated>6 May 2024</span>");
    assert_eq!(
        (found.metadata.modified.as_deref(), source(&found, "modified")),
        (Some("2024-05-06"), "class")
    );
}

#[test]
fn authors() {
    let article = r#"<script type=application/ld+json>{"@type":"Article","author":["Jane Doe","John Roe"]}</script>"#;
    let cases: [(String, &[&str], &str); 12] = [
        (format!("{article}<h1>Tea</h1><p>Jane Doe, John Roe</p>"), &["Jane Doe", "John Roe"], "json-ld"),
        (format!("{article}<h1>Tea</h1><p>Jane Doe</p>"), &["Jane Doe"], "json-ld"),
        ("<meta name=author content='Jane Doe'><p>Jane Doe".to_owned(), &["Jane Doe"], "author"),
        ("<meta name=author content='Example'>".to_owned(), &[], ""),
        ("<meta name=author content='The Owner Inc'><h1>Tea</h1><p>By Jane Doe</p>".to_owned(), &["Jane Doe"], "text"),
        ("<meta name=citation_author content='Jane Doe'><meta name=citation_author content='John Roe'>".to_owned(), &["Jane Doe", "John Roe"], "citation_author"),
        ("<h1>Tea</h1><a rel=author href=/a/jane>Jane Doe</a>".to_owned(), &["Jane Doe"], "rel"),
        ("<h1>Tea</h1><p class=byline>By <a href=/x>Jane Doe</a> and <a href=/y>John Roe</a></p>".to_owned(), &["Jane Doe", "John Roe"], "byline"),
        ("<h1>Tea</h1><p class=post-meta>May 6, 2024 | News | by Jane Doe</p>".to_owned(), &["Jane Doe"], "byline"),
        ("<h1>Tea</h1><div itemprop=author><span itemprop=name>Jane Doe</span><p>writes about tea</p></div>".to_owned(), &["Jane Doe"], "itemprop"),
        ("<h1>Tea</h1><div class=comments><p class=author>Ann Other</p></div>".to_owned(), &[], ""),
        ("<h1>Tea</h1><p>Stand by me</p>".to_owned(), &[], ""),
    ];
    for (page, names, from) in cases {
        let found = read_page(&page);
        assert_eq!(
            (found.metadata.authors.as_slice(), source(&found, "author")),
            (names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().as_slice(), from),
            "{page}"
        );
        assert_eq!(found.metadata.author.unwrap_or_default(), names.join("; "));
    }
}

#[test]
fn the_head() {
    let found = read_page(
        "<html lang=en_GB><link rel=canonical href=/tea?x=1><meta name=description content=' About\n tea '>
         <meta property=og:site_name content=Leaves><meta property=og:image content=/i.png><meta property=og:type content=Article>
         <link rel=alternate type='application/rss+xml; charset=utf-8' href=/feed title=News>
         <link rel=alternate type=application/json href=/api><link rel=sitemap href=/sitemap.xml>",
    );
    let metadata = found.metadata;
    assert_eq!(metadata.language.as_deref(), Some("en-GB"));
    assert_eq!(metadata.canonical.as_deref(), Some("https://www.example.com/tea?x=1"));
    assert_eq!(metadata.description.as_deref(), Some("About tea"));
    assert_eq!(metadata.site_name.as_deref(), Some("Leaves"));
    assert_eq!(metadata.image.as_deref(), Some("https://www.example.com/i.png"));
    assert_eq!(metadata.kind.as_deref(), Some("article"));
    assert_eq!(metadata.feeds.len(), 1);
    assert_eq!(metadata.feeds[0].url, "https://www.example.com/feed");
    assert_eq!(metadata.feeds[0].media_type, "application/rss+xml");
    assert_eq!(metadata.feeds[0].title.as_deref(), Some("News"));
    assert_eq!(metadata.sitemaps, ["https://www.example.com/sitemap.xml"]);
    for field in
        ["language", "canonical", "description", "site_name", "image", "type", "feeds", "sitemaps"]
    {
        assert!(metadata.sources.contains_key(field), "{field}");
    }
}

#[test]
fn feeds_by_links_alone() {
    let found = read_page(
        "<a href=/feed/>Feed</a><a href=/about>x</a><a href=/sitemap_index.xml>Map</a><a href='javascript:feed'>x</a>",
    );
    assert_eq!(found.metadata.feeds[0].url, "https://www.example.com/feed/");
    assert_eq!((found.metadata.feeds.len(), source(&found, "feeds")), (1, "a"));
    assert_eq!(found.metadata.sitemaps, ["https://www.example.com/sitemap_index.xml"]);
}

#[test]
fn json_ld_objects_of_all_scripts() {
    let page = r#"<script type="application/ld+json">{"a":1}</script><script type="application/json">{"b":1}</script>
        <script type="Application/LD+JSON">[{"c":1,},{"d":1}]</script>"#;
    let objects = json_ld(&scan(page));
    let names: Vec<_> =
        objects.iter().filter_map(|object| object.as_object()?.keys().next()).collect();
    assert_eq!(names, ["a", "c", "d"]);
}

#[test]
fn hostile_pages_are_read_in_time() {
    let many = |piece: &str| piece.repeat(400_000 / piece.len());
    for page in [
        many("<div class=author>"),
        many("<h1>a b</h1>"),
        many("<time>5 May 2024</time>"),
        many("<p>By Jane Doe</p>"),
        many("<meta name=author content='A B'>"),
        many("<div class=comments>5 May 2024"),
        format!("<h1>{}</h1><title>{}</title>", many("a | "), many("b - ")),
        format!("<script type=application/ld+json>{}</script>", many("\", ")),
        format!(
            "<script type=application/ld+json>[{}]</script>",
            many("{\"@type\":\"Article\",\"author\":\"A B\"},")
        ),
        format!("<meta name=author content='A B'>{}", many("A B ")),
    ] {
        #[expect(clippy::disallowed_methods, reason = "a bound on real time")]
        let start = std::time::Instant::now();
        let _ = read_page(&page);
        let limit = std::time::Duration::from_secs(5);
        assert!(start.elapsed() < limit, "{:?} for {}", start.elapsed(), &page[..30]);
    }
}

proptest! {
    #[test]
    fn any_page_is_read_within_bounds(
        page in r#"(<(h1|title|time|p|div|a|meta|article|span|aside)( (class|itemprop|rel|name|property|content|datetime|href)="?[a-zA-Z:/0-9 -]{0,12}"?){0,3}>|</(h1|title|div|p|article)>|By Jane Doe|6 May 2024|[a-z ]{1,8}|&amp;| \| |é){0,40}"#
    ) {
        let found = read_page(&page);
        prop_assert!(found.title.is_none_or(|title| !title.is_empty() && title.len() <= 4096));
        prop_assert!(found.metadata.authors.len() <= 16);
    }
}
