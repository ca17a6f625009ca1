// Why a database cannot be used at the start, in one sentence without its password, and what to do about it.
import { Problem } from "../../domain/problem.ts";

/** The error itself when it is none of the database's. */
export function whyClosed(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = "code" in cause ? String(cause.code) : "";
  const reason = reasons.find(({ sign }) => sign.test(code) || sign.test(cause.message));
  if (reason === undefined) return error;
  const { hostname, port, pathname, username } = new URL(url);
  const there = `the PostgreSQL at ${hostname}:${port || 5432}`;
  return new Problem(
    reason.so({ there, database: pathname.slice(1), user: username, said: cause.message }),
    reason.mend,
  );
}

interface Said {
  readonly there: string;
  readonly database: string;
  readonly user: string;
  readonly said: string;
}

const reasons: readonly { sign: RegExp; so: (said: Said) => string; mend: string }[] = [
  {
    sign: /^28|password authentication failed|SASL/,
    so: ({ there, user }) => `${there} does not let ${user || "us"} in`,
    mend: "Correct the user and password in DATABASE_URL",
  },
  {
    sign: /^3D000$/,
    so: ({ there, database }) => `${there} has no database "${database}"`,
    mend: "Make it with `createdb`, or correct DATABASE_URL",
  },
  {
    sign: /^42501$/,
    so: ({ there, user, database }) => `${user} may not make tables in "${database}" of ${there}`,
    mend: `Let it: grant create on database … to …`,
  },
  {
    sign: /^(08|53|57|58)...$|^E[A-Z]+$|Connection terminated|timeout|timed out/,
    so: ({ there, said }) => `${there} does not answer (${said})`,
    mend: "Start it or correct DATABASE_URL, then run the same again; nothing is lost meanwhile",
  },
];
