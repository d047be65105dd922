//! Prints signed deliveries as JSON, for receivers in other languages to be tried with:
//! `cargo run -p forward --example sign -- SECONDS`, where the argument is the Unix time to sign
//! for.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::env;
use std::error::Error;

use forward::{Secret, sign_all};
use serde_json::{Value, json};

/// Bodies that have gone wrong somewhere.
const BODIES: [(&str, &str); 6] = [
    ("json", r#"{"type":"job.succeeded","data":{"id":"1"}}"#),
    ("empty", ""),
    ("unicode", "{\"text\":\"Grüße, 世界 🦀 \u{202e}\u{0}\"}"),
    ("white space", "  {\r\n\t\"a\" :1.0 }\n"),
    ("lines", "{\"a\":1}\n{\"b\":2}\n"),
    ("no json", "a.b.c"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let now_s: i64 = env::args().nth(1).ok_or("the Unix time is missing")?.parse()?;
    let mut cases = Vec::new();
    for (name, body) in BODIES {
        let (old, new) = (Secret::generate(), Secret::generate());
        let pair = Secret::generate_asymmetric();
        cases.push(case(&format!("{name}, one secret"), &[&new], now_s, body));
        cases.push(case(&format!("{name}, rotation"), &[&new, &old], now_s, body));
        cases.push(case(&format!("{name}, asymmetric"), &[&pair], now_s, body));
        cases.push(case(&format!("{name}, all of them"), &[&pair, &new, &old], now_s, body));
    }
    let long = "0123456789".repeat(60_000);
    cases.push(case("long", &[&Secret::generate(), &Secret::generate_asymmetric()], now_s, &long));
    println!("{}", Value::from(cases));
    Ok(())
}

/// One delivery, and what verifies it.
fn case(name: &str, secrets: &[&Secret], now_s: i64, body: &str) -> Value {
    let secrets: Vec<Secret> = secrets.iter().map(|secret| (*secret).clone()).collect();
    let id = "01a1f2c5-2a00-7000-8000-000000000000";
    let signature = sign_all(&secrets, id, now_s, body.as_bytes());
    let symmetric = secrets.iter().filter(|secret| secret.public_key().is_none());
    let publics = secrets.iter().filter_map(Secret::public_key);
    json!({
        "name": name,
        "secrets": symmetric.map(Secret::reveal).collect::<Vec<_>>(),
        "public_keys": publics.map(|key| key.to_string()).collect::<Vec<_>>(),
        "headers": {
            "webhook-id": id,
            "webhook-timestamp": now_s.to_string(),
            "webhook-signature": signature,
        },
        "body": body,
    })
}
