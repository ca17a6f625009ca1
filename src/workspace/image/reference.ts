// "ghcr.io/shop/api:1.4@sha256:…" in its parts. The registry is always named: nothing is guessed about where an image is from.
import { Problem } from "../../domain/problem.ts";

export interface ImageReference {
  /** "ghcr.io", "127.0.0.1:5000" */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** "sha256:…": what it is for good; the tag is then only a name. */
  readonly digest?: string;
}

const form =
  /^([\w.-]+(?::\d+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

export function parseReference(text: string): ImageReference {
  const [, registry = "", repository = "", tag = "latest", digest] = form.exec(text) ?? [];
  const isHost = /[.:]/.test(registry) || registry === "localhost";
  if (repository === "" || !isHost) {
    throw new Problem(`"${text}" does not name an image with its registry`, 'Write it as "ghcr.io/shop/api:1.4"');
  }
  return { registry, repository, tag, ...(digest === undefined ? {} : { digest }) };
}

/** By digest: the same bytes wherever and whenever it is fetched. */
export function pinned({ registry, repository }: ImageReference, digest: string): string {
  return `${registry}/${repository}@${digest}`;
}
