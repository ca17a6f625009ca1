// npm run bench:router: the bench, its load and the router, as they are now.
import { runBundled } from "../bundled.mjs";

await runBundled("bench", {
  programs: { bench: "bench/router/bench.ts", load: "bench/router/load.ts", router: "src/host/router-main.ts" },
});
