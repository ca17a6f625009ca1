// The project graph of a repository in short: what `sluice` found when it built a release, for the page to draw. It says where a
// release came from, not what it is, so it is no part of its content hash.

export type DependencyKind = "declared" | "imported" | "configured";

export interface ProjectNode {
  readonly name: string;
  /** From the workspace root; "." is the root itself. */
  readonly dir: string;
  readonly tags?: readonly string[];
  /** Places in the list of projects; `imported` is in no manifest, `configured` comes from configuration or scripts. */
  readonly needs: readonly { readonly project: number; readonly by: DependencyKind }[];
}

export interface ProjectGraph {
  readonly projects: readonly ProjectNode[];
  /** One sentence each: undeclared and unused dependencies, circles, crossed boundaries. */
  readonly findings: readonly string[];
}
