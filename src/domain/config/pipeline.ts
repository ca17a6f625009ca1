// The pipeline: what tasks of the workspace are, over what turbo.json, nx.json or package.json say of them.
import { z } from "zod";
import { Duration, EnvName, key, Memory, Name } from "./values.ts";

const text = z.string().min(1);
const list = z.array(text);

/** Goes into commands and paths as it is: nothing that a shell takes apart, no way upwards. */
const Value = z.string().regex(/^(?!\/|.*\.\.)[\w.@+:/-]+$/, "it may hold letters, digits and . _ @ + : / -");

const PipelineTask = z.strictObject({
  command: key(z.exactOptional(text), "Shell text; the script of the same name unless given.", "tsc --noEmit"),
  dependsOn: key(
    z.exactOptional(list),
    "Tasks that come first: `build` of the same project, `^build` of those it depends on, `api#build` of another.",
    ["^build"],
  ),
  inputs: key(
    z.exactOptional(list),
    "Globs of the files it reads, from its project; all of its project unless given.",
    ["**", "../../tools/version.txt"],
  ),
  outputs: key(z.exactOptional(list), "Globs of the files it makes, from its project.", ["dist/**"]),
  env: key(z.exactOptional(list), "Variables that it sees and that are part of its key; * is allowed.", ["API_URL"]),
  passThroughEnv: key(z.exactOptional(list), "Variables that it sees and that are not.", ["NPM_TOKEN"]),
  cache: key(z.exactOptional(z.boolean()), "Whether its result is kept.", false),
  persistent: key(z.exactOptional(z.boolean()), "It does not end by itself: a server, a watcher.", true),
  matrix: key(
    z.exactOptional(z.record(EnvName, z.array(Value).min(1))),
    "Run once for each combination; the values are variables of the task and stand for {NAME} in command and outputs.",
    { TZ: ["UTC", "Asia/Tokyo"] },
  ),
  services: key(z.exactOptional(z.array(Name)), "What runs beside it: postgres, redis, or one of `services`.", [
    "postgres",
  ]),
  timeout: key(z.exactOptional(Duration), "It is ended when it takes longer.", "10m"),
  retries: key(
    z.exactOptional(z.int().min(0).max(10)),
    "Tries more when it fails; one that then succeeds is flaky.",
    2,
  ),
  memory: key(z.exactOptional(Memory), "What it needs: tasks start only while their sum fits the machine.", "2GiB"),
});

const PipelineService = z.strictObject({
  command: key(text, "Shell text of a server that stays; PORT is a free port.", "redis-server --port $PORT"),
  ready: key(
    z.exactOptional(text),
    "A command that succeeds once it is ready; unless given, a connection to PORT.",
    "redis-cli -p $PORT ping",
  ),
  env: key(
    z.record(EnvName, z.string()).prefault({}),
    "Variables for the tasks that use it; {PORT} stands for its port.",
    { REDIS_URL: "redis://127.0.0.1:{PORT}" },
  ),
});

const S3 = z.strictObject({
  bucket: key(text, "Name of the bucket.", "acme-build-cache"),
  region: key(z.exactOptional(text), "Its region; $AWS_REGION unless given.", "eu-central-1"),
  endpoint: key(z.exactOptional(z.url()), "Of storage other than AWS's own.", "https://minio.acme.example"),
  prefix: key(z.exactOptional(z.string()), "What its objects' names begin with.", "shop"),
});

const Cache = z.strictObject({
  sizeMax: key(
    z.exactOptional(Memory),
    "What the results on one machine may take together; 10 GiB unless given.",
    "20GiB",
  ),
  ageMax: key(z.exactOptional(Duration), "Results not used for so long go; 14 days unless given.", "30d"),
  salt: key(
    z.exactOptional(text),
    "Mixed into every key: with another one, nothing that was kept is used again.",
    "2026-11",
  ),
  s3: key(
    z.exactOptional(S3),
    "An S3-compatible bucket in which results are shared; its credentials are the usual AWS_ variables.",
    { bucket: "acme-build-cache", region: "eu-central-1" },
  ),
});

export const Pipeline = z.strictObject({
  tasks: key(z.record(text, PipelineTask).prefault({}), "By task, or by `project#task` for one project.", {
    test: { services: ["postgres"], retries: 1, timeout: "10m" },
  }),
  services: key(z.record(Name, PipelineService).prefault({}), "Servers of your own that tasks may need.", {
    redis: { command: "redis-server --port $PORT", env: { REDIS_URL: "redis://127.0.0.1:{PORT}" } },
  }),
  cache: key(z.exactOptional(Cache), "How results are kept and shared.", { sizeMax: "20GiB" }),
  sandbox: key(
    z.exactOptional(z.enum(["report", "strict"])),
    "Watch what tasks read and write beside what they declare (Linux, strace): report it, or fail the task. As `--sandbox`.",
    "report",
  ),
});

export type PipelineConfig = z.output<typeof Pipeline>;
