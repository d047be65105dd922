//! Bodies that are refused.

/// Bodies that cannot be read as JSON: 400.
pub(crate) const UNREADABLE: &[&[u8]] = &[
    b"",
    b" ",
    b"{",
    b"[",
    b"nul",
    b"url=https%3A%2F%2Fexample.com",
    br#"{"url":"https://example.com"}x"#,
    br#"{"url":"https://example.com"}{}"#,
    br#"{"url":"https://example.com""#,
    br#"{"url":"https://example.com",}"#,
    br#"{"url" "https://example.com"}"#,
    br#"{url:"https://example.com"}"#,
    br#"{'url':'https://example.com'}"#,
    b"// a comment\n{}",
    br#"{"url":NaN}"#,
    br#"{"max_bytes":Infinity}"#,
    br#"{"max_bytes":-Infinity}"#,
    br#"{"max_bytes":1e999}"#,
    br#"{"max_bytes":01}"#,
    br#"{"max_bytes":+1}"#,
    br#"{"max_bytes":.5}"#,
    br#"{"url":"\ud800"}"#,
    br#"{"url":"\udc00\ud800"}"#,
    br#"{"url":"\x41"}"#,
    b"{\"url\":\"https://exa\nmple.com\"}",
    b"{\"url\":\"https://exa\x00mple.com\"}",
    b"{\"url\":\"\xff\"}",
    b"{\"url\":\"\xc0\xaf\"}",
    b"\xef\xbb\xbf{\"url\":\"https://example.com\"}",
    b"\xff\xfe{\x00}\x00",
    br#"{"url":"https://example.com","metadata":{"a":"\ud800"}}"#,
    br#"{"url":"https://example.com","metadata":{"a":1e999}}"#,
    br#"{"url":"https://example.com","metadata":{"a":"#,
    b"{\"url\":\"https://example.com\",\"metadata\":{\"a\":\"\xff\"}}",
];

/// Bodies that are JSON but no job: 422 at this pointer.
pub(crate) const INVALID: &[(&str, &str)] = &[
    ("[]", ""),
    ("null", ""),
    ("42", ""),
    (r#""https://example.com""#, ""),
    ("{}", "/url"),
    (r#"{"url":null}"#, "/url"),
    (r#"{"url":5}"#, "/url"),
    (r#"{"url":["https://example.com"]}"#, "/url"),
    (r#"{"url":""}"#, "/url"),
    (r#"{"url":"example.com"}"#, "/url"),
    (r#"{"url":"//example.com"}"#, "/url"),
    (r#"{"url":"ftp://example.com"}"#, "/url"),
    (r#"{"url":"javascript:alert(1)"}"#, "/url"),
    (r#"{"url":"file:///etc/passwd"}"#, "/url"),
    (r#"{"url":"https://"}"#, "/url"),
    (r#"{"url":"http://exa mple.com"}"#, "/url"),
    (r#"{"url":"http://[::1"}"#, "/url"),
    (r#"{"url":"http://example.com:99999"}"#, "/url"),
    (r#"{"url":"https://me:secret@example.com"}"#, "/url"),
    (r#"{"url":"http://127.0.0.1/"}"#, "/url"),
    (r#"{"url":"http://0x7f.1/"}"#, "/url"),
    (
        r#"{"url":"https://example.com","url":"https://example.com"}"#,
        "/url",
    ),
    (r#"{"url":"https://example.com","urll":1}"#, "/urll"),
    (r#"{"url":"https://example.com","a/b~c":1}"#, "/a~1b~0c"),
    (r#"{"url":"https://example.com","":1}"#, "/"),
    (
        r#"{"url":"https://example.com","proxy":"http://p"}"#,
        "/proxy",
    ),
    (r#"{"url":"https://example.com","select":{}}"#, "/select"),
    (
        r#"{"url":"https://example.com","robots":"obey"}"#,
        "/robots",
    ),
    (r#"{"url":"https://example.com","cache":{}}"#, "/cache"),
    (r#"{"url":"https://example.com","priority":1}"#, "/priority"),
    (r#"{"url":"https://example.com","method":"get"}"#, "/method"),
    (
        r#"{"url":"https://example.com","method":"CONNECT"}"#,
        "/method",
    ),
    (r#"{"url":"https://example.com","method":1}"#, "/method"),
    (r#"{"url":"https://example.com","headers":[]}"#, "/headers"),
    (
        r#"{"url":"https://example.com","headers":{"x":1}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"host":"x"}}"#,
        "/headers/host",
    ),
    (
        r#"{"url":"https://example.com","headers":{"Connection":"x"}}"#,
        "/headers/Connection",
    ),
    (
        r#"{"url":"https://example.com","headers":{"content-length":"1"}}"#,
        "/headers/content-length",
    ),
    (
        r#"{"url":"https://example.com","headers":{"a b":"x"}}"#,
        "/headers/a b",
    ),
    (
        r#"{"url":"https://example.com","headers":{"":"x"}}"#,
        "/headers/",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"a\r\nb: c"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"a\u0000b"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"\u00fc"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":" a"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"1","X":"2"}}"#,
        "/headers/X",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"1","x":"2"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a b":"x"}}"#,
        "/cookies/a b",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a":"x; y"}}"#,
        "/cookies/a",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a":"x"},"headers":{"cookie":"b=y"}}"#,
        "/cookies",
    ),
    (r#"{"url":"https://example.com","body":{}}"#, "/body"),
    (
        r#"{"url":"https://example.com","body":"x","body_base64":"eA=="}"#,
        "/body_base64",
    ),
    (
        r#"{"url":"https://example.com","body_base64":"!!"}"#,
        "/body_base64",
    ),
    (r#"{"url":"https://example.com","timeout":30}"#, "/timeout"),
    (
        r#"{"url":"https://example.com","timeout":"30"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"-1s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"0s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"31s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"99999999999999999999d"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":-1}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":0}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":1.5}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":10000001}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":"11MB"}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":"10mb"}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":true}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":11}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":-1}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":4294967296}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":123456789012345678901234567890}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","formats":"raw"}"#,
        "/formats",
    ),
    (r#"{"url":"https://example.com","formats":[]}"#, "/formats"),
    (
        r#"{"url":"https://example.com","formats":["raw","pdf"]}"#,
        "/formats/1",
    ),
    (
        r#"{"url":"https://example.com","formats":["raw","raw"]}"#,
        "/formats/1",
    ),
    (r#"{"url":"https://example.com","sink":5}"#, "/sink"),
    (r#"{"url":"https://example.com","sink":"nowhere"}"#, "/sink"),
    (
        r#"{"url":"https://example.com","sink":"http://127.0.0.1/"}"#,
        "/sink",
    ),
    (r#"{"url":"https://example.com","sink":{}}"#, "/sink/url"),
    (
        r#"{"url":"https://example.com","sink":{"url":"ftp://s.example"}}"#,
        "/sink/url",
    ),
    (
        r#"{"url":"https://example.com","sink":{"urll":"https://s.example"}}"#,
        "/sink/urll",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","format":"x"}}"#,
        "/sink/format",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://a.example","url":"https://b.example"}}"#,
        "/sink/url",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","headers":{"Webhook-Id":"x"}}}"#,
        "/sink/headers/Webhook-Id",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","headers":{"content-type":"x"}}}"#,
        "/sink/headers/content-type",
    ),
    (
        r#"{"url":"https://example.com","metadata":[]}"#,
        "/metadata",
    ),
    (
        r#"{"url":"https://example.com","metadata":"x"}"#,
        "/metadata",
    ),
    (
        r#"{"url":"https://example.com","metadata":{"a":[{"b":1,"b":2}]}}"#,
        "/metadata/a/0/b",
    ),
    (r#"{"url":"https://example.com","tags":"x"}"#, "/tags"),
    (r#"{"url":"https://example.com","tags":[1]}"#, "/tags/0"),
    (
        r#"{"url":"https://example.com","tags":["a",""]}"#,
        "/tags/1",
    ),
    (
        r#"{"url":"https://example.com","tags":["a","a"]}"#,
        "/tags/1",
    ),
    (
        r#"{"url":"https://example.com","tags":["a\u0007"]}"#,
        "/tags/0",
    ),
    (r#"{"url":"https://example.com","delay":"31d"}"#, "/delay"),
    (
        r#"{"url":"https://example.com","delay":"1s","not_before":"2026-11-22T11:00:00Z"}"#,
        "/delay",
    ),
    (
        r#"{"url":"https://example.com","not_before":"tomorrow"}"#,
        "/not_before",
    ),
    (
        r#"{"url":"https://example.com","not_before":"2027-11-22T10:00:00Z"}"#,
        "/not_before",
    ),
    (
        r#"{"url":"https://example.com","deadline":"soon"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"0s"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"31d"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"2020-01-01T00:00:00Z"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"1m","delay":"2m"}"#,
        "/deadline",
    ),
    (r#"{"url":"https://example.com","retry":3}"#, "/retry"),
    (
        r#"{"url":"https://example.com","retry":{"max_attempts":0}}"#,
        "/retry/max_attempts",
    ),
    (
        r#"{"url":"https://example.com","retry":{"max_attempts":21}}"#,
        "/retry/max_attempts",
    ),
    (
        r#"{"url":"https://example.com","retry":{"schedule":"0,5s"}}"#,
        "/retry/schedule",
    ),
];
