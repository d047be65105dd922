use std::net::TcpListener;
use std::time::Duration;

use forward::Secret;
use http::StatusCode;
use tokio::time::{sleep, timeout};

use super::world::typed;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// POSTs an event once somebody listens.
async fn post(at: &str, secret: &Secret, body: &'static str) -> StatusCode {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(crate::http::tls(&[]).unwrap())
        .build()
        .unwrap();
    let now_s = jiff::Timestamp::now().as_second();
    let signature = forward::sign(secret, "id-1", now_s, body.as_bytes());
    let posting = async {
        loop {
            let request = client
                .post(format!("http://{at}/hook"))
                .header(forward::WEBHOOK_ID, "id-1")
                .header(forward::WEBHOOK_TIMESTAMP, now_s)
                .header(forward::WEBHOOK_SIGNATURE, &signature)
                .body(body);
            match request.send().await {
                Ok(answer) => return answer.status(),
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    timeout(PATIENCE, posting).await.unwrap()
}

const EVENT: &str = r#"{"type":"job.failed","data":{"id":"7","url":"https://a.example/",
    "error":{"code":"timeout"}}}"#;

#[tokio::test]
async fn deliveries_are_printed_verified_and_answered_and_every_second_fails() {
    let (at, secret) = (free_port(), Secret::generate());
    let shown = secret.reveal();
    let args = ["listen", &at, "--secret", &shown, "--count", "2", "--fail-every", "2"];
    let deliveries = async {
        let first = post(&at, &secret, EVENT).await;
        let second = post(&at, &Secret::generate(), EVENT).await;
        [first, second]
    };
    let (said, answers) =
        timeout(PATIENCE, async { tokio::join!(typed(&args), deliveries) }).await.unwrap();
    assert_eq!(answers, [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]);
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<_> = said.out.lines().collect();
    assert!(
        lines[0].contains("job.failed") && lines[0].contains("7  https://a.example/  timeout"),
        "{lines:?}"
    );
    assert!(lines[0].ends_with("verified  200"), "{lines:?}");
    assert!(lines[1].contains("NOT VERIFIED (no signature matches"), "{lines:?}");
    assert!(lines[1].ends_with("503"), "{lines:?}");
    assert!(said.err.contains("pagewire --forward-to"), "{said:?}");
}

#[tokio::test]
async fn with_json_a_delivery_is_one_object() {
    let (at, secret) = (free_port(), Secret::generate());
    let args = ["listen", &at, "--unverified", "--count", "1", "--status", "418", "--json"];
    let (said, answer) =
        timeout(PATIENCE, async { tokio::join!(typed(&args), post(&at, &secret, EVENT)) })
            .await
            .unwrap();
    assert_eq!(answer, StatusCode::IM_A_TEAPOT);
    let seen = &said.objects()[0];
    assert_eq!((&seen["id"], &seen["path"]), (&"id-1".into(), &"/hook".into()));
    assert_eq!((&seen["answered"], &seen["verified"]), (&418.into(), &serde_json::Value::Null));
    assert_eq!(seen["body"]["data"]["error"]["code"], "timeout");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let said = typed(&["listen", &at]).await;
    assert!(said.code == 1 && said.err.contains(&at), "{said:?}");
}
