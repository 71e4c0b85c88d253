// SPDX-License-Identifier: Apache-2.0
// foreign_client.js PROTOS SERVER JWKS_URL SUBJECT: what a client in JavaScript sees that has the .proto files and nothing
// else.  Reads a SubmitVerificationRequest from standard input, submits it, checks, issues a claim, verifies the claim
// with the keys over HTTP, and is refused once.  Prints what it saw as one line of JSON.
"use strict";

const fs = require("node:fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const jose = require("jose");

const [protos, server, jwksUrl, subject] = process.argv.slice(2);
const files = ["verification", "entitlement", "claim", "admin"].map((name) => `passgate/v1/${name}.proto`);
const { passgate } = grpc.loadPackageDefinition(
  loader.loadSync(files, { includeDirs: [protos], longs: String, enums: String, bytes: String, oneofs: true }));
const credentials = grpc.credentials.createInsecure();

function call(service, method, request) {
  const client = new passgate.v1[service](server, credentials);
  return new Promise((resolve, reject) => {
    client[method](request, { deadline: Date.now() + 20000 }, (error, answer) => {
      client.close();
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

function stream(questions) {
  const client = new passgate.v1.EntitlementService(server, credentials);
  return new Promise((resolve, reject) => {
    const answers = [];
    const both = client.StreamCheckEntitlements({ deadline: Date.now() + 20000 });
    both.on("data", (answer) => answers.push(answer));
    both.on("error", reject);
    both.on("end", () => { client.close(); resolve(answers); });
    for (const question of questions) both.write(question);
    both.end();
  });
}

async function main() {
  const submission = JSON.parse(fs.readFileSync(0, "utf8"));
  const question = { subject, resource: { type: "model", id: "fable-5" }, action: "use", context: { location: "USA" } };
  const before = await call("EntitlementService", "CheckEntitlement", question);
  const submitted = await call("VerificationService", "SubmitVerification", submission);
  const after = await call("EntitlementService", "CheckEntitlement", { ...question, minRevision: submitted.revision });
  const streamed = await stream([{ id: "7", check: question }, { id: "8", check: question }]);
  const issued = await call("ClaimService", "IssueClaim", { subject, audience: "https://shop.example" });
  const verified = await jose.jwtVerify(issued.token, jose.createRemoteJWKSet(new URL(jwksUrl)),
    { audience: "https://shop.example", typ: "passgate-claim+jwt", algorithms: ["ES256"] });
  const refusal = await call("EntitlementService", "CheckEntitlement", { ...question, subject: "not a subject" })
    .then(() => null, (error) => error);
  console.log(JSON.stringify({
    before: [before.decision, before.reason],
    after: [after.decision, after.reason],
    streamed: streamed.map((answer) => [answer.id, answer.decision.decision]).sort(),
    jti: issued.jti,
    verified: verified.payload.jti,
    issuer: verified.payload.iss,
    refusal: refusal && [refusal.code, refusal.details],
    details: refusal && refusal.metadata.get("grpc-status-details-bin").length,
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
