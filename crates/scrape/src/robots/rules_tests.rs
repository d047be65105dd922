//! RFC 9309 and what Google has published on how it reads the file.

use super::*;

fn rules(file: &str) -> Rules {
    Rules::parse(file.as_bytes(), Some("FooBot"))
}

fn allowed(file: &str, path: &str) -> bool {
    let url = Url::parse("http://a.example/").unwrap().join(path).unwrap();
    rules(file).allows(&url)
}

#[test]
fn the_longest_match_decides_and_of_two_the_one_that_allows() {
    // The table of "Order of precedence for rules" in Google's description.
    for (file, path, expected) in [
        ("allow: /p\ndisallow: /", "/page", true),
        ("allow: /folder\ndisallow: /folder", "/folder/page", true),
        ("allow: /page\ndisallow: /*.htm", "/page.htm", false),
        ("allow: /page\ndisallow: /*.ph", "/page.php5", true),
        ("allow: /$\ndisallow: /", "/", true),
        ("allow: /$\ndisallow: /", "/page.htm", false),
        // RFC 9309, section 5.2.
        ("allow: /example/page/\ndisallow: /example/page/disallowed.gif", "/example/page/", true),
        (
            "allow: /example/page/\ndisallow: /example/page/disallowed.gif",
            "/example/page/disallowed.gif",
            false,
        ),
        // Their order does not matter, and an encoded octet counts as it is compared.
        ("disallow: /\nallow: /p", "/page", true),
        ("disallow: /b%61r\nallow: /bar", "/bar", true),
        ("disallow: /x/*\nallow: /x/", "/x/y", false),
    ] {
        assert_eq!(
            allowed(&format!("user-agent: foobot\n{file}"), path),
            expected,
            "{file} {path}"
        );
    }
}

#[test]
fn robots_txt_itself_is_always_allowed() {
    let file = "user-agent: *\ndisallow: /";
    assert!(allowed(file, "/robots.txt") && allowed(file, "/robots.txt?x"));
    assert!(!allowed(file, "/robots.txt/") && !allowed(file, "/a/robots.txt"));
}

#[test]
fn an_empty_rule_allows_everything() {
    assert!(allowed("user-agent: *\ndisallow:", "/x"));
    assert!(allowed("user-agent: *\ndisallow:   # nothing", "/x"));
    assert!(!allowed("user-agent: *\nallow:\ndisallow: /", "/x"));
    assert!(allowed("", "/x") && allowed("disallow: /", "/x"));
}

#[test]
fn a_name_is_compared_by_its_token_without_case() {
    for name in
        ["foobot", "FOOBOT", "FooBot/1.2", "foobot*", "foobot 2", "foobot bar", " foobot  # it"]
    {
        assert!(!allowed(&format!("user-agent: {name}\ndisallow: /"), "/x"), "{name}");
    }
    for name in ["foo", "foobot-news", "foobots", "barbot", "/foobot", "x foobot", ""] {
        assert!(allowed(&format!("user-agent: {name}\ndisallow: /"), "/x"), "{name}");
    }
}

#[test]
fn the_group_for_all_is_for_those_without_their_own() {
    let file = "user-agent: *\ndisallow: /\nuser-agent: foobot\ndisallow: /own";
    assert!(allowed(file, "/x") && !allowed(file, "/own"));
    // Even where there is nothing in it.
    assert!(allowed("user-agent: *\ndisallow: /\nuser-agent: foobot\n", "/x"));
    assert!(!allowed("user-agent: *\ndisallow: /\nuser-agent: other\nallow: /", "/x"));
    assert!(!allowed("user-agent: * # all of you\ndisallow: /", "/x"));
    assert!(allowed("user-agent: *bot\ndisallow: /", "/x"));
    let url = Url::parse("http://a.example/x").unwrap();
    let nameless = Rules::parse(b"user-agent: foobot\ndisallow: /\nuser-agent: *\nallow: /", None);
    assert!(nameless.allows(&url));
}

#[test]
fn groups_for_one_name_are_one_group() {
    let file = "user-agent: foobot\ndisallow: /a\nuser-agent: other\ndisallow: /b\n\
                user-agent: x\nuser-agent: FooBot\ndisallow: /c\nuser-agent: *\ndisallow: /d";
    for (path, expected) in [("/a", false), ("/b", true), ("/c", false), ("/d", true)] {
        assert_eq!(allowed(file, path), expected, "{path}");
    }
}

#[test]
fn other_lines_do_not_part_a_group() {
    for line in ["sitemap: http://a.example/s.xml", "crawl-delay: 5", "x: y", "nonsense", "", "#"] {
        let file = format!("user-agent: foobot\n{line}\nuser-agent: other\ndisallow: /\n");
        assert!(!allowed(&file, "/x"), "{line}");
        let file = format!("user-agent: foobot\nallow: /y\n{line}\ndisallow: /\n");
        assert!(!allowed(&file, "/x"), "{line}");
    }
}

#[test]
fn lines_end_as_they_like_and_a_mark_is_no_line() {
    for end in ["\n", "\r", "\r\n"] {
        let file = format!("\u{feff}user-agent: foobot{end}disallow: /a{end}{end}disallow: /b");
        assert!(!allowed(&file, "/a") && !allowed(&file, "/b") && allowed(&file, "/c"), "{end:?}");
    }
}

#[test]
fn what_is_meant_is_read() {
    for file in [
        "  User-Agent :foobot\t\n\tDISALLOW:/",
        "user-agent foobot\ndisallow /",
        "useragent: foobot\ndissallow: /",
        "user agent: foobot\ndisalow: /",
    ] {
        assert!(!allowed(file, "/x"), "{file}");
    }
    assert!(allowed("user-agent: foobot\ndisallow / now", "/x"));
    assert!(allowed("user-agent: foobot\ndisallowed: /", "/x"));
    assert!(allowed("<html><p>user-agent: *\n<p>disallow: /", "/x"));
    assert!(!allowed("user-agent: foobot\ndisallow: /a b", "/a%20b"));
    assert!(!allowed("user-agent: foobot\ndisallow: /a#b", "/ac"));
    let url = Url::parse("http://a.example/x").unwrap();
    assert!(!Rules::parse(b"\xff\xfe\nuser-agent: *\n\xff: \xff\ndisallow: /", None).allows(&url));
}

#[test]
fn the_query_is_compared_and_the_fragment_is_not() {
    let file = "user-agent: *\ndisallow: /*?id=\ndisallow: /x#y";
    assert!(!allowed(file, "/a?id=1") && allowed(file, "/a#?id=1"));
    assert!(!allowed(file, "/x"));
}

#[test]
fn a_file_is_cut_at_a_line() {
    let head = "user-agent: *\ndisallow: /a\n";
    let filler = "#".repeat(MAX_BYTES - head.len() - "disallow: /b".len() - 1);
    // Its last line ends with the last byte, whether or not another follows.
    for tail in ["", "\n", "\ndisallow: /c"] {
        let file = format!("{head}{filler}\ndisallow: /b{tail}");
        assert!(!allowed(&file, "/a") && !allowed(&file, "/b"), "{tail:?}");
        assert!(allowed(&file, "/c"), "{tail:?}");
    }
    // One byte more, and it is not known what it would have been.
    let file = format!("{head}{filler}\ndisallow: /bc");
    assert!(!allowed(&file, "/a") && allowed(&file, "/b") && allowed(&file, "/bc"));
    assert_eq!(rules(&"x".repeat(2 * MAX_BYTES)), Rules::default());
}

#[test]
fn a_crawl_delay_is_a_number_of_seconds() {
    for (value, expected_ms) in [
        ("1", Some(1_000)),
        ("0.5", Some(500)),
        ("2.5 # at night", Some(2_500)),
        ("0", Some(0)),
        ("600", Some(600_000)),
        ("601", Some(600_000)),
        ("99999999999999999999999", Some(600_000)),
        ("-1", None),
        ("1s", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("", None),
        (".", None),
    ] {
        let file = format!("user-agent: *\ncrawl-delay: {value}\ndisallow:");
        let expected = expected_ms.map(Duration::from_millis);
        assert_eq!(rules(&file).crawl_delay(), expected, "{value}");
    }
    let file = "crawl-delay: 9\nuser-agent: *\ncrawl-delay: 3\n\
                user-agent: foobot\ncrawl-delay: 1\nallow: /\ncrawl-delay: 2";
    // `*` and the crawler are one group here; the delay before its name was not for it.
    assert_eq!(rules(file).crawl_delay(), Some(Duration::from_secs(2)));
    assert_eq!(rules("user-agent: x\ncrawl-delay: 3").crawl_delay(), None);
}

#[test]
fn hostile_files_are_read_and_asked_in_time() {
    let url = Url::parse(&format!("http://a.example/{}", "a".repeat(2_000))).unwrap();
    for line in ["disallow: /*a*a*a*b\n", "disallow:/*b\n", "user-agent: foobot\nallow: /\n"] {
        let file = format!("user-agent: *\n{}", line.repeat(MAX_BYTES / line.len()));
        let rules = rules(&file);
        assert!(rules.allows(&url));
        assert!(rules.bytes() < 3 * MAX_BYTES, "{}", rules.bytes());
    }
}
