// What the user service, its callers and the web app agree on about accounts.
import * as z from "zod/mini";

// Currencies with two decimals, so that an amount is always a whole number of hundredths.
export const currencies = ["EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN"] as const;
export const Currency = z.enum(currencies);
export type Currency = z.output<typeof Currency>;

export const passwordLengthMin = 8;

const Email = z
  .string("Give an e-mail address")
  .check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email("This is not an e-mail address"));

export const SignUp = z.object({
  name: z
    .string("Give a name")
    .check(z.trim(), z.minLength(1, "Give a name"), z.maxLength(80, "This name is too long")),
  email: Email,
  password: z
    .string("Give a password")
    .check(
      z.minLength(passwordLengthMin, `Use at least ${passwordLengthMin} characters`),
      z.maxLength(200, "This password is too long"),
    ),
  currency: z._default(Currency, "EUR"),
});
export type SignUp = z.input<typeof SignUp>;

export const SignIn = z.object({ email: Email, password: z.string("Give a password").check(z.maxLength(200)) });
export type SignIn = z.input<typeof SignIn>;

export const Account = z.object({ id: z.uuid(), name: z.string(), email: z.string(), currency: Currency });
export type Account = z.output<typeof Account>;

export const Session = z.object({ account: Account, token: z.string() });
export type Session = z.output<typeof Session>;
