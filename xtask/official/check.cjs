// Our signatures against the official library for JavaScript, in both directions; and those with
// ed25519, which it does not know, against node's own cryptography.
//
// `check.cjs SIGN PAGEWIRE`: the program that prints signed deliveries, and the one that verifies.
"use strict";

const { execFileSync, spawnSync } = require("node:child_process");
const { createPublicKey, generateKeyPairSync, sign, verify } = require("node:crypto");
const { createRequire } = require("node:module");

// It is installed where we are run, not where this file stands.
const { Webhook } = createRequire(`${process.cwd()}/`)("standardwebhooks");

const [SIGN, PAGEWIRE] = process.argv.slice(2);
// For a child process; all of them take milliseconds.
const PATIENCE_MS = 60_000;
const SECRETS = [
  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD4bKn5gqS5Nc=",
];
// What stands before the 32 bytes of an ed25519 public key (RFC 8410, section 4).
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const now = Math.floor(Date.now() / 1000);
let checks = 0;

function check(holds, what) {
  checks += 1;
  if (!holds) {
    console.error(`check.cjs: ${what}`);
    process.exit(1);
  }
}

function official(secret, body, headers) {
  try {
    new Webhook(secret).verify(body, headers, { jsonParse: false });
    return null;
  } catch (error) {
    return error.message;
  }
}

function signed(at) {
  const said = execFileSync(SIGN, [String(at)], { timeout: PATIENCE_MS, maxBuffer: 1 << 26 });
  return JSON.parse(said.toString());
}

function ours(secret, body, headers, ...flags) {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const done = spawnSync(PAGEWIRE, ["verify", ...flags], {
    input: Buffer.from(`POST /hook HTTP/1.1\r\n${head.join("")}\r\n${body}`),
    timeout: PATIENCE_MS,
    env: { PAGEWIRE_SECRET: secret },
  });
  return [done.status, `${done.stdout}${done.stderr}`];
}

// Whether one of the `v1a` signatures is right.
function ed25519(key, body, headers) {
  const raw = Buffer.from(key.replace(/^whpk_/, ""), "base64");
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI, raw]),
    format: "der",
    type: "spki",
  });
  const message = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  return headers["webhook-signature"]
    .split(" ")
    .filter((one) => one.startsWith("v1a,"))
    .some((one) => verify(null, message, publicKey, Buffer.from(one.slice(4), "base64")));
}

function theirsVerifiesOurs() {
  let [symmetric, asymmetric] = [0, 0];
  for (const { name, body, headers, secrets, public_keys: keys } of signed(now)) {
    for (const secret of secrets) {
      symmetric += 1;
      const error = official(secret, body, headers);
      check(error === null, `${name}: the library says: ${error}`);
      check(official(secret, `${body} `, headers), `${name}: a changed body passed`);
      const other = { ...headers, "webhook-id": "other" };
      check(official(secret, body, other), `${name}: a changed id passed`);
      check(official(SECRETS[0], body, headers), `${name}: another secret passed`);
    }
    for (const key of keys) {
      asymmetric += 1;
      check(ed25519(key, body, headers), `${name}: the v1a signature is wrong`);
      check(!ed25519(key, `${body} `, headers), `${name}: a changed body passed as v1a`);
    }
  }
  check(symmetric >= 20 && asymmetric >= 10, `only ${symmetric} and ${asymmetric} to check`);
  for (const { name, body, headers, secrets } of signed(now - 3600)) {
    for (const secret of secrets) {
      const error = official(secret, body, headers) ?? "";
      check(error.includes("too old"), `${name}: an old one: ${error}`);
    }
  }
}

function oursVerifiesTheirs() {
  const pair = generateKeyPairSync("ed25519");
  const raw = pair.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length);
  const publicKey = `whpk_${raw.toString("base64")}`;
  for (const body of ['{"a":1}', "", "Grüße 🦀\n", '{ "a" : 1 }\r\n', "x".repeat(100_000)]) {
    const by = {
      [SECRETS[0]]: new Webhook(SECRETS[0]).sign("msg_1", new Date(now * 1000), body),
      [SECRETS[1]]: new Webhook(SECRETS[1]).sign("msg_1", new Date(now * 1000), body),
      [publicKey]: `v1a,${sign(null, Buffer.from(`msg_1.${now}.${body}`), pair.privateKey).toString("base64")}`,
    };
    for (const [verifier, signature] of Object.entries(by)) {
      const headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": now,
        "Webhook-Signature": `v9,AAAA ${signature}`,
      };
      let [status, said] = ours(verifier, body, headers);
      check(status === 0 && said.includes("verified"), `\`pagewire verify\` says: ${said}`);
      [status, said] = ours(verifier, `${body}!`, headers);
      check(status === 1 && said.includes("no signature matches"), `a changed body: ${said}`);
      const other = Object.keys(by).find((one) => one !== verifier && one.startsWith("whsec_"));
      [status, said] = ours(other, body, headers);
      check(status === 1 && /no signature matches|no `v1,`/.test(said), `another secret: ${said}`);
      [status, said] = ours(verifier, body, headers, "--now", String(now + 301));
      check(status === 1 && said.includes("301 s old"), `an old one: ${said}`);
    }
  }
}

theirsVerifiesOurs();
oursVerifiesTheirs();
console.log(`JavaScript: ${checks} checks with the official library and node's ed25519`);
