// The modules a source names, found by a scan of its tokens: comments, strings, templates and regular expressions are told
// apart, nothing is parsed. Reads TypeScript, JavaScript, JSX and the scripts of .vue, .svelte and .astro alike.

const sources = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx)$/;
const styles = /\.(?:css|scss|sass|less|pcss)$/;

export function hasImports(path: string): boolean {
  return sources.test(path) || styles.test(path);
}

// In order: comments, a regular expression where a value may begin, template, strings.
const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=(?:[=(,:[!&|?{};+\n]|\breturn|\btypeof|\bcase)[ \t]*)\/(?![*/\s])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|`(?:[^`\\]|\\[\s\S])*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
const mayImport = /\b(?:import|require|from|mock|resolve)\b|dirname\b/;
const before =
  /(?:\bfrom|\bimport|\bexport\s*\*\s*from|(?:\bimport|\brequire|\brequire\s*\.\s*resolve|\.\s*resolve|(?:jest|vi|vitest)\s*\.\s*\w+)\s*(?:<[^()]*>\s*)?\(\s*)\s*$/;
/** What names a file, never a package: `new URL("…", import.meta.url)`, Vite's and webpack's globs. */
const beforePath = /(?:\bnew\s+URL|\.\s*glob|\brequire\s*\.\s*context)\s*(?:<[^()]*>\s*)?\(\s*\[?\s*$/;
// `join(__dirname, "..", "x")`
const joined = /(?:\b__dirname|\bimport\.meta\.dirname)((?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*'))+)/g;
const reference = /^\/\/\/\s*<reference\s+(types|path)\s*=\s*["']([^"']+)["']/;

/** Every module specifier, in order, without repeats. */
export function importsOf(text: string, path: string): readonly string[] {
  if (styles.test(path)) return styleImports(text);
  const found = new Set<string>();
  if (!mayImport.test(text) && !text.includes("<reference")) return [];
  token.lastIndex = 0;
  for (let match = token.exec(text), from = 0; match; match = token.exec(text)) {
    const [all] = match;
    const quote = all[0];
    if (quote === "/") {
      const names = all.startsWith("///") ? reference.exec(all) : undefined;
      if (names?.[2]) found.add(names[1] === "path" && !names[2].startsWith(".") ? `./${names[2]}` : names[2]);
      // A comment between `from` and its string must not hide it; what stood before stays in view.
      continue;
    }
    const specifier = quote === "`" ? known(all.slice(1, -1)) : all.slice(1, -1);
    if (specifier) {
      const gap = text
        .slice(Math.max(from, match.index - 200), match.index)
        .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, " ");
      if (before.test(gap)) found.add(specifier);
      else if (specifier.startsWith(".") && beforePath.test(gap)) found.add(specifier.replace(/\/?[*{].*$/, ""));
    }
    from = match.index + all.length;
  }
  if (text.includes("dirname"))
    for (const [, parts = ""] of text.matchAll(joined))
      found.add(`./${[...parts.matchAll(/["']([^"']*)["']/g)].map((m) => m[1]).join("/")}`);
  return [...found];
}

/** Of a template with holes, the directory that is sure. */
function known(template: string): string {
  const hole = template.indexOf("${");
  return hole < 0 ? template : template.slice(0, Math.max(0, template.lastIndexOf("/", hole)));
}

function styleImports(text: string): string[] {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const rules = bare.matchAll(
    /@(?:import|use|forward|reference|plugin|config|source)\s+(?:not\s+)?(?:url\(\s*)?["']([^"']+)["']/g,
  );
  const urls = bare.matchAll(/url\(\s*["']?(\.[^"')]+)/g);
  const named = [...rules, ...urls].map((m) => (m[1] ?? "").replace(/^~/, "").trim());
  return [...new Set(named.filter((s) => !/^[a-z]+:/.test(s)))];
}

/** `@scope/name/deep` → `@scope/name`; undefined for a path, a built-in or a URL. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:[./#]|node:|bun:|[a-z]+:\/\/|data:)/.test(specifier) || specifier === "") return undefined;
  const parts = specifier.split("/");
  if (specifier.startsWith("@")) return parts.length > 1 ? `${parts[0]}/${parts[1]}` : undefined;
  return parts[0];
}
