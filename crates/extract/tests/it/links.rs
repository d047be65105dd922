//! The links of a page.

use extract::{Format, Formats, Link, Options, Page, extract};

fn page(html: &str) -> Page {
    let formats = Formats::NONE.with(Format::Links);
    let options = Options { formats, ..Options::default() };
    let url = "https://a.example/b/c?d#e".parse().expect("the address is right");
    extract(html.as_bytes(), Some("text/html; charset=utf-8"), &url, &options)
}

fn links(html: &str) -> Vec<Link> {
    let page = page(html);
    assert!(!page.truncated, "{html}");
    page.links.expect("links were asked for")
}

/// Each link as "address text".
fn told(html: &str) -> Vec<String> {
    links(html).into_iter().map(|link| format!("{} {}", link.url, link.text)).collect()
}

#[test]
fn addresses() {
    for (html, url) in [
        ("<a href=f>t</a>", Some("https://a.example/b/f")),
        ("<a href='/f?g#h'>t</a>", Some("https://a.example/f?g#h")),
        ("<a href='//i.example'>t</a>", Some("https://i.example/")),
        ("<a href='  j \n'>t</a>", Some("https://a.example/b/j")),
        ("<a href='k&amp;l=&eacute;'>t</a>", Some("https://a.example/b/k&l=%C3%A9")),
        ("<A HREF='http://M.example:80/n/../o'>t</A>", Some("http://m.example/o")),
        ("<a href='https://user:pass@p.example/'>t</a>", Some("https://p.example/")),
        ("<a href='?d'>t</a>", Some("https://a.example/b/c?d")),
        ("<area href=q>", Some("https://a.example/b/q")),
        ("<a href='?r#s'>t</a>", Some("https://a.example/b/c?r#s")),
        ("<a href='#s'>t</a>", None),
        ("<a href='#'>t</a>", None),
        ("<a href='/b/c?d#s'>t</a>", None),
        ("<a href='https://a.example/b/c?d#s'>t</a>", None),
        ("<a href=''>t</a>", None),
        ("<a href>t</a>", None),
        ("<a name=t>t</a>", None),
        ("<a href='javascript:void(0)'>t</a>", None),
        ("<a href='mailto:u@v.example'>t</a>", None),
        ("<a href='tel:1'>t</a>", None),
        ("<a href='ftp://w.example/'>t</a>", None),
        ("<a href='data:,x'>t</a>", None),
        ("<a href='https://[x'>t</a>", None),
        ("<link href=y><iframe src=y></iframe>", None),
    ] {
        let found = links(html);
        assert_eq!(found.first().map(|link| link.url.as_str()), url, "{html}");
    }
}

#[test]
fn bases() {
    for (html, url) in [
        ("<base href=/f/><a href=g>t</a>", "https://a.example/f/g"),
        ("<base href=//h.example/i/j><a href=g>t</a>", "https://h.example/i/g"),
        ("<base><base href=/f/><base href=/x/><a href=g>t</a>", "https://a.example/f/g"),
        ("<base href=javascript:x><base href=/f/><a href=g>t</a>", "https://a.example/f/g"),
        ("<base href='http://[x'><a href=g>t</a>", "https://a.example/b/g"),
        ("<a href=g>t</a><base href=/f/>", "https://a.example/f/g"),
        ("<base href=/f/><a href=#x>u</a><a href=/b/c?d>t</a>", "https://a.example/b/c?d"),
        ("<base href=/f/><a href=/f/#x>u</a><a href=g>t</a>", "https://a.example/f/g"),
    ] {
        assert_eq!(links(html)[0].url, url, "{html}");
    }
    let long = format!("<base href='/{}/'><a href=g>t</a>", "f".repeat(2048));
    assert_eq!(links(&long)[0].url, "https://a.example/b/g");
    let long = format!("<a href='{}'>t</a>", "f".repeat(4097));
    assert_eq!(links(&long), []);
}

#[test]
fn texts() {
    for (html, text) in [
        ("<a href=f> a <b>b</b>\n c </a>", "a b c"),
        ("<a href=f><h2>a</h2><p>b</a>", "a b"),
        ("<a href=f>a<br>b&amp;c</a>", "a b&c"),
        ("<a href=f><img alt=' a  b '></a>", "a b"),
        ("<a href=f><img alt=''><img alt=a></a>", "a"),
        ("<a href=f>a<img alt=b></a>", "a"),
        ("<a href=f aria-label=a title=b></a>", "a"),
        ("<a href=f title=b><i></i></a>", "b"),
        ("<a href=f><svg><title>x</title></svg></a>", ""),
        ("<a href=f></a>", ""),
        ("<area href=f alt=a>", "a"),
        ("<a href=f>a<span hidden>b</span><script>c</script></a>", "a"),
        ("<a href=f aria-label=a> </a>", "a"),
        ("<a href=f>a<a href=g>b</a></a>", "a"),
        ("<a href=f>a<table><td><a href=g>b</a></table></a>", "a"),
        ("<a href=f>a", "a"),
    ] {
        assert_eq!(links(html)[0].text, text, "{html}");
    }
    let long = format!("<a href=f>{}</a>", "\u{e9}".repeat(600));
    assert_eq!(links(&long)[0].text.len(), 1024);
    let long = format!("<a href=f>a{}</a>", "\u{e9}".repeat(600));
    assert_eq!(links(&long)[0].text.len(), 1023);
    let long = format!("<a href=f title='{}' rel='{}'></a>", "a ".repeat(600), "b".repeat(2000));
    let link = &links(&long)[0];
    assert_eq!((link.text.len(), link.rel.as_ref().unwrap().len()), (1023, 1024));
}

#[test]
fn each_once_in_order() {
    let html = "<a href=x rel='nofollow  ugc'>1</a><a href=y>2</a><a href=/b/x>1</a><a href=x>3</a>
        <a href=#z>4</a><a href=y>2</a><a href=x#z>1</a>";
    let expected = [
        "https://a.example/b/x 1",
        "https://a.example/b/y 2",
        "https://a.example/b/x 3",
        "https://a.example/b/x#z 1",
    ];
    assert_eq!(told(html), expected);
    let links = links(html);
    let positions: Vec<u32> = links.iter().map(|link| link.position).collect();
    assert_eq!(positions, [1, 2, 3, 4]);
    assert_eq!(links[0].rel.as_deref(), Some("nofollow ugc"));
    assert_eq!(links[1].rel, None);
}

#[test]
fn no_more_than_ten_thousand() {
    use std::fmt::Write;
    let html = (0..10_001).fold(String::new(), |mut html, n| {
        write!(html, "<a href={n}>t</a>").unwrap();
        html
    });
    let page = page(&html);
    assert!(page.truncated);
    assert_eq!(page.links.unwrap().len(), 10_000);
    assert_eq!(links(&"<a href=f>t</a>".repeat(100_000)).len(), 1);
}

#[test]
fn long_bases_do_not_multiply_a_page() {
    use std::fmt::Write;
    let mut html = format!("<base href='/{}/'>", "f".repeat(2000));
    for n in 0..5_000 {
        write!(html, "<a href={n}>").unwrap();
    }
    let page = page(&html);
    assert!(page.truncated);
    let bytes: usize = page.links.unwrap().iter().map(|link| link.url.len()).sum();
    assert!(bytes <= 2 * html.len() + 256 * 1024, "{bytes}");
}

#[test]
fn many_links_within_links() {
    let html = "<a href=f><table><td>".repeat(50_000);
    assert_eq!(links(&html).len(), 1);
    let html = "<a href=f><b>".repeat(50_000);
    assert_eq!(links(&html).len(), 1);
}
