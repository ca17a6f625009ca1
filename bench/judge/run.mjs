// npm run bench:judge: how often good releases are rolled back and how soon bad ones are found, beside Kayenta, Flagger and
// Argo Rollouts on the same simulated canaries. Options: --reps 100, --only name,name, --published, --page (its parameters),
// --check (our figures on the published families beside those that others measured with another simulator).
import { load } from "./load.mjs";

const { bench } = await load(new URL("./bench.ts", import.meta.url));
bench(process.argv.slice(2), (text) => process.stdout.write(text));
