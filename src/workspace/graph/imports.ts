// The modules a source names, found by a scan of its tokens: comments, strings, templates and regular expressions are told
// apart, nothing is parsed. Reads TypeScript, JavaScript, JSX and the scripts and styles of .vue, .svelte and .astro alike.
import { styleImports } from "./style-imports.ts";

const sources = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx)$/;
const script = /\.[cm]?[jt]sx?$/;
const markup = /\.(?:vue|svelte|astro)$/;
const styles = /\.(?:css|scss|sass|less|pcss|postcss)$/;

export function hasImports(path: string): boolean {
  return sources.test(path) || styles.test(path);
}

// In order: comments, a regular expression where a value may begin, strings, the beginning of a template.
const tokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=(?:[=(,:[!&|?{};+\n]|\breturn|\btypeof|\bcase)[ \t]*)\/(?![*/\s])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`/;
const token = new RegExp(tokens, "g");
const tokenInHole = new RegExp(`${tokens.source}|[{}]`, "g");
const mayImport = /\b(?:import|require|from|mock|resolve)|\bdeclare\s+module\b|dirname\b/;
const before =
  /(?:\bdeclare\s+module|(?:\bimport|\brequire|\brequire\s*\.\s*resolve|\.\s*resolve|(?:jest|vi|vitest)\s*\.\s*\w+)\s*(?:<[^()]*>\s*)?\(\s*)\s*$/;
/** `import … from` begins a statement; in a text between tags, or as a method, the same words mean nothing. */
const beforeFrom =
  /(?:^|[\n;{}()])[ \t]*(?:(?:import|export)\b[^;'"`()<>=]*\bfrom|import)\s*$|^\s*(?:as\b|[,}])[^;'"`()<>=]*\bfrom\s*$/;
const beforeFromInMarkup = /(?:^|[\n;{}()>])[ \t]*(?:(?:import|export)\b[^;'"`()<>=]*\bfrom|import)\s*$/;
/** What names a file, never a package: `new URL("…", import.meta.url)`, Vite's and webpack's globs. */
const beforePath = /(?:\bnew\s+URL|\.\s*glob|\brequire\s*\.\s*context)\s*(?:<[^()]*>\s*)?\(\s*\[?\s*$/;
// `join(__dirname, "..", "x")`
const joined = /(?:\b__dirname|\bimport\.meta\.dirname)((?:\s*,\s*(?:"[^"\n]*"|'[^'\n]*'))+)/g;
const reference = /^\/\/\/\s*<reference\s+(types|path)\s*=\s*["']([^"']+)["']/;
const linked = /\b(?:src|href)\s*=\s*["'](\.[^"']+)["']/g;

/** Every module specifier, in order, without repeats. */
export function importsOf(text: string, path: string): readonly string[] {
  if (styles.test(path)) return styleImports(text);
  const found = new Set<string>();
  if (mayImport.test(text) || text.includes("<reference"))
    scan(text, 0, { found, isMarkup: !script.test(path), isHole: false });
  if (text.includes("dirname"))
    for (const [, parts = ""] of text.matchAll(joined))
      found.add(`./${[...parts.matchAll(/["']([^"']*)["']/g)].map((m) => m[1]).join("/")}`);
  if (markup.test(path)) {
    for (const [style] of text.matchAll(/<style[\s\S]*?<\/style>/g))
      for (const name of styleImports(style)) found.add(name);
    for (const [, name = ""] of text.matchAll(linked)) found.add(name);
  }
  return [...found];
}

type Scan = Readonly<{ found: Set<string>; isMarkup: boolean; isHole: boolean }>;

/** Reads code up to its end, or to the brace that closes a template's hole; -1 where such a brace is missing. */
function scan(text: string, start: number, { found, isMarkup, isHole }: Scan): number {
  const next = isHole ? tokenInHole : token;
  let isBroken = false;
  let depth = 0;
  for (let at = start, from = start; ; ) {
    next.lastIndex = at;
    const match = next.exec(text);
    if (!match) return isHole ? -1 : text.length;
    const [all] = match;
    const kind = all[0];
    at = match.index + all.length;
    if (kind === "/") {
      if (all.startsWith("///")) noteReference(all, found);
      continue; // what stood before a comment stays in view: it may lie between `from` and its string
    }
    if (kind === "{") depth++;
    if (kind === "}" && depth-- === 0) return at;
    if (kind === "{" || kind === "}") continue;
    let specifier = all.slice(1, -1);
    if (kind === "`") {
      const end: number = isBroken ? -1 : templateEnd(text, at, { found, isMarkup, isHole: true });
      if (end < 0 && isHole) return -1;
      isBroken ||= end < 0;
      if (end < 0) continue;
      specifier = known(text.slice(at, end - 1));
      at = end;
    }
    if (specifier) note(specifier, text.slice(from, match.index), { found, isMarkup });
    from = at;
  }
}

/** Behind the closing backtick; code in its holes is read as any other. -1 where none closes it. */
function templateEnd(text: string, start: number, inside: Scan): number {
  for (let i = start; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (c === "`") return i + 1;
    else if (c === "$" && text[i + 1] === "{") {
      const end = scan(text, i + 2, inside);
      if (end < 0) return -1;
      i = end - 1;
    }
  }
  return -1;
}

function note(specifier: string, code: string, { found, isMarkup }: Pick<Scan, "found" | "isMarkup">): void {
  const end = code.slice(-200);
  if (!/[([mte]\s*$/.test(end) && !end.includes("/")) return; // most strings stand behind something else
  const near = withoutComments(end);
  const begins = () => (isMarkup ? beforeFromInMarkup : beforeFrom).test(withoutComments(code));
  if (before.test(near) || (/\b(?:from|import)\s*$/.test(near) && begins())) found.add(specifier);
  else if (specifier.startsWith(".") && beforePath.test(near)) found.add(specifier.replace(/\/?[*{].*$/, ""));
}

function withoutComments(code: string): string {
  return code.includes("/") ? code.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, " ") : code;
}

function noteReference(comment: string, found: Set<string>): void {
  const [, kind, name] = reference.exec(comment) ?? [];
  if (name) found.add(kind === "path" && !name.startsWith(".") ? `./${name}` : name);
}

/** Of a template with holes, the directory that is sure. */
function known(template: string): string {
  const hole = template.indexOf("${");
  return hole < 0 ? template : template.slice(0, Math.max(0, template.lastIndexOf("/", hole)));
}

/** `@scope/name/deep` → `@scope/name`; undefined for a path, a built-in or a URL. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:[./#]|node:|bun:|[a-z]+:\/\/|data:)/.test(specifier) || specifier === "") return undefined;
  const parts = specifier.split("/");
  if (specifier.startsWith("@")) return parts.length > 1 ? `${parts[0]}/${parts[1]}` : undefined;
  return parts[0];
}
