// npm run bench:many: the bench and its worker, as they are now.
import { runBundled } from "../bundled.mjs";

await runBundled("many", { programs: { many: "bench/engine/many.ts", "many-worker": "bench/engine/many-worker.ts" } });
