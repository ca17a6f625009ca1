// Whether a version lies in a range, as npm's semver says it: what a dependency's range excludes comes from a registry.

type Version = Readonly<{ numbers: readonly [number, number, number]; pre: readonly string[] }>;
type Bound = Readonly<{ sign: "<" | "<=" | ">" | ">=" | "="; of: Version }>;

/** Undefined where one of them is no version or range (a tag, a protocol): then nobody can tell. */
export function satisfies(version: string, range: string): boolean | undefined {
  const have = versionIn(version);
  const sets = range.split("||").map((part) => boundsOf(part.trim()));
  if (!have) return undefined;
  if (sets.some((bounds) => bounds && isWithin(have, bounds))) return true;
  return sets.includes(undefined) ? undefined : false;
}

function isWithin(have: Version, bounds: readonly Bound[]): boolean {
  const isKept = bounds.every(({ sign, of }) => {
    const order = compare(have, of);
    return sign === "="
      ? order === 0
      : sign.startsWith("<")
        ? order < (sign === "<" ? 0 : 1)
        : order > (sign === ">" ? 0 : -1);
  });
  // A prerelease is only meant by a range that names one of the same version.
  return isKept && (have.pre.length === 0 || bounds.some(({ of }) => of.pre.length > 0 && isSame(of, have)));
}

function isSame(a: Version, b: Version): boolean {
  return a.numbers.every((n, i) => n === b.numbers[i]);
}

function compare(a: Version, b: Version): number {
  const i = a.numbers.findIndex((n, at) => n !== b.numbers[at]);
  if (i >= 0) return (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let at = 0; at < Math.max(a.pre.length, b.pre.length); at++) {
    const [x, y] = [a.pre[at], b.pre[at]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [m, n] = [Number(x), Number(y)];
    if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
    return Number.isNaN(m) ? (x < y ? -1 : 1) : m - n;
  }
  return 0;
}

const partial = String.raw`v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([\w.-]+))?(?:\+[\w.-]+)?`;
const whole = new RegExp(`^${partial}$`);
const comparator = new RegExp(`^(\\^|~>?|[<>]=?|=)?${partial}$`);

function versionIn(text: string): Version | undefined {
  const found = whole.exec(text.trim());
  const numbers = found?.slice(1, 4).map(Number) ?? [];
  return numbers.length === 3 && numbers.every(Number.isInteger) ? made(numbers, found?.[4]) : undefined;
}

function made([a = 0, b = 0, c = 0]: readonly number[], pre?: string): Version {
  return { numbers: [a, b, c], pre: pre?.split(".") ?? [] };
}

/** All of these must hold. */
function boundsOf(text: string): readonly Bound[] | undefined {
  const [, from, to] = /^(\S+)\s+-\s+(\S+)$/.exec(text) ?? [];
  const words = from && to ? [`>=${from}`, `<=${to}`] : text.replace(/(\^|~>?|[<>]=?|=)\s+/g, "$1").split(/\s+/);
  const all = words.map((word) => (word === "" ? [] : boundsOfWord(word)));
  return all.includes(undefined) ? undefined : all.flatMap((bounds) => bounds ?? []);
}

function boundsOfWord(word: string): readonly Bound[] | undefined {
  const found = comparator.exec(word);
  if (!found) return undefined;
  const [, sign = "", ...rest] = found;
  const numbers = rest.slice(0, 3).map((n) => (n === undefined ? Number.NaN : Number(n)));
  const wild = numbers.findIndex(Number.isNaN);
  const known = wild < 0 ? numbers : numbers.slice(0, wild);
  const lowest = made(known, wild < 0 ? rest[3] : undefined);
  /** The first version that no longer begins with so many of the numbers. */
  const after = (kept: number) => made([...known.slice(0, kept - 1), (known[kept - 1] ?? 0) + 1]);
  if (known.length === 0) return sign === "<" || sign === ">" ? [{ sign: "<", of: made([0, 0, 0], "0") }] : [];
  if (sign === "^") {
    const first = known.findIndex((n) => n > 0);
    return [
      { sign: ">=", of: lowest },
      { sign: "<", of: after(first < 0 ? known.length : first + 1) },
    ];
  }
  if (sign.startsWith("~"))
    return [
      { sign: ">=", of: lowest },
      { sign: "<", of: after(Math.min(2, known.length)) },
    ];
  if (sign === ">=" || sign === "<") return [{ sign, of: lowest }];
  if (wild < 0) return [{ sign: sign === ">" || sign === "<=" ? sign : "=", of: lowest }];
  const next = after(known.length);
  if (sign === ">") return [{ sign: ">=", of: next }];
  return sign === "<="
    ? [{ sign: "<", of: next }]
    : [
        { sign: ">=", of: lowest },
        { sign: "<", of: next },
      ];
}
