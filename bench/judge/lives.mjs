// npm run bench:judge-lives: the lives, on the host's programs as they are now.
import { hostPrograms, runBundled } from "../bundled.mjs";

await runBundled("lives", { programs: { ...hostPrograms, lives: "bench/judge/lives.ts" } });
