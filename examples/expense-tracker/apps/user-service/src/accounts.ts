// The accounts in the database.
import { randomUUID } from "node:crypto";
import { Account } from "@tally/contracts/accounts";
import type { Database } from "@tally/database/database";
import * as z from "zod/mini";

export const schema = "user_service";
export const migrations = [
  `CREATE TABLE account (
     id uuid PRIMARY KEY,
     email text NOT NULL UNIQUE,
     name text NOT NULL,
     currency text NOT NULL,
     password_hash text NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now()
   )`,
];

const columns = "id, name, email, currency";
const AccountWithHash = z.extend(Account, { password_hash: z.string() });

export type NewAccount = Readonly<{ name: string; email: string; currency: string; passwordHash: string }>;

/** Undefined if the address is taken. */
export async function addAccount(database: Database, account: NewAccount): Promise<Account | undefined> {
  const [row] = await database.query(
    `INSERT INTO account (id, name, email, currency, password_hash) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (email) DO NOTHING RETURNING ${columns}`,
    [randomUUID(), account.name, account.email, account.currency, account.passwordHash],
  );
  return row === undefined ? undefined : z.parse(Account, row);
}

export async function findAccount(database: Database, id: string): Promise<Account | undefined> {
  const [row] = await database.query(`SELECT ${columns} FROM account WHERE id = $1`, [id]);
  return row === undefined ? undefined : z.parse(Account, row);
}

export async function findByEmail(database: Database, email: string) {
  const [row] = await database.query(`SELECT ${columns}, password_hash FROM account WHERE email = $1`, [email]);
  if (row === undefined) return undefined;
  const { password_hash: passwordHash, ...account } = z.parse(AccountWithHash, row);
  return { account, passwordHash };
}
