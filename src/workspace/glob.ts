// Globs as workspaces, turbo.json and nx.json write them: `*`, `**`, `?`, `[a-z]`, `{a,b}`, and `!` to take back.
// A pattern becomes one regular expression, so that matching 40,000 paths costs milliseconds.

/** True when the last pattern that names the path does not begin with `!`. A directory's name covers all in it. */
export function matcher(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((p) => (p.startsWith("!") ? { yes: false, of: p.slice(1) } : { yes: true, of: p }));
  const compiled = tests.map(({ yes, of }) => ({ yes, test: expression(of) }));
  return (path) => {
    let is = false;
    for (const { yes, test } of compiled) if (is !== yes && test.test(path)) is = yes;
    return is;
  };
}

/** True when some pattern can only be read with a walk: it names more than one level by itself. */
export function isDeep(pattern: string): boolean {
  return pattern.includes("**");
}

/** The directories before the first wildcard: `apps/web/dist/**` → `apps/web/dist`. */
export function staticBase(pattern: string): string {
  const parts = clean(pattern).split("/");
  const wild = parts.findIndex((part) => /[*?[\]{}!()]/.test(part));
  return (wild < 0 ? parts : parts.slice(0, wild)).join("/");
}

const cache = new Map<string, RegExp>();

function expression(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known) return known;
  const made = new RegExp(`^${source(clean(pattern))}(?:/.*)?$`, "s");
  cache.set(pattern, made);
  return made;
}

function clean(pattern: string): string {
  // What is below is covered anyway, so that `dist/**` also means the directory itself.
  return pattern.replace(/^(?:\.\/)+/, "").replace(/(?:\/\*\*)?\/*$/, "") || "**";
}

/** A glob as the source of a regular expression. `**` between slashes also stands for nothing at all. */
function source(glob: string): string {
  let out = "";
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i] ?? "";
    if (c === "*" && glob[i + 1] === "*") {
      const wholePart = (i === 0 || glob[i - 1] === "/") && (i + 2 === glob.length || glob[i + 2] === "/");
      if (wholePart && glob[i + 2] === "/") {
        out += "(?:[^/]+/)*";
        i += 2;
      } else {
        out += ".*";
        i += 1;
      }
    } else if (c === "*") out += "[^/]*";
    else if (c === "?") out += "[^/]";
    else if (c === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) out += "\\[";
      else {
        out += `[${glob
          .slice(i + 1, end)
          .replace(/^!/, "^")
          .replaceAll("\\", "\\\\")}]`;
        i = end;
      }
    } else if (c === "{") {
      depth++;
      out += "(?:";
    } else if (c === "}" && depth > 0) {
      depth--;
      out += ")";
    } else if (c === "," && depth > 0) out += "|";
    else out += c.replace(/[\\^$.|+()[\]{}]/, "\\$&");
  }
  return out + ")".repeat(depth);
}
