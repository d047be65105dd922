#[cfg(feature = "object-store")]
use std::path::PathBuf;

#[cfg(any(feature = "object-store", feature = "nats", feature = "kafka"))]
use percent_encoding::percent_decode_str;
use url::Url;

use super::file::Rotation;
use super::parameters::{Parameters, age, bytes, count};

/// What a sink's URL means.
#[derive(Debug)]
pub(super) enum Address {
    Http,
    File(Rotation),
    Stdout,
    #[cfg(feature = "object-store")]
    Folder(PathBuf),
    #[cfg(feature = "object-store")]
    S3(super::s3::Bucket),
    #[cfg(feature = "nats")]
    Nats(super::nats::Subject),
    #[cfg(feature = "kafka")]
    Kafka(super::kafka::Topic),
}

/// A sink's URL that cannot be used, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSink(String);

/// Whether `url` names a way out that this build knows, and says all that it needs. Nothing is
/// opened or connected to.
///
/// # Errors
/// The message says what to change.
pub fn check_sink_url(url: &Url) -> Result<(), InvalidSink> {
    Address::of(url).map(drop)
}

/// The URL in `text`, checked as [`check_sink_url`] does; besides, a relative `file:` is refused,
/// which in a [`Url`] looks like an absolute one.
///
/// # Errors
/// The message says what to change.
pub fn parse_sink_url(text: &str) -> Result<Url, InvalidSink> {
    let url: Url = text.parse().map_err(|e| InvalidSink(format!("not a URL: {e}")))?;
    if url.scheme() == "file" && !text.to_ascii_lowercase().starts_with("file:///") {
        return Err(InvalidSink(FILE_USAGE.to_owned()));
    }
    check_sink_url(&url).map(|()| url)
}

const FILE_USAGE: &str =
    "a file sink is `file:///` and an absolute path, such as file:///var/lib/events.ndjson";

impl Address {
    pub(super) fn of(url: &Url) -> Result<Self, InvalidSink> {
        match url.scheme() {
            "http" | "https" if url.host_str().is_some() => Ok(Self::Http),
            "file" => file(url),
            "stdout" if url.as_str() == "stdout:" => Ok(Self::Stdout),
            "stdout" => Err("standard output is written `stdout:`, with nothing behind it".into()),
            "folder" => folder(url),
            "s3" => s3(url),
            "nats" => nats(url),
            "kafka" => kafka(url),
            other => Err(format!(
                "there is no way out called `{other}:`; there are https, http, file, stdout, \
                 folder, s3, nats and kafka"
            )),
        }
        .map_err(InvalidSink)
    }
}

fn file(url: &Url) -> Result<Address, String> {
    let path = url.to_file_path().map_err(|()| FILE_USAGE.to_owned())?;
    if url.path().ends_with('/') || path.file_name().is_none() {
        return Err(format!("{FILE_USAGE}; for a file each event there is `folder:///`"));
    }
    let mut parameters = Parameters::of(url);
    let max_bytes = parameters.parse("max_bytes", bytes)?.unwrap_or(Rotation::MAX_BYTES);
    let max_age = parameters.parse("max_age", age)?;
    let keep = parameters.parse("keep", count)?;
    parameters.end("`max_bytes`, `max_age` and `keep`")?;
    Ok(Address::File(Rotation { path, max_bytes, max_age, keep }))
}

#[cfg(any(feature = "object-store", feature = "nats", feature = "kafka"))]
fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "the URL is not UTF-8")?;
    Ok(text.into_owned())
}

#[cfg(feature = "object-store")]
fn folder(url: &Url) -> Result<Address, String> {
    const USAGE: &str = "a folder sink is `folder:///` and an absolute path, such as \
                         folder:///var/lib/events";
    let path = PathBuf::from(decoded(url.path())?);
    if url.host_str().is_some_and(|host| !host.is_empty()) || !path.is_absolute() {
        return Err(USAGE.to_owned());
    }
    Parameters::of(url).end("none")?;
    Ok(Address::Folder(path))
}

#[cfg(feature = "object-store")]
fn s3(url: &Url) -> Result<Address, String> {
    const USAGE: &str = "an S3 sink is `s3://bucket/prefix`";
    let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or(USAGE)?;
    if !url.username().is_empty() || url.password().is_some() || url.port().is_some() {
        return Err(format!(
            "{USAGE}: credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, host and \
             port of a store other than Amazon's from `endpoint`"
        ));
    }
    let mut parameters = Parameters::of(url);
    let endpoint = parameters.take("endpoint").map(|text| endpoint(&text)).transpose()?;
    let region = parameters.take("region");
    parameters.end("`region` and `endpoint`")?;
    let prefix = decoded(url.path())?.trim_matches('/').to_owned();
    Ok(Address::S3(super::s3::Bucket { bucket: decoded(bucket)?, prefix, region, endpoint }))
}

#[cfg(feature = "object-store")]
fn endpoint(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| format!("`endpoint` is an http or https URL, not `{text}`"))
}

#[cfg(feature = "nats")]
fn nats(url: &Url) -> Result<Address, String> {
    const USAGE: &str = "a NATS sink is `nats://host:port/subject`, its subject without wildcards";
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(USAGE)?;
    let subject = decoded(url.path().trim_start_matches('/'))?;
    let wrong = |token: &str| {
        let bad = |c: char| c.is_whitespace() || c.is_control() || "*>/".contains(c);
        token.is_empty() || token.contains(bad)
    };
    if subject.split('.').any(wrong) {
        return Err(USAGE.to_owned());
    }
    let user = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
    };
    let mut parameters = Parameters::of(url);
    let stream = parameters.take("stream");
    parameters.end("`stream`")?;
    if stream.as_deref().is_some_and(|name| name.contains('.') || wrong(name)) {
        return Err("`stream` is a stream's name, without dots, spaces and wildcards".into());
    }
    let server = format!("{host}:{}", url.port().unwrap_or(4222));
    Ok(Address::Nats(super::nats::Subject { server, user, subject, stream }))
}

#[cfg(feature = "kafka")]
fn kafka(url: &Url) -> Result<Address, String> {
    const USAGE: &str = "a Kafka sink is `kafka://broker:port/topic`";
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(USAGE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{USAGE}: it speaks plain TCP only, without user and password"));
    }
    let topic = decoded(url.path().trim_start_matches('/'))?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if topic.is_empty() || topic.len() > 249 || !topic.chars().all(legal) {
        return Err(format!("{USAGE}, its topic of letters, digits, `.`, `_` and `-`"));
    }
    let mut parameters = Parameters::of(url);
    let others = parameters.take("brokers").unwrap_or_default();
    parameters.end("`brokers`")?;
    let mut brokers = vec![format!("{host}:{}", url.port().unwrap_or(9092))];
    brokers.extend(others.split(',').filter(|broker| !broker.is_empty()).map(str::to_owned));
    Ok(Address::Kafka(super::kafka::Topic { brokers, topic }))
}

#[cfg(not(feature = "object-store"))]
fn folder(_: &Url) -> Result<Address, String> {
    Err("this build has no folders: build with --features object-store".into())
}

#[cfg(not(feature = "object-store"))]
fn s3(_: &Url) -> Result<Address, String> {
    Err("this build has no S3: build with --features object-store".into())
}

#[cfg(not(feature = "nats"))]
fn nats(_: &Url) -> Result<Address, String> {
    Err("this build has no NATS: build with --features nats".into())
}

#[cfg(not(feature = "kafka"))]
fn kafka(_: &Url) -> Result<Address, String> {
    Err("this build has no Kafka: build with --features kafka".into())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    fn why_not(text: &str) -> String {
        parse_sink_url(text).expect_err(text).to_string()
    }

    #[test]
    fn every_way_out_of_this_build_is_known() {
        let mut texts = vec![
            "https://sink.example/hook",
            "http://127.0.0.1:9/",
            "file:///var/lib/events.ndjson?max_bytes=100MB&max_age=1d&keep=7",
            "stdout:",
        ];
        if cfg!(feature = "object-store") {
            texts.extend(["folder:///var/lib/events", "s3://bucket", "s3://b.c/p/q?region=x"]);
        }
        if cfg!(feature = "nats") {
            texts.extend(["nats://u:p%40@h:4222/events.done?stream=EVENTS", "nats://[::1]/x"]);
        }
        if cfg!(feature = "kafka") {
            texts.extend(["kafka://h:9092/my.topic", "kafka://h/t?brokers=i:9092,j:9092"]);
        }
        for text in texts {
            assert!(parse_sink_url(text).is_ok(), "{text}: {}", why_not(text));
        }
    }

    #[test]
    fn what_a_build_lacks_is_told_with_the_remedy() {
        for (text, here, feature) in [
            ("folder:///x", cfg!(feature = "object-store"), "object-store"),
            ("s3://b/x", cfg!(feature = "object-store"), "object-store"),
            ("nats://h/x", cfg!(feature = "nats"), "nats"),
            ("kafka://h/x", cfg!(feature = "kafka"), "kafka"),
        ] {
            let refused = parse_sink_url(text).map_err(|why| why.to_string());
            match refused {
                Ok(_) => assert!(here, "{text}"),
                Err(why) => {
                    assert!(!here && why.contains(&format!("--features {feature}")), "{why}");
                }
            }
        }
    }

    #[test]
    fn a_file_is_absolute_and_has_a_name() {
        for text in ["file:events.ndjson", "file:/events", "file://events/x", "file:///dir/"] {
            assert!(why_not(text).contains("file:///var/lib/events.ndjson"), "{text}");
        }
        let url = "file:///a%20b.ndjson?max_age=12h&keep=3".parse().unwrap();
        let Ok(Address::File(rotation)) = Address::of(&url) else { panic!("a file") };
        assert_eq!(rotation.path, PathBuf::from("/a b.ndjson"));
        assert_eq!(rotation.max_bytes, 128 << 20);
        assert_eq!(rotation.max_age, Some(Duration::from_secs(12 * 3600)));
        assert_eq!(rotation.keep, Some(3));
    }

    #[test]
    fn what_is_incomplete_or_misspelt_is_told() {
        for (text, told) in [
            ("ftp://h/x", "no way out called `ftp:`"),
            ("file:///x?max_bites=1", "`max_bites`"),
            ("file:///x?keep=0", "`keep` is a number"),
            ("file:///x?keep=1&keep=2", "`keep`"),
            ("stdout:x", "nothing behind it"),
            ("stdout://", "nothing behind it"),
            ("no url", "not a URL"),
        ] {
            assert!(why_not(text).contains(told), "{text}: {}", why_not(text));
        }
    }

    #[cfg(feature = "object-store")]
    #[test]
    fn stores_have_their_own_rules() {
        for (text, told) in [
            ("folder://x/y", "absolute path"),
            ("folder:x", "absolute path"),
            ("s3:///prefix", "s3://bucket/prefix"),
            ("s3://key:secret@bucket/x", "AWS_ACCESS_KEY_ID"),
            ("s3://bucket/x?endpoint=minio:9000", "`endpoint` is an http or https URL"),
            ("s3://bucket/x?regoin=x", "`regoin`"),
        ] {
            assert!(why_not(text).contains(told), "{text}: {}", why_not(text));
        }
        assert!(!why_not("s3://key:secret@bucket/x").contains("key:"), "no credentials are told");
    }

    #[cfg(feature = "nats")]
    #[test]
    fn a_subject_is_complete_and_without_wildcards() {
        for text in [
            "nats://h/",
            "nats:///x",
            "nats://h/a.*",
            "nats://h/a.%3E",
            "nats://h/a..b",
            "nats://h/a/b",
        ] {
            assert!(why_not(text).contains("nats://host:port/subject"), "{text}");
        }
        for text in ["nats://h/x?stream=", "nats://h/x?stream=a.b", "nats://h/x?stream=a%0Ab"] {
            assert!(why_not(text).contains("`stream`"), "{text}");
        }
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn a_topic_is_complete_and_legal() {
        for text in
            ["kafka://h/", "kafka:///x", "kafka://h/a%20b", "kafka://h/a/b", "kafka://u:p@h/t"]
        {
            assert!(why_not(text).contains("kafka://broker:port/topic"), "{text}");
        }
    }
}
