use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use forward::{Secret, sign_all};

use super::received::{parse_head, split};
use super::*;

const NOW_S: i64 = 1_790_000_000;
const BODY: &str = r#"{"type":"job.succeeded","data":{"title":"a \" b"}}"#;

/// A request as it is saved from a connection.
fn request(secrets: &[Secret], body: &str) -> String {
    let signature = sign_all(secrets, "evt_1", NOW_S, body.as_bytes());
    format!(
        "POST /hook HTTP/1.1\r\nHost: sink.example\r\nWebhook-Id: evt_1\r\n\
         webhook-timestamp: {NOW_S}\r\nWebhook-Signature: {signature}\r\n\r\n{body}"
    )
}

fn received(request: &str) -> Received {
    let (headers, body) = split(request.as_bytes()).unwrap();
    Received::new(headers, body).unwrap()
}

/// The verdict on what was signed, once `change` has been done to it.
fn after(change: impl FnOnce(String) -> String) -> Result<String, String> {
    let secret = Secret::generate();
    let request = change(request(std::slice::from_ref(&secret), BODY));
    verdict(&[secret.into()], &received(&request), Some(NOW_S + 12))
}

#[test]
fn what_is_right_is_said_with_its_version_its_age_and_which_secret() {
    assert_eq!(
        after(|request| request).unwrap(),
        format!(
            "verified: the `v1` signature is by secret 1; sent 12 s ago; id evt_1; {} bytes",
            BODY.len()
        )
    );
    let pair = Secret::generate_asymmetric();
    let verifiers = [Secret::generate().into(), pair.public_key().unwrap().into()];
    let good = received(&request(&[pair], BODY));
    let said = verdict(&verifiers, &good, Some(NOW_S - 5)).unwrap();
    assert!(
        said.contains("`v1a` signature is by public key 2 of 2; sent 5 s in the fut"),
        "{said}"
    );
    let said = verdict(&verifiers, &good, None).unwrap();
    assert!(said.contains("sent at 2026-09-21T14:13:20Z"), "{said}");
}

#[test]
fn a_body_that_was_changed_on_its_way_is_recognised() {
    for (what, change) in [
        ("without the line feed at its end", (|body| body + "\n") as fn(String) -> String),
        ("without the line feed at its end", |body| body + "\r\n"),
        ("without white space", |body| body.replace("\":", "\": ")),
        ("without white space", |body| body.replace(",\"", ",\n  \"") + "\n"),
        ("without the byte order mark", |body| body.replace("{\"type", "\u{feff}{\"type")),
    ] {
        let why = after(|request| {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            format!("{head}\r\n\r\n{}", change(body.to_owned()))
        })
        .unwrap_err();
        assert!(why.contains("no signature matches") && why.contains(what), "{what}: {why}");
    }
}

#[test]
fn ends_of_lines_that_were_changed_are_recognised() {
    let secret = Secret::generate();
    for (signed, came, what) in [
        ("a\nb", "a\r\nb", "LF at the ends of lines instead of CR LF"),
        ("a\r\nb", "a\nb", "CR LF at the ends of lines instead of LF"),
        ("a\n", "a", "with a line feed at its end"),
        ("a\r\n", "a", "with CR LF at its end"),
    ] {
        let sent = request(std::slice::from_ref(&secret), signed);
        let (headers, _) = split(sent.as_bytes()).unwrap();
        let received = Received::new(headers, came.as_bytes().to_vec()).unwrap();
        let why = verdict(&[secret.clone().into()], &received, None).unwrap_err();
        assert!(why.contains(what), "{signed:?} as {came:?}: {why}");
    }
}

#[test]
fn a_body_that_is_too_long_or_cut_short_is_recognised() {
    let with_length = |request: String, tail: &str, cut: usize| {
        let whole = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n", BODY.len());
        let request = request.replace("POST /hook HTTP/1.1\r\n", &whole);
        format!("{}{tail}", &request[..request.len() - cut])
    };
    let why = after(|request| with_length(request, "\n\n\n", 0)).unwrap_err();
    assert!(why.contains("cut to the bytes that `content-length` tells"), "{why}");
    let why = after(|request| with_length(request, "", 3)).unwrap_err();
    assert!(why.contains("cut short"), "{why}");
}

#[test]
fn what_else_can_be_wrong_is_named() {
    for (from, to, words) in [
        ("Webhook-Id: evt_1", "X: y", &["`webhook-id` is missing", "host, x, webhook-"][..]),
        ("Webhook-Id: evt_1", "svix-id: y", &["`webhook-id` is missing", "Svix"]),
        ("Webhook-Id: evt_1", "webhook-id: evt.1", &["no signature", "full stop"]),
        ("Webhook-Signature: v1,", "webhook-signature: v1,!", &["not standard base64"]),
        ("Webhook-Signature: v1,", "webhook-signature: v1,AAAA v9,", &["3 bytes", "not 32"]),
        ("Webhook-Signature: v1,", "webhook-signature: v1a,", &["no `v1,`", "whpk_"]),
        ("1790000000", "soon", &["`webhook-timestamp` is not a whole number"]),
        ("1790000000", "1780000000", &["10000012 s old", "does not match either"]),
        ("succeeded", "failed", &["no signature", "1 `v1` signature against 1 secret", "written"]),
        ("Host: sink", "Transfer-Encoding: chunked\r\nHost: x", &[]),
    ] {
        let said = after(|request| {
            assert!(request.contains(from), "{from}");
            request.replacen(from, to, 1)
        });
        let said = said.unwrap_or_else(|why| why);
        for word in words {
            assert!(said.contains(word), "{from} as {to} should say {word:?}: {said}");
        }
    }
}

#[test]
fn what_is_only_too_old_is_told_so() {
    let secret = Secret::generate();
    let good = received(&request(std::slice::from_ref(&secret), BODY));
    let why = verdict(&[secret.into()], &good, Some(NOW_S + 4000)).unwrap_err();
    assert!(why.contains("4000 s old") && why.contains("--any-age"), "{why}");
}

#[test]
fn a_compressed_body_is_checked_as_it_was_before() {
    let secret = Secret::generate();
    let sent = request(std::slice::from_ref(&secret), BODY);
    let (mut headers, body) = split(sent.as_bytes()).unwrap();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body).unwrap();
    let packed = encoder.finish().unwrap();
    let verifiers = [secret.into()];

    let received = Received::new(headers.clone(), packed.clone()).unwrap();
    let said = verdict(&verifiers, &received, Some(NOW_S)).unwrap();
    assert!(said.contains(&format!("{} compressed", packed.len())), "{said}");
    // A server has undone it already.
    let received = Received::new(headers.clone(), body).unwrap();
    assert!(verdict(&verifiers, &received, Some(NOW_S)).is_ok());

    let broken = Received::new(headers, packed[..packed.len() - 4].to_vec()).unwrap_err();
    assert!(broken.contains("said to be gzip"), "{broken}");
}

#[test]
fn headers_are_read_in_the_forms_that_tools_write() {
    for head in [
        "Webhook-Id: a\nX: y\n",
        "POST / HTTP/1.1\r\nwebhook-id:a\r\nx: y\r\n\r\nleft out",
        "> POST / HTTP/1.1\n> Webhook-Id: a\n> X: y\n>\n",
        "HTTP/1.1 200 OK\nwebhook-id: a\nx: y",
    ] {
        let headers = parse_head(head.as_bytes()).unwrap();
        assert_eq!((headers.len(), &headers["webhook-id"]), (2, &"a".parse().unwrap()), "{head}");
    }
    let error = parse_head(b"webhook-id: a\nrubbish").unwrap_err();
    assert!(error.contains("line 2") && error.contains("rubbish"), "{error}");
    let error = split(b"webhook-id: a\nx: y").unwrap_err();
    assert!(error.contains("empty line") && error.contains("--body"), "{error}");
}
