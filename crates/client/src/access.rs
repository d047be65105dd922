use std::path::PathBuf;

use clap::Args;
use url::Url;

/// Heading of these flags in `--help`.
const SERVER: &str = "Server";

/// Which server, and how to show what it says.
#[derive(Clone, Debug, Args)]
pub struct Access {
    /// The server to talk to.
    #[arg(long, env = "PAGEWIRE_SERVER", value_name = "URL", help_heading = SERVER,
          default_value = "http://127.0.0.1:8080", value_parser = server_url, global = true)]
    pub(crate) server: Url,
    /// The API key to send.
    #[arg(long, env = "PAGEWIRE_KEY", value_name = "KEY", help_heading = SERVER,
          hide_env_values = true, global = true)]
    pub(crate) key: Option<String>,
    /// A file with certificate authorities (PEM) to trust besides the usual ones.
    #[arg(long, env = "PAGEWIRE_CA_FILE", value_name = "PATH", help_heading = SERVER,
          value_delimiter = ',', global = true)]
    pub(crate) ca_file: Vec<PathBuf>,
    /// Print one JSON object a line, and problems as JSON too.
    #[arg(long, help_heading = SERVER, global = true)]
    pub(crate) json: bool,
}

fn server_url(text: &str) -> Result<Url, String> {
    let usage = "expected an http or https URL, such as http://127.0.0.1:8080";
    let url = Url::parse(text).map_err(|error| format!("{error}: {usage}"))?;
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err("no credentials in the URL: give the API key by --key".to_owned())
        }
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => {
            Err(format!("nothing may follow the path: {usage}"))
        }
        "http" | "https" => Ok(url),
        _ => Err(usage.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_http_url_without_credentials() {
        assert!(server_url("http://localhost:8080").is_ok());
        assert!(server_url("https://pages.example/api/").is_ok());
        for (text, word) in [
            ("localhost:8080", "http://127.0.0.1:8080"),
            ("ftp://localhost/", "http or https"),
            ("127.0.0.1", "http or https"),
            ("http://user:hunter2@localhost/", "--key"),
            ("http://localhost/?a=b", "follow the path"),
        ] {
            let error = server_url(text).unwrap_err();
            assert!(error.contains(word) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
