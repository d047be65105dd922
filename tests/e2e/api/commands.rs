//! The commands that talk to a server, as somebody types them.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Server, eventually};
use serde_json::Value;

use crate::world::{LIMIT, PAGE, SECRET, World};

/// Longest for a command to end.
const ENDS: Duration = Duration::from_secs(60);

/// A command that runs, its output in files. Dropping it kills it.
struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts `pagewire` with these arguments, and nothing of the environment's.
    fn start(world: &World, name: &str, args: &[&str]) -> Result<Self> {
        let dir = world.scratch.path();
        let (out, err) = (dir.join(format!("{name}.out")), dir.join(format!("{name}.err")));
        let mut command = Command::new(&world.config.binary);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("PAGEWIRE_") {
                command.env_remove(variable);
            }
        }
        command.args(args).current_dir(dir).stdin(Stdio::null());
        command.stdout(File::create(&out)?).stderr(File::create(&err)?);
        let child = command.spawn().with_context(|| format!("starting {args:?}"))?;
        Ok(Self { child, out, err })
    }

    fn said(&self) -> Result<(String, String)> {
        Ok((std::fs::read_to_string(&self.out)?, std::fs::read_to_string(&self.err)?))
    }

    async fn end(mut self) -> Result<Ended> {
        let mut code = None;
        let child = &mut self.child;
        let ended = eventually("the command to end", ENDS, async || {
            let status = child.try_wait().ok().flatten();
            code = status.and_then(|status| status.code());
            status.is_some()
        });
        let ended = ended.await;
        let (out, err) = self.said()?;
        ended.with_context(|| format!("{out}\n{err}"))?;
        Ok(Ended { code, out, err })
    }
}

impl Ended {
    fn lines(&self) -> Result<Vec<Value>> {
        let lines = self.out.lines();
        lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }
}

/// Runs a command to its end.
async fn run(world: &World, args: &[&str]) -> Result<Ended> {
    Running::start(world, args[0], args)?.end().await
}

fn url_of(server: &Server) -> String {
    format!("http://{}", server.addr())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_urls_is_submitted_and_received_by_commands() -> Result<()> {
    const PAGES: u64 = 40;
    let world = World::without_forwarding("commands").await?;
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let (at, to) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
    let world = world.flags(["--forward-to", &to]);
    // The pages, and that the batch is complete.
    let count = (PAGES + 1).to_string();
    let listening = ["listen", &at, "--secret", SECRET, "--json", "--count", &count];
    let listen = Running::start(&world, "listen", &listening)?;
    let is_open = async || listen.said().is_ok_and(|(_, err)| err.contains("listening"));
    eventually("listen to listen", LIMIT, is_open).await?;

    let server = world.start().await?;
    let url = url_of(&server);
    let urls: String = (1..=PAGES).map(|n| format!("{}\n", world.origin.page(n, PAGE))).collect();
    let file = world.scratch.path().join("urls.txt");
    std::fs::write(&file, format!("# pages\n\n{urls}"))?;
    let file = file.to_str().context("a path in UTF-8")?;
    let submitted = run(&world, &["submit", "-f", file, "--server", &url, "--json"]).await?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");

    let received = listen.end().await?;
    assert_eq!(received.code, Some(0), "{received:?}");
    let deliveries = received.lines()?;
    assert!(deliveries.iter().all(|delivery| delivery["verified"] == true), "{deliveries:?}");
    let of_type = |kind| deliveries.iter().filter(|d| d["body"]["type"] == kind).count() as u64;
    assert_eq!((of_type("job.succeeded"), of_type("batch.completed")), (PAGES, 1));
    // The same file again is the same batch: nothing is fetched twice.
    let again = run(&world, &["submit", "-f", file, "--server", &url, "--json"]).await?;
    assert_eq!(again.code, Some(0), "{again:?}");
    let listed = run(&world, &["jobs", "--server", &url, "--json", "--limit", "100"]).await?;
    let jobs = listed.lines()?;
    let pages: Vec<_> = jobs.iter().filter(|job| job["url"] != to).collect();
    assert_eq!(pages.len() as u64, PAGES, "{listed:?}");
    let id = pages[0]["id"].as_str().context("an id")?.to_owned();
    let shown = run(&world, &["job", &id, "--server", &url, "--json"]).await?;
    assert_eq!((shown.code, shown.out.contains(&id)), (Some(0), true), "{shown:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_followed_by_a_command() -> Result<()> {
    let world = World::new("tail").await?;
    let server = world.start().await?;
    let url = url_of(&server);
    let tail = ["tail", "--server", &url, "--json", "--type", "job.succeeded", "--count", "3"];
    let mut tail = Running::start(&world, "tail", &tail)?;
    let mut client = server.client();
    // It follows from some moment on: something happens until it has seen enough.
    let mut n = 0;
    while tail.child.try_wait()?.is_none() {
        n += 1;
        ensure!(n < 200, "{:?}", tail.said());
        let id = world.submit(&mut client, &world.origin.page(n, PAGE)).await?;
        world.sink.wait_for(&id, LIMIT).await?;
    }
    let followed = tail.end().await?;
    assert_eq!(followed.code, Some(0), "{followed:?}");
    let told = followed.lines()?;
    assert_eq!(told.len(), 3, "{followed:?}");
    ensure!(told.iter().all(|event| event["type"] == "job.succeeded"), "{followed:?}");
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_end_with_the_codes_that_they_promise() -> Result<()> {
    let world = World::new("codes").await?;
    let server = world.start().await?;
    let url = url_of(&server);
    let nobody = "01a1f2c5-2a00-7000-8000-000000000000";
    let cases: [(&[&str], i32); 5] = [
        (&["jobs", "--server", &url], 0),
        (&["submit", "ftp://example.com/", "--server", &url], 1),
        (&["jobs", "--no-such-flag"], 2),
        (&["job", nobody, "--server", &url], 3),
        (&["jobs", "--server", "http://127.0.0.1:1"], 4),
    ];
    for (args, code) in cases {
        let ended = run(&world, args).await?;
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        ensure!(code == 0 || !ended.err.is_empty(), "{args:?}: {ended:?}");
        ensure!(!ended.err.contains("panicked"), "{ended:?}");
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_and_used_by_commands() -> Result<()> {
    let world = World::new("key-commands").await?;
    let server = world.start().await?;
    let url = url_of(&server);
    let make = ["keys", "create", "ops", "--scope", "admin", "--server", &url, "--json"];
    let made = run(&world, &make).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    let made = made.lines()?;
    let text = |name: &str| made[0][name].as_str().map(str::to_owned).context("a string");
    let (id, key) = (text("id")?, text("key")?);
    let locked = run(&world, &["jobs", "--server", &url]).await?;
    assert_eq!(locked.code, Some(1), "{locked:?}");
    ensure!(locked.err.contains("key"), "{locked:?}");
    let listed = run(&world, &["keys", "list", "--server", &url, "--key", &key, "--json"]).await?;
    assert_eq!((listed.code, &listed.lines()?[0]["id"]), (Some(0), &Value::from(id)));
    ensure!(!listed.out.contains(&key), "it is shown once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_is_in_the_way_of_a_start() -> Result<()> {
    let world = World::without_forwarding("doctor").await?;
    let data = world.config.data.display().to_string();
    let listen = world.config.addr.to_string();
    let flags = ["--listen", &listen, "--data-dir", &data];
    let well = run(&world, &[&["doctor", "--json"][..], &flags].concat()).await?;
    assert_eq!(well.code, Some(0), "{well:?}");
    let findings = well.lines()?;
    ensure!(findings.len() > 4, "{well:?}");
    ensure!(findings.iter().all(|finding| finding["result"] != "fail"), "{well:?}");

    let _taken = TcpListener::bind(world.config.addr)?;
    let ill = run(&world, &[&["doctor", "--json"][..], &flags].concat()).await?;
    assert_eq!(ill.code, Some(1), "{ill:?}");
    let findings = ill.lines()?;
    let failed = findings.iter().find(|finding| finding["result"] == "fail");
    let failed = failed.with_context(|| ill.out.clone())?;
    ensure!(failed["remedy"].is_string(), "it says what to do: {failed}");
    Ok(())
}
