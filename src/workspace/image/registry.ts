// Fetches manifests and blobs from a registry by the OCI distribution API. Signs in as the registry asks, with what
// `docker login` kept on this machine, if anything.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Problem, Temporary } from "../../domain/problem.ts";
import type { ImageReference } from "./reference.ts";

export interface Registry {
  /** The manifest under a tag or a digest, as it was sent. */
  manifest(name: string): Promise<Buffer>;
  blob(digest: string): Promise<AsyncIterable<Uint8Array>>;
}

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Names that people write, and where they are answered. */
const apiHosts: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };

export function registryOf(image: ImageReference): Registry {
  const { registry, repository } = image;
  const base = `${schemeOf(registry)}://${apiHosts[registry] ?? registry}/v2/${repository}`;
  let signedIn: string | undefined;

  async function get(path: string, accept: string): Promise<Response> {
    const ask = () =>
      request(`${base}/${path}`, { accept, ...(signedIn === undefined ? {} : { authorization: signedIn }) });
    const answer = await ask();
    if (answer.status !== 401 || signedIn !== undefined) return mustBeWell(answer, image);
    signedIn = await signIn(answer.headers.get("www-authenticate") ?? "", registry);
    return mustBeWell(await ask(), image);
  }

  return {
    manifest: async (name) => Buffer.from(await (await get(`manifests/${name}`, manifestTypes)).arrayBuffer()),
    blob: async (digest) => {
      const { body } = await get(`blobs/${digest}`, "*/*");
      if (body === null) throw new Temporary(`${registry} sent no body for ${digest}`);
      return body;
    },
  };
}

/** Only a registry on this very machine is asked in the clear. */
function schemeOf(registry: string): "http" | "https" {
  return /^(localhost|127\.[\d.]+)(:\d+)?$/.test(registry) ? "http" : "https";
}

async function request(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return await fetch(url, { headers }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Temporary(`${new URL(url).host} does not answer: ${cause instanceof Error ? cause.message : cause}`);
  });
}

function mustBeWell(answer: Response, { registry, repository }: ImageReference): Response {
  if (answer.ok) return answer;
  const { status } = answer;
  if (status === 429 || status >= 500) throw new Temporary(`${registry} answered ${status}`);
  const isClosed = status === 401 || status === 403;
  throw new Problem(
    `${registry} answered ${status} for ${repository}`,
    isClosed
      ? `Run \`docker login ${registry}\` as the user who fetches it, or write its config.json`
      : "Mend its name",
  );
}

/** What to send as Authorization: RFC 6750 by way of a token service, or the password itself. */
async function signIn(challenge: string, registry: string): Promise<string> {
  const basic = await passwordFor(registry);
  const password = basic === undefined ? {} : { authorization: `Basic ${basic}` };
  if (!/^bearer /i.test(challenge)) return password.authorization ?? "";
  const { realm = "", ...rest } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  const answer = await request(`${realm}?${new URLSearchParams(rest)}`, password);
  const body: { token?: string; access_token?: string } = answer.ok ? JSON.parse(await answer.text()) : {};
  return `Bearer ${body.token ?? body.access_token ?? ""}`;
}

/** As `docker login` keeps it where no keychain does. */
async function passwordFor(registry: string): Promise<string | undefined> {
  const folder = process.env.DOCKER_CONFIG ?? join(homedir(), ".docker");
  const text = await readFile(join(folder, "config.json"), "utf8").catch(() => "{}");
  const { auths = {} }: { auths?: Record<string, { auth?: string }> } = JSON.parse(text);
  return (auths[registry] ?? auths[`https://${registry}`])?.auth;
}
