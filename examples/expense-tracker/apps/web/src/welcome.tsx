// Sign up or sign in.
import { type Account, Currency, currencies, passwordLengthMin } from "@tally/contracts/accounts";
import { type FormEvent, useState } from "react";
import { type Api, ApiError } from "./api.ts";
import { Field, Input } from "./field.tsx";

type WelcomeProps = Readonly<{ api: Api; problem?: string | undefined; onEnter: (account: Account) => void }>;

export function Welcome({ api, problem, onEnter }: WelcomeProps) {
  const [isNew, setNew] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const fields = error?.fields ?? {};
  const general = error && Object.keys(fields).length === 0 ? error.message : problem;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    setError(undefined);
    try {
      const who = { email: text("email"), password: text("password") };
      const currency = Currency.parse(text("currency") || "EUR");
      onEnter(await (isNew ? api.signUp({ ...who, name: text("name"), currency }) : api.signIn(who)));
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      setError(thrown);
      setBusy(false);
    }
  }

  function change() {
    setNew(!isNew);
    setError(undefined);
  }

  return (
    <main className="page welcome">
      <section className="pitch">
        <h1>
          Know where the money <em>went</em>.
        </h1>
        <p>Write down what you spend in a few seconds. See each month at a glance, and what it was made of.</p>
      </section>
      <form className="card" onSubmit={(event) => void submit(event)} noValidate>
        <h2>{isNew ? "Create your account" : "Welcome back"}</h2>
        {isNew && <Input label="Name" name="name" autoComplete="name" problem={fields.name} required />}
        <Input
          label="E-mail"
          name="email"
          type="email"
          autoComplete={isNew ? "email" : "username"}
          inputMode="email"
          problem={fields.email}
          required
        />
        <Input
          label={isNew ? `Password, at least ${passwordLengthMin} characters` : "Password"}
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          problem={fields.password}
          required
        />
        {isNew && (
          <Field label="Currency">
            {(id) => (
              <select id={id} name="currency" defaultValue="EUR">
                {currencies.map((currency) => (
                  <option key={currency}>{currency}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        {general && (
          <p className="wrong" role="alert">
            {general}
          </p>
        )}
        <button type="submit" disabled={isBusy}>
          {isNew ? "Create account" : "Sign in"}
        </button>
        <p className="switch">
          {isNew ? "Have an account already?" : "New here?"}{" "}
          <button type="button" className="link" onClick={change}>
            {isNew ? "Sign in" : "Create an account"}
          </button>
        </p>
      </form>
    </main>
  );
}
