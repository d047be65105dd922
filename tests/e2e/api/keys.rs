//! API keys: what each opens, for how much, and until when.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Connection, Method, Server};
use serde_json::{Value, json};

use crate::delivery::desk::{send, told};
use crate::world::{LIMIT, PAGE, World, accepted_id};

/// The operator's own key.
const OPERATOR: &str = "operator-key-of-the-end-to-end-tests";

/// A world whose server wants a key.
async fn locked(name: &str) -> Result<World> {
    let mut world = World::new(name).await?.flags(["--api-key", OPERATOR]);
    world.config.api_key = Some(OPERATOR.to_owned());
    Ok(world)
}

/// Makes a key: its id, and the key.
async fn make(client: &mut Connection, wish: &Value) -> Result<(String, String)> {
    let made = told(client, Method::POST, "/v1/keys", wish, 201).await?;
    let text = |name: &str| made[name].as_str().map(str::to_owned).context("a string");
    Ok((text("id")?, text("key")?))
}

fn with_key(server: &Server, key: &str) -> Connection {
    Connection::new(server.addr()).with_api_key(key)
}

async fn status(client: &mut Connection, method: Method, path: &str) -> Result<u16> {
    Ok(client.request(method, path, &[], "".into()).await?.status)
}

async fn submit(world: &World, client: &mut Connection, n: u64) -> Result<u16> {
    let job = json!({"url": world.origin.page(n, PAGE)});
    Ok(client.post("/v1/jobs", job.to_string()).await?.status)
}

/// Whether a file below `dir` holds these bytes.
fn holds(dir: &Path, bytes: &[u8]) -> Result<bool> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let has = if path.is_dir() {
            holds(&path, bytes)?
        } else {
            let content = std::fs::read(&path)?;
            content.windows(bytes.len()).any(|window| window == bytes)
        };
        if has {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_what_its_scopes_say_and_only_its_own_jobs() -> Result<()> {
    let world = locked("scopes").await?;
    let server = world.start().await?;
    let mut operator = server.client();
    let mut nobody = Connection::new(server.addr());
    let refused = nobody.get("/v1/jobs").await?;
    assert_eq!(refused.status, 401, "{}", refused.text());
    ensure!(refused.header("www-authenticate").is_some(), "{refused:?}");
    let mut stranger = with_key(&server, "a-key-that-was-never-made-by-anybody");
    assert_eq!(submit(&world, &mut stranger, 0).await?, 401);
    assert_eq!(nobody.get("/healthz").await?.status, 200, "who looks after it needs no key");

    let scopes = |scopes: &[&str]| json!({"name": scopes.join("+"), "scopes": scopes});
    let (_, reads) = make(&mut operator, &scopes(&["read"])).await?;
    let (_, writes) = make(&mut operator, &scopes(&["submit", "read"])).await?;
    let (_, other) = make(&mut operator, &scopes(&["submit", "read"])).await?;
    let (_, rules) = make(&mut operator, &scopes(&["admin"])).await?;
    let mut reader = with_key(&server, &reads);
    let mut writer = with_key(&server, &writes);
    let mut neighbour = with_key(&server, &other);
    let mut admin = with_key(&server, &rules);

    assert_eq!(submit(&world, &mut reader, 1).await?, 403);
    for client in [&mut reader, &mut writer, &mut neighbour] {
        assert_eq!(status(client, Method::GET, "/v1/keys").await?, 403);
        assert_eq!(status(client, Method::GET, "/v1/jobs").await?, 200);
    }
    let id = world.submit(&mut writer, &world.origin.page(2, PAGE)).await?;
    world.sink.wait_for(&id, LIMIT).await?;
    for path in ["", "/result", "/attempts"] {
        let path = format!("/v1/jobs/{id}{path}");
        assert_eq!(status(&mut writer, Method::GET, &path).await?, 200, "{path}");
        assert_eq!(status(&mut admin, Method::GET, &path).await?, 200, "{path}");
        assert_eq!(status(&mut neighbour, Method::GET, &path).await?, 404, "{path}");
    }
    for (client, seen) in
        [(&mut writer, 1), (&mut neighbour, 0), (&mut admin, 1), (&mut operator, 1)]
    {
        let listed = client.get("/v1/jobs").await?.json()?;
        assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(seen), "{listed}");
    }
    let path = format!("/v1/jobs/{id}");
    assert_eq!(status(&mut neighbour, Method::DELETE, &path).await?, 404);
    assert_eq!(status(&mut neighbour, Method::POST, &format!("{path}/refetch")).await?, 404);

    let listed = admin.get("/v1/keys").await?;
    for key in [&reads, &writes, &other, &rules] {
        ensure!(!listed.text().contains(key), "a key is shown once, and never again");
        ensure!(!holds(&world.config.data, key.as_bytes())?, "a key is on disk as it is");
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_survive_kill_9_and_a_revoked_one_opens_nothing_from_then_on() -> Result<()> {
    let world = locked("revoked").await?;
    let mut server = world.start().await?;
    let mut operator = server.client();
    let wish = json!({"name": "app", "scopes": ["submit", "read"]});
    let (kept_id, kept) = make(&mut operator, &wish).await?;
    let (gone_id, gone) = make(&mut operator, &wish).await?;
    server.kill9()?;

    let mut server = world.start().await?;
    let (mut app, mut late) = (with_key(&server, &kept), with_key(&server, &gone));
    let mut ids = vec![world.submit(&mut app, &world.origin.page(1, PAGE)).await?];
    ids.push(world.submit(&mut late, &world.origin.page(2, PAGE)).await?);
    let path = format!("/v1/keys/{gone_id}");
    assert_eq!(status(&mut server.client(), Method::DELETE, &path).await?, 204);
    // On the connection that it had open, and on any other.
    assert_eq!(submit(&world, &mut late, 3).await?, 401);
    assert_eq!(submit(&world, &mut with_key(&server, &gone), 3).await?, 401);
    server.kill9()?;

    let server = world.start().await?;
    assert_eq!(submit(&world, &mut with_key(&server, &gone), 3).await?, 401);
    let mut app = with_key(&server, &kept);
    assert_eq!(status(&mut app, Method::GET, &format!("/v1/jobs/{}", ids[0])).await?, 200);
    assert_eq!(status(&mut app, Method::GET, &format!("/v1/jobs/{}", ids[1])).await?, 404);
    let listed = server.client().get("/v1/keys").await?.json()?;
    let listed: Vec<_> = listed["keys"].as_array().into_iter().flatten().collect();
    ensure!(listed.len() == 1 && listed[0]["id"] == *kept_id, "{listed:?}");
    // What was accepted under a key is delivered, whatever became of the key.
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_s_rate_and_quota_are_told_and_kept() -> Result<()> {
    let world = locked("quota").await?;
    let server = world.start().await?;
    let mut operator = server.client();
    let wish = json!({"name": "slow", "scopes": ["submit", "read"], "rate": "3/min"});
    let (_, slow) = make(&mut operator, &wish).await?;
    let wish = json!({"name": "little", "scopes": ["submit", "read"], "quota": "2/d"});
    let (_, little) = make(&mut operator, &wish).await?;

    let mut n = 0;
    for (key, name, allowed) in [(&slow, "rate", 3), (&little, "quota", 2)] {
        let mut client = with_key(&server, key);
        for left in (0..allowed).rev() {
            n += 1;
            let url = world.origin.page(n, PAGE);
            let answer = client.post("/v1/jobs", json!({"url": url}).to_string()).await?;
            let id = accepted_id(&answer)?;
            world.ledger.accept(harness::Accepted { id, url, sent_us: 0, accepted_us: 0 });
            let limit = answer.header("ratelimit").unwrap_or_default();
            ensure!(limit.contains(&format!("\"{name}\";r={left}")), "{limit}");
        }
        // Asking costs nothing.
        assert_eq!(status(&mut client, Method::GET, "/v1/jobs").await?, 200);
        let job = json!({"url": world.origin.page(1_000, PAGE)}).to_string();
        let refused = client.post("/v1/jobs", job).await?;
        assert_eq!(refused.status, 429, "{}", refused.text());
        let policy = refused.header("ratelimit-policy").unwrap_or_default();
        let limit = refused.header("ratelimit").unwrap_or_default();
        ensure!(policy.contains(&format!("\"{name}\";q={allowed}")), "{policy}");
        ensure!(limit.contains(&format!("\"{name}\";r=0")), "{limit}");
        let seconds = refused.header("retry-after").and_then(|after| after.parse::<u64>().ok());
        ensure!(seconds.is_some_and(|seconds| seconds > 0), "{refused:?}");
        assert_eq!(refused.json()?["status"], 429);
    }
    // The operator's own key knows no limit, and what was refused was not done.
    world.settle(&server).await?;
    server.terminate()?;
    let mut server = server;
    ensure!(server.wait_exit(LIMIT).await?.success(), "{}", server.log_tail());

    let server = world.start().await?;
    let mut client = with_key(&server, &little);
    assert_eq!(submit(&world, &mut client, 1_000).await?, 429, "a restart gives no new quota");
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_made_on_loopback_lets_the_server_listen_everywhere() -> Result<()> {
    let world = World::new("everywhere").await?;
    let mut server = world.start().await?;
    let wish = json!({"name": "reader", "scopes": ["read"]});
    let locked_out = send(&mut server.client(), Method::POST, "/v1/keys", &wish).await?;
    assert_eq!(locked_out.status, 422, "nobody could make another: {}", locked_out.text());
    let wish = json!({"name": "admin", "scopes": ["admin"]});
    let (_, key) = make(&mut server.client(), &wish).await?;
    assert_eq!(status(&mut server.client(), Method::GET, "/v1/jobs").await?, 401);
    server.kill9()?;

    let mut config = world.config.clone();
    config.addr.set_ip(Ipv4Addr::UNSPECIFIED.into());
    config.api_key = Some(key);
    let server = Server::start(&config).await?;
    let mut nobody = Connection::new(world.config.addr).with_timeout(Duration::from_secs(5));
    assert_eq!(nobody.get("/v1/jobs").await?.status, 401);
    world.settle(&server).await?;
    Ok(())
}
