// Who is here: nobody yet known, nobody, or an account; and the screen for each.
import type { Account } from "@tally/contracts/accounts";
import { useEffect, useState } from "react";
import { type Api, ApiError } from "./api.ts";
import type { Environment } from "./environment.ts";
import { Ledger } from "./ledger.tsx";
import { Welcome } from "./welcome.tsx";

type Who = Readonly<{ state: "asking" } | { state: "out"; problem?: string } | { state: "in"; account: Account }>;

export function App({ api, environment }: Readonly<{ api: Api; environment: Environment }>) {
  const [who, setWho] = useState<Who>({ state: "asking" });
  const enter = (account: Account) => setWho({ state: "in", account });

  useEffect(() => {
    const leave = (error: unknown) => {
      const isSignedOut = error instanceof ApiError && error.status === 401;
      setWho(isSignedOut ? { state: "out" } : { state: "out", problem: String(Object(error).message) });
    };
    api.me().then((account) => setWho({ state: "in", account }), leave);
  }, [api]);

  async function signOut() {
    await api.signOut();
    setWho({ state: "out" });
  }

  return (
    <>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/icon.svg" alt="" width="32" height="32" /> Tally
        </a>
        {who.state === "in" && (
          <div className="who">
            <span>{who.account.name}</span>
            <button type="button" className="quiet" onClick={() => void signOut()}>
              Sign out
            </button>
          </div>
        )}
      </header>
      {who.state === "asking" && <main className="page" aria-busy="true" />}
      {who.state === "out" && <Welcome api={api} problem={who.problem} onEnter={enter} />}
      {who.state === "in" && <Ledger api={api} account={who.account} onSignedOut={() => setWho({ state: "out" })} />}
      <footer className="foot">
        Tally {environment.VERSION} <span aria-hidden="true">·</span> {environment.ENVIRONMENT}
      </footer>
    </>
  );
}
