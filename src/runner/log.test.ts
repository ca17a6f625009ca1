import { expect, test } from "vitest";
import { buildLog } from "./log.ts";

/** A control plane that keeps what arrives. */
function kept() {
  let all = Buffer.alloc(0);
  const log = async (at: number, bytes: Uint8Array) => {
    if (at === all.length) all = Buffer.concat([all, bytes]);
    return all.length;
  };
  return { log, text: () => all.toString() };
}

async function printed(chunks: readonly Buffer[], secrets: readonly string[] = []): Promise<string> {
  const server = kept();
  const log = buildLog(server, secrets);
  const out = log.stream();
  for (const chunk of chunks) out.write(chunk);
  out.end();
  log.say("over");
  expect(await log.close(30_000)).toBe(true);
  return server.text();
}

test("a character and a secret that come in two chunks are whole, and two streams do not break each other's lines", async () => {
  const bytes = Buffer.from("grüße, correct horse\n");
  const halves = Array.from(bytes, (byte) => Buffer.from([byte]));
  expect(await printed(halves, ["correct horse"])).toBe("grüße, ***\nover\n");
  const server = kept();
  const log = buildLog(server, []);
  const [out, err] = [log.stream(), log.stream()];
  out.write(Buffer.from("one "));
  err.write(Buffer.from("warned\n"));
  out.write(Buffer.from("line\n"));
  await log.close(30_000);
  expect(server.text()).toBe("warned\none line\n");
});

test("a secret is hidden as tools write it: in URLs, in JSON, in base64 at any place, over lines", async () => {
  const secret = 'p?ss "w\\rd/>>>';
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const lines = [
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    ...["", "a", "ab", "ana:"].map((before) => base64(`${before}${secret} and more`)),
    Buffer.from(`x:${secret}`).toString("base64url"),
    "MIIBabcdef alone",
  ];
  const text = await printed([Buffer.from(`${lines.join("\n")}\n`)], [secret, "-----BEGIN KEY-----\nMIIBabcdef"]);
  expect(text.split("\n")).toEqual([
    "***",
    '{"secret":"***"}',
    ...["", "a", "ab", "ana:"].map(() => expect.stringMatching(/^.{0,6}\*\*\*.{10,20}$/)),
    expect.stringMatching(/^.{0,3}\*\*\*.{0,2}$/),
    "*** alone",
    "over",
    "",
  ]);
});

test("of a line without end no secret is cut in two", async () => {
  const secret = "correct horse battery";
  const text = await printed(
    Array.from({ length: 40 }, () => Buffer.from(secret.repeat(999))),
    [secret],
  );
  expect(text.replaceAll("***", "")).toBe("\nover\n");
});

test("of a huge log the beginning and the end are kept, with what is left out between them", async () => {
  const line = (n: number) => `${String(n).padStart(9, "0")} ${"é".repeat(45)}\n`;
  const chunks = Array.from({ length: 3000 }, (_, i) =>
    Buffer.from(Array.from({ length: 100 }, (_, j) => line(i * 100 + j)).join("")),
  );
  const text = await printed(chunks);
  expect(Buffer.byteLength(text)).toBeLessThan(16 * 2 ** 20);
  expect(text).toContain(line(0));
  expect(text).toMatch(/\n… \d+ MB are left out here …\n/);
  expect(text.endsWith(`${line(299_999)}over\n`)).toBe(true);
  expect(text).not.toContain("\ufffd");
});

test("what the control plane did not take is sent again, from the place that it has", async () => {
  const server = kept();
  let calls = 0;
  const log = buildLog(
    {
      log: async (at, bytes) => {
        calls += 1;
        if (calls === 1) throw new Error("it is away");
        if (calls === 2) return await server.log(at, bytes.subarray(0, 4));
        return await server.log(at, bytes);
      },
    },
    [],
  );
  log.say("one");
  log.say("two");
  await log.close(30_000);
  expect(server.text()).toBe("one\ntwo\n");
});
