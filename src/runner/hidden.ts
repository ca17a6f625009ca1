// Takes secrets out of what a build prints: as they are, each line of those that have several, and as tools write them: in a
// URL, in JSON, and in base64, also where it begins before the secret (`Authorization: Basic` holds a name first).
const secretMinLength = 4;
const base64MinLength = 8;

export interface Hidden {
  hide(text: string): string;
  /** No form of a secret is longer. */
  readonly longest: number;
}

export function hidden(secrets: readonly string[]): Hidden {
  const forms = secrets
    .flatMap((secret) => [secret, ...secret.split("\n")])
    .map((secret) => secret.trim())
    .filter((secret) => secret.length >= secretMinLength)
    .flatMap(formsOf)
    .sort((a, b) => b.length - a.length);
  const distinct = [...new Set(forms)];
  return {
    hide: (text) => distinct.reduce((clean, form) => clean.replaceAll(form, "***"), text),
    longest: Math.max(1, distinct[0]?.length ?? 0),
  };
}

function formsOf(secret: string): readonly string[] {
  const whole = Buffer.from(secret).toString("base64");
  const inner = [0, 1, 2]
    .map((before) => base64Within(secret, before))
    .filter((form) => form.length >= base64MinLength);
  const encoded = [whole, ...inner].flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), ...encoded];
}

/** The digits that the secret alone decides when so many bytes (of three) stand before it. */
function base64Within(secret: string, before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  return bytes.toString("base64").slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
}
