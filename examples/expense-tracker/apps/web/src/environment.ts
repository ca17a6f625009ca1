// What differs between environments reaches the page when it runs, in /env.json beside it, never when it is built: the
// same files are served everywhere. Without that document (vite dev) the defaults hold.
import * as z from "zod/mini";

const Environment = z.object({
  API_URL: z._default(z.string(), "/api"),
  ENVIRONMENT: z._default(z.string(), "local"),
  VERSION: z._default(z.string(), "dev"),
});
export type Environment = z.output<typeof Environment>;

export async function readEnvironment(): Promise<Environment> {
  try {
    const answer = await fetch("/env.json", { cache: "no-store" });
    return z.parse(Environment, await answer.json());
  } catch {
    return z.parse(Environment, {});
  }
}
