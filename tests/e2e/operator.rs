//! What an operator gets wrong is named, with the remedy, and ends the process.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Server, ServerConfig};

use crate::world::World;

/// A server that cannot start says so at once.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Starts the server, which must end by itself with an exit code other than 0 and a message that
/// contains all of `words`.
async fn refused(config: &ServerConfig, words: &[&str]) -> Result<()> {
    let (status, said) = Server::run_to_end(config, AT_ONCE).await?;
    let code = status.code();
    ensure!(code.is_some_and(|code| code != 0), "{status} for {:?}:\n{said}", config.flags);
    for word in words {
        ensure!(said.contains(word), "{word:?} is not in:\n{said}");
    }
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_flags_are_named_with_what_they_take() -> Result<()> {
    let world = World::without_forwarding("flags").await?;
    let cases: [(&[&str], &[&str]); 11] = [
        (&["--no-such-flag"], &["--no-such-flag"]),
        (&["--fetch-timeout", "banana"], &["--fetch-timeout", "banana"]),
        (&["--fetch-timeout", "0s"], &["--fetch-timeout", "at least"]),
        (&["--max-bytes", "12 parsecs"], &["--max-bytes", "12 parsecs"]),
        (&["--forward-to", "not a url"], &["--forward-to", "https://"]),
        (&["--forward-to", "ftp://example.com/"], &["--forward-to", "http"]),
        (&["--fetch-allow", "10.0.0.0/99"], &["--fetch-allow", "10.0.0.0/99"]),
        (&["--delivery-schedule", "0,soon"], &["--delivery-schedule", "soon"]),
        (&["--queue-max-jobs", "0"], &["--queue-max-jobs"]),
        (&["--log-format", "xml"], &["--log-format", "json"]),
        (&["--store", "postgres://x"], &["--store", "sqlite"]),
    ];
    for (flags, words) in cases {
        refused(&world.bare().with(flags.iter().copied()), words).await?;
    }
    let secret = world.bare().with(["--secret", "whsec_hunter2"]);
    refused(&secret, &["--secret"]).await?;
    assert!(!secret.log_tail().contains("hunter2"), "a secret was printed:\n{}", secret.log_tail());
    assert!(!world.config.data.exists(), "a bad flag leaves nothing behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_listener_needs_a_key() -> Result<()> {
    let world = World::without_forwarding("open").await?;
    let mut config = world.config.clone();
    config.addr = ([0, 0, 0, 0], config.addr.port()).into();
    refused(&config, &["--listen", "--api-key"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named() -> Result<()> {
    let world = World::without_forwarding("port").await?;
    let _taken = TcpListener::bind(world.config.addr)?;
    refused(&world.config, &["--listen", &world.config.addr.to_string()]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_belongs_to_one_server() -> Result<()> {
    let world = World::without_forwarding("locked").await?;
    let mut first = world.start().await?;
    let mut second = world.bare();
    second.addr.set_port(ServerConfig::new("", world.scratch.path()).addr.port());
    second.log = world.scratch.path().join("second.log");
    refused(&second, &["--data-dir", &world.config.data.display().to_string()]).await?;
    assert_eq!(first.client().get("/readyz").await?.status, 200, "the first one does not mind");
    first.kill9()?;
    let third = Server::start(&second).await?;
    assert_eq!(third.client().get("/readyz").await?.status, 200, "a dead one's lock is gone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_cannot_be_used_is_named() -> Result<()> {
    let world = World::without_forwarding("unusable").await?;
    let file = world.scratch.path().join("file");
    fs::write(&file, "in the way")?;
    for data in [file.clone(), file.join("below")] {
        let mut config = world.config.clone();
        config.data = data.clone();
        refused(&config, &["--data-dir", &data.display().to_string()]).await?;
    }
    assert_eq!(fs::read_to_string(&file)?, "in the way");
    read_only(&world).await?;
    unwritable(&world).await
}

/// A directory without the right to write: a right that root does not need.
async fn read_only(world: &World) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let data = world.scratch.path().join("read-only");
    fs::create_dir(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555))?;
    if may_write(&data) {
        return Ok(());
    }
    let mut config = world.config.clone();
    config.data = data.clone();
    refused(&config, &["--data-dir", &data.display().to_string()]).await
}

fn may_write(dir: &Path) -> bool {
    fs::write(dir.join("probe"), "").is_ok()
}

/// A file system that takes nothing, for root too.
async fn unwritable(world: &World) -> Result<()> {
    let mut shim = world.shim()?;
    for rule in ["fail write EROFS", "fail write ENOSPC", "fail fsync EIO"] {
        shim.start_with(rule)?;
        shim.forget()?;
        let mut config = world.config.clone();
        config.environment = shim.environment();
        refused(&config, &["--data-dir", &config.data.display().to_string()]).await?;
    }
    Ok(())
}
