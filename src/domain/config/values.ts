// The values that the schema is made of. Codecs: people's spellings decode to one unit, and encode back when a config
// is frozen, so that a frozen config reads like a written one and parses to the same.
import { z } from "zod";
import { cpu, duration, memory, percent, size, type Unit } from "./units.ts";

/** What a key is for, and how it is written: the reference page and the editor's comments are made of these. */
export function key<S extends z.ZodType>(schema: S, description: string, example?: unknown): S {
  return schema.meta(example === undefined ? { description } : { description, example });
}

function quantity<S extends z.ZodType<string | number>>(unit: Unit, spelled: S) {
  return z.codec(spelled, z.number(), {
    decode: (spelling, context) => {
      const value = unit.read(spelling);
      if (value !== undefined) return value;
      const message = `${JSON.stringify(spelling)} is not ${unit.name}`;
      context.issues.push({ code: "custom", input: spelling, message, params: { mend: unit.mend } });
      return z.NEVER;
    },
    encode: (value) => z.parse(spelled, unit.write(value)),
  });
}

const text = z.string();
const textOrNumber = z.union([z.string(), z.number()]);

export const Duration = quantity(duration, text);
export const Cpu = quantity(cpu, textOrNumber);
export const Memory = quantity(memory, textOrNumber);
export const Size = quantity(size, textOrNumber);
export const Percentage = quantity(percent, textOrNumber);

export const Port = z.int().min(0).max(65_535);

/** Services, environments and jobs are part of host names, revision ids and folders. */
export const Name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "a name is lower-case letters, digits and dashes, and starts with a letter")
  .max(40);

/** A file or folder below the repository's root, or below the service's. */
export const InnerPath = z
  .string()
  .min(1)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]+$/, "a path stays inside the repository: relative, without ..");

export const EnvName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "an environment variable is letters, digits and _");

/** "10.0.0.7", "10.0.0.0/8", "::1". */
export const AddressRange = z
  .string()
  .refine(
    (text) => [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()].some((form) => form.safeParse(text).success),
    'an address or a range of them: "10.0.0.7", "10.0.0.0/8", "2001:db8::/32"',
  );

export const UrlPath = z.string().regex(/^\//, "a URL path starts with /");
export const HttpMethod = z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const EnvValue = z.union([
  z.string(),
  z.strictObject({
    from: key(z.string(), "The URL of a service or of a backing service of the environment.", "user-service"),
  }),
  z.strictObject({ secret: key(EnvName, "Name of a secret: its value never enters the release.", "SESSION_KEY") }),
]);

export const Env = z.record(EnvName, EnvValue);
