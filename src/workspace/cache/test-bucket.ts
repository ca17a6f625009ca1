// A bucket for tests: PUT and GET of objects over real HTTP, with what matters of S3: signatures (AWS Signature Version 4,
// computed here from the specification, not by the client's library) and a policy of who may write where.
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Bucket = Readonly<{
  endpoint: string;
  objects: Map<string, Readonly<{ body: Buffer; headers: Readonly<Record<string, string>> }>>;
  close: () => Promise<void>;
}>;

export type User = Readonly<{ secret: string; mayWrite: (path: string) => boolean }>;

export async function openBucket(users: Readonly<Record<string, User>>): Promise<Bucket> {
  const objects: Bucket["objects"] = new Map();
  const server = createServer((request, response) => void answer(request, response));
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = new URL(request.url ?? "", "http://x").pathname;
    const refuse = (code: string) => response.writeHead(403).end(`<Error><Code>${code}</Code></Error>`);
    const user = users[signerOf(request)];
    if (!user || signatureOf(request, path, user.secret) !== given(request, "Signature")) {
      refuse("SignatureDoesNotMatch");
      return;
    }
    if (request.method === "PUT") {
      if (!user.mayWrite(path)) return void refuse("AccessDenied");
      const meta = Object.entries(request.headers).filter(([name]) => name.startsWith("x-amz-meta-"));
      objects.set(path, { body, headers: Object.fromEntries(meta.map(([name, value]) => [name, String(value)])) });
      response.end();
      return;
    }
    const found = objects.get(path);
    response
      .writeHead(found ? 200 : 404, found?.headers ?? {})
      .end(found?.body ?? "<Error><Code>NoSuchKey</Code></Error>");
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

function given(request: IncomingMessage, name: string): string {
  return new RegExp(`${name}=([^,\\s]+)`).exec(request.headers.authorization ?? "")?.[1] ?? "";
}

function signerOf(request: IncomingMessage): string {
  return given(request, "Credential").split("/", 1)[0] ?? "";
}

/** "Create a signed AWS API request", steps 1 to 4. */
function signatureOf(request: IncomingMessage, path: string, secret: string): string {
  const names = given(request, "SignedHeaders");
  const headers = names.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const payload = String(request.headers["x-amz-content-sha256"]);
  const canonical = [request.method, path, "", headers.join(""), names, payload].join("\n");
  const scope = given(request, "Credential").split("/").slice(1);
  const hashed = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope.join("/"), hashed].join("\n");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  return hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`), text).toString("hex");
}
