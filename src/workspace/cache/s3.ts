// A bucket of any S3-compatible storage as the place of shared results: `PREFIX/trusted/KEY` and `PREFIX/untrusted/NAME/KEY`.
// Who may write where is for the bucket's policy to say; what lies under `trusted/` is believed because of it.
import { AwsClient } from "aws4fetch";
import type { Environment } from "../tasks/environment.ts";
import { type Place, Refused, readAtMost } from "./place.ts";

export type S3Settings = Readonly<{
  bucket: string;
  region?: string | undefined;
  /** Of storage other than AWS's own: the bucket then stands in the path. */
  endpoint?: string | undefined;
  prefix?: string | undefined;
}>;

/** Undefined without credentials in the usual variables. */
export function s3Place(settings: S3Settings, env: Environment): Place | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  const region = settings.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  const sessionToken = env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {};
  const client = new AwsClient({ accessKeyId, secretAccessKey, ...sessionToken, service: "s3", region, retries: 0 });
  const base = baseOf(settings, region, env);
  return {
    name: `s3://${settings.bucket}`,
    isScoped: true,
    get: async (key, { signal, shelves }) => {
      for (const shelf of shelves) {
        const answer = await client.fetch(`${base}/${shelf}/${key}`, { signal });
        if (answer.ok) return { body: await readAtMost(answer), shelf };
        if (answer.status !== 404) throw await refusal(answer, " (reading needs s3:GetObject and s3:ListBucket)");
        await answer.body?.cancel();
      }
      return undefined;
    },
    put: async (key, { body, durationMs, shelf }, { signal }) => {
      const headers = {
        "content-type": "application/octet-stream",
        "x-amz-meta-duration": String(Math.round(durationMs)),
      };
      const bytes = new Uint8Array(body);
      const answer = await client.fetch(`${base}/${shelf}/${key}`, { method: "PUT", headers, body: bytes, signal });
      if (!answer.ok) throw await refusal(answer);
      await answer.body?.cancel();
    },
  };
}

function baseOf({ bucket, endpoint, prefix }: S3Settings, region: string, env: Environment): string {
  const named = endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const host = named ? `${named.replace(/\/+$/, "")}/${bucket}` : `https://${bucket}.s3.${region}.amazonaws.com`;
  return [host, ...(prefix ?? "").split("/").filter(Boolean).map(encodeURIComponent)].join("/");
}

/** S3 says what is wrong in an XML element. Without the right to list, it denies access to what is not there. */
async function refusal(answer: Response, hint = ""): Promise<Refused> {
  const text = (await answer.text().catch(() => "")).slice(0, 4096);
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
  return new Refused(answer.status, code === undefined ? "" : ` ${code}${code === "AccessDenied" ? hint : ""}`);
}
