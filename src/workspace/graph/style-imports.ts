// What a style sheet names: CSS, Sass, Less, CSS modules, Tailwind.

const comments = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{}])\/\/[^\n]*/g;
const rules = /@(?:import|use|forward|reference|plugin|config|source)\s+([^;{}]*)/g;
const froms = /(?:\bcomposes\s*:|@value\s)[^;{}]*?\bfrom\s+["']([^"']+)["']/g;
const urls = /url\(\s*["']?(\.[^"')]+)/g;

export function styleImports(text: string): string[] {
  const bare = text.replace(comments, "");
  const ruled = [...bare.matchAll(rules)].flatMap(([, list = ""]) => listed(list));
  const named = [...ruled, ...[...bare.matchAll(froms), ...bare.matchAll(urls)].map((m) => m[1] ?? "")];
  return [...new Set(named.map((name) => name.replace(/^~/, "").trim()).filter((name) => !/^[a-z]+:/.test(name)))];
}

/** `"a", "b"` (Sass), `(reference) "a"` (Less), `not "../a"` (Tailwind), `url("a") layer(b)`; what `with (…)` sets is no name. */
function listed(text: string): string[] {
  const [names = ""] = text.split(/\bwith\s*\(/, 1);
  const first = /^\s*(?:\([^)]*\)|not\b)?\s*(?:url\(\s*)?["']([^"'\n]+)["']/.exec(names);
  if (!first) return [];
  const more = /^(?:\s*,\s*["'][^"'\n]+["'])+/.exec(names.slice(first[0].length))?.[0] ?? "";
  return [first[1] ?? "", ...[...more.matchAll(/["']([^"']+)["']/g)].map((m) => m[1] ?? "")];
}
