//! What the README promises.

use anyhow::Result;
use harness::Method;
use harness::{Sink, SinkConfig, page};

use crate::world::{LIMIT, PAGE, SECRET, World, accepted_id, wait_for_status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_arrives_as_a_signed_webhook() -> Result<()> {
    let world = World::new("happy").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.page(1, PAGE);
    let body = format!(
        "{{\"url\":\"{url}\",\"formats\":[\"raw\",\"text\",\"markdown\"],\"metadata\":{{\"mine\":[1,null]}}}}"
    );
    let answer = client.post("/v1/jobs", body).await?;
    let id = accepted_id(&answer)?;
    let accepted = answer.json()?;
    assert_eq!(accepted["status"], "queued");
    assert_eq!(accepted["url"], url.as_str());
    assert_eq!(answer.header("location"), accepted["status_url"].as_str());

    let event = world.sink.wait_for(&id, LIMIT).await?;
    assert_eq!((event.kind.as_str(), event.fault), ("job.succeeded", None));
    assert_eq!(event.metadata.as_deref(), Some(r#"{"mine":[1,null]}"#));
    assert_eq!(world.sink.report().strays, Vec::<String>::new(), "signed with the given secret");

    wait_for_status(&mut client, &id, "delivered").await?;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await?;
    assert_eq!(page::hash(&result.body), event.body_hash, "the result is what was delivered");
    let data = &result.json()?["data"];
    assert_eq!(data["title"], "Page 1");
    assert_eq!((&data["status"], &data["truncated"]), (&200.into(), &false.into()));
    assert_eq!(data["bytes"], PAGE);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_type_first_works() -> Result<()> {
    let world = World::new("curl").await?;
    let server = world.start().await?;
    let url = world.origin.page(1, PAGE);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("{{\"url\": \"{url}\"}}");
    let answer = server.client().request(Method::POST, "/", &form, body.into()).await?;
    let event = world.sink.wait_for(&accepted_id(&answer)?, LIMIT).await?;
    assert_eq!((event.url, event.fault), (url, None));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_sink_results_are_kept_to_be_read() -> Result<()> {
    let world = World::without_forwarding("keep").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let id = world.submit(&mut client, &world.origin.page(1, PAGE)).await?;
    wait_for_status(&mut client, &id, "fetched").await?;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await?.json()?;
    let markdown = result["data"]["markdown"].as_str().unwrap_or_default();
    let [first, last] = page::markers(1, PAGE);
    assert!(markdown.contains(&first) && markdown.contains(&last), "{markdown}");
    assert_eq!(world.sink.posts(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_may_name_its_own_sink_within_policy() -> Result<()> {
    let world = World::new("own-sink").await?;
    let secret = Some(SECRET.to_owned());
    let other = Sink::start(SinkConfig { secret, ..SinkConfig::default() }).await?;
    let submission =
        format!("{{\"url\":\"{}\",\"sink\":\"{}\"}}", world.origin.page(1, PAGE), other.url());
    {
        let server = world.start().await?;
        let refused = server.client().post("/v1/jobs", submission.clone()).await?;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(refused.json()?["errors"][0]["pointer"], "/sink");
    }
    let allowed = world.flags(["--sink-allow", "127.0.0.0/8"]);
    let server = allowed.start().await?;
    let id = accepted_id(&server.client().post("/v1/jobs", submission).await?)?;
    assert_eq!(other.wait_for(&id, LIMIT).await?.fault, None);
    assert_eq!(allowed.sink.posts(), 0, "only the job's own sink hears of it");
    Ok(())
}
