// Releases a version with Bellwether: submit, follow with a resume token, approve, and abort on request.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const FINAL = {
  STATE_COMPLETED: 0,
  STATE_ROLLED_BACK: 30,
  STATE_REJECTED: 31,
  STATE_CANCELLED: 31,
  STATE_EXPIRED: 31,
  STATE_SUPERSEDED: 31,
  STATE_FAILED: 33,
};

const { values: args } = parseArgs({
  options: {
    server: { type: "string", default: "127.0.0.1:7420" },
    application: { type: "string" },
    version: { type: "string" },
    artifact: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
    abort: { type: "boolean", default: false },
  },
});

function contracts() {
  const root = join(dirname(fileURLToPath(import.meta.url)), "../../../proto");
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith(".proto"))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
  const options = { includeDirs: [root], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
  return grpc.loadPackageDefinition(loader.loadSync(files, options)).bellwether;
}

function connect() {
  const { ReleasePlannerService } = contracts().planner.v1;
  return new ReleasePlannerService(args.server, grpc.credentials.createInsecure());
}

function metadata() {
  const metadata = new grpc.Metadata();
  if (process.env.BELLWETHER_TOKEN) metadata.set("authorization", `Bearer ${process.env.BELLWETHER_TOKEN}`);
  return metadata;
}

function call(client, method, request) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    client[method](request, metadata(), { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

// Yields the release at each change. After a break it goes on from the last token: nothing is missed, nothing comes twice.
async function* follow(client, name, breakAfter, seen) {
  let token = "";
  let last = 0n;
  for (;;) {
    seen.connections += 1;
    const stream = client.WatchReleases({ filter: `name = "${name}"`, resume_token: token }, metadata());
    try {
      let count = 0;
      for await (const message of stream) {
        count += 1;
        if (message.message === "snapshot") {
          yield message.snapshot;
        } else if (message.message === "changed") {
          const { change, release } = message.changed;
          if (BigInt(change.sequence) <= last) throw new Error(`the stream repeated sequence ${change.sequence}`);
          last = BigInt(change.sequence);
          token = change.resume_token;
          console.log(`  ${change.sequence.padStart(6)} ${change.fact}`);
          yield release;
        } else if (message.message === "current" || message.message === "heartbeat") {
          token = message[message.message].resume_token;
        }
        if (seen.connections === 1 && count >= breakAfter && token) {
          console.log("  -- connection dropped on purpose; resuming");
          break;
        }
      }
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE && error.code !== grpc.status.CANCELLED) throw error;
    } finally {
      stream.cancel();
    }
  }
}

function artifact(path) {
  const file = realpathSync(path);
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { name: basename(file), digest, path: file };
}

function waitsForApproval(release) {
  const waits = (c) => c.kind === "KIND_APPROVAL" && c.state === "STATE_UNMET";
  return release.environments.find((environment) => environment.conditions.some(waits))?.environment;
}

async function main() {
  if (!args.application || !args.version) throw new Error("--application and --version are required");
  const client = connect();
  const request = {
    request_id: randomUUID(),
    application: args.application,
    bundle: {
      version: args.version,
      configuration: Object.fromEntries(args.set.map((pair) => pair.split(/=(.*)/s, 2))),
      ...(args.artifact ? { artifact: artifact(args.artifact) } : {}),
    },
  };
  const { release: submitted } = await call(client, "SubmitRelease", request);
  const { release: again } = await call(client, "SubmitRelease", request);
  if (again.name !== submitted.name) throw new Error("the same request_id made two releases");
  console.log(`${submitted.display_name} is ${submitted.name}`);

  const seen = { connections: 0 };
  const approved = new Set();
  let aborted = false;
  for await (const release of follow(client, submitted.name, 3, seen)) {
    const environment = waitsForApproval(release);
    if (environment && !approved.has(environment)) {
      const reason = "approved by the Node example";
      await call(client, "ApproveRelease", { name: release.name, environment, reason, etag: release.metadata.etag });
      approved.add(environment);
    }
    const started = release.environments.some((e) => e.rollout);
    if (args.abort && !aborted && started && release.state === "STATE_ROLLING_OUT") {
      await call(client, "AbortRelease", { name: release.name, reason: "aborted by the Node example" });
      aborted = true;
    }
    if (release.state in FINAL) {
      console.log(`${release.display_name}: ${release.state} (${release.reason?.code}: ${release.reason?.text})`);
      console.log(`followed over ${seen.connections} connections without a gap`);
      client.close();
      return FINAL[release.state];
    }
  }
  return 1;
}

// details of an error: one ErrorInfo and every violation are in `grpc-status-details-bin` (google.rpc.Status)
main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error.details ?? error.message);
    const details = error.metadata?.get("grpc-status-details-bin")?.[0];
    if (details) console.error(details.toString("latin1").replace(/[^\x20-\x7e]+/g, " "));
    process.exit(1);
  },
);
