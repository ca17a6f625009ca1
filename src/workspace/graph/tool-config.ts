// Tools look upwards for their configuration, so a file at the root is an input of tasks that never name it. A project
// with a configuration of its own for that tool does not read the root's (old eslint and editorconfig cascade: it does).

export type ToolFamily = keyof typeof families;

type Family = Readonly<{ files: RegExp; words: RegExp; cascades?: boolean }>;

const families = {
  typescript: {
    files: /^[tj]sconfig\.json$/,
    words: /\b(?:tsc|tsgo|vue-tsc|tsx|ts-node|typecheck|type-check|build)\b/,
  },
  eslint: { files: /^eslint\.config\.[cm]?[jt]s$/, words: /lint/ },
  eslintrc: { files: /^\.eslint(?:rc(?:\..+)?|ignore)$/, words: /lint/, cascades: true },
  prettier: { files: /^(?:\.prettier(?:rc(?:\..+)?|ignore)|prettier\.config\..+)$/, words: /prettier|format|lint/ },
  editorconfig: { files: /^\.editorconfig$/, words: /prettier|format|lint/, cascades: true },
  biome: { files: /^biome\.jsonc?$/, words: /biome|format|lint/ },
  oxlint: { files: /^\.oxlintrc\.json$/, words: /oxlint|lint/ },
  stylelint: { files: /^(?:\.stylelintrc(?:\..+)?|stylelint\.config\..+)$/, words: /stylelint|lint/ },
  vite: { files: /^vite\.config\..+$/, words: /\bvite\b|vitest|build|test/ },
  vitest: { files: /^vitest\.(?:config|workspace|projects)\..+$/, words: /vitest|test/ },
  jest: { files: /^jest\.(?:config|preset|setup)\..+$/, words: /jest|test/ },
  playwright: { files: /^playwright\.config\..+$/, words: /playwright|e2e|test/ },
  cypress: { files: /^cypress\.config\..+$/, words: /cypress|e2e/ },
  babel: { files: /^(?:babel\.config\..+|\.babelrc(?:\..+)?)$/, words: /babel|jest|next|build|test/ },
  swc: { files: /^\.swcrc$/, words: /swc|build|test/ },
  postcss: { files: /^(?:postcss\.config\..+|\.postcssrc(?:\..+)?)$/, words: /postcss|tailwind|vite|next|build/ },
  tailwind: { files: /^tailwind\.config\..+$/, words: /tailwind|vite|next|build/ },
  bundlers: {
    files: /^(?:rollup|webpack|tsup|tsdown|rspack|rsbuild|next|nuxt|astro|svelte)\.config\..+$/,
    words: /rollup|webpack|tsup|tsdown|rspack|rsbuild|next|nuxt|astro|svelte|build/,
  },
  browserslist: { files: /^\.browserslistrc$/, words: /build|test|vite|next|webpack|babel|postcss/ },
} satisfies Record<string, Family>;

const list: readonly (readonly [ToolFamily, Family])[] = Object.entries(families).map(([name, f]) => [
  name as ToolFamily,
  f,
]);

/** Files at the root that change what is installed or how tools run, whatever the task. */
export const alwaysRead =
  /^(?:\.npmrc|\.yarnrc|\.pnpmfile\.[cm]?js|bunfig\.toml|\.nvmrc|\.node-version|\.tool-versions|\.?mise\.toml|\.prototools|\.pnp\.c?js)$/;

export function isFamily(name: string): name is ToolFamily {
  return Object.hasOwn(families, name);
}

export function familyOf(fileName: string): ToolFamily | undefined {
  return list.find(([, { files }]) => files.test(fileName))?.[0];
}

/** The families whose files lie at the top of a project. */
export function ownFamilies(paths: readonly string[], dir: string): readonly ToolFamily[] {
  const depth = dir ? dir.length + 1 : 0;
  const names = paths.map((p) => p.slice(depth)).filter((name) => !name.includes("/"));
  return list.filter(([, f]) => !isCascading(f) && names.some((name) => f.files.test(name))).map(([name]) => name);
}

/** True when a task of this name and command may run a tool of the family. */
export function concerns(family: ToolFamily, task: string, command: string): boolean {
  return families[family].words.test(`${task} ${command}`);
}

function isCascading(family: Family): boolean {
  return family.cascades === true;
}
