// npm run soak, npm run kill-matrix, npm run bench:host: the bench of that name, on Sluice's programs as they are now.
import { hostPrograms, runBundled } from "../bundled.mjs";

const [name = "soak", ...args] = process.argv.slice(2);
await runBundled(name, {
  programs: {
    ...hostPrograms,
    [name]: `bench/host/${name}.ts`,
    service: "bench/host/service.ts",
    control: "src/compose/main.ts",
  },
  args,
});
