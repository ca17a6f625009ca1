// Projects with what they need and who needs them, in words; many are found by a part of their name, folder or tag.
import { useState } from "react";
import type { ProjectGraph } from "../../../src/domain/project-graph.ts";
import { hashOf } from "../place.ts";
import type { ProjectView } from "../view/projects.ts";

interface TableOf {
  readonly projects: readonly ProjectView[];
  readonly graph: ProjectGraph;
  readonly chosen: string;
}

const searchedFrom = 20;
/** A project that everybody needs would fill the page. */
const namedMax = 8;

export function ProjectTable({ projects, graph, chosen }: TableOf) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const found = projects.filter(({ name, dir, tags = [] }) =>
    [name, dir, ...tags].some((text) => text.toLowerCase().includes(wanted)),
  );
  const shown = [...found].sort((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
  return (
    <section className="card project-table" aria-label={chosen === "" ? "All projects" : "Projects of the picture"}>
      {projects.length >= searchedFrom && (
        <search>
          <form className="filters" onSubmit={(event) => event.preventDefault()}>
            <label>
              Name, folder or tag
              <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
            </label>
            <p className="muted" role="status">
              {shown.length} of {projects.length}
            </p>
          </form>
        </search>
      )}
      <table className="numbers">
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Folder</th>
            <th scope="col">Needs</th>
            <th scope="col">Needed by</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((project) => (
            <Row key={project.name} project={project} graph={graph} isChosen={project.name === chosen} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowOf {
  readonly project: ProjectView;
  readonly graph: ProjectGraph;
  readonly isChosen: boolean;
}

function Row({ project: { name, dir, tags = [], needs, neededBy }, graph, isChosen }: RowOf) {
  const words = needs.map(
    ({ project, by }) => `${graph.projects[project]?.name}${by === "declared" ? "" : ` (${by})`}`,
  );
  const namesMax = isChosen ? Number.POSITIVE_INFINITY : namedMax;
  return (
    <tr aria-current={isChosen ? "true" : undefined}>
      <th scope="row">
        <a href={hashOf({ screen: "projects", project: name })}>{name}</a>
        {tags.length > 0 && <span className="muted"> {tags.join(", ")}</span>}
      </th>
      <td>{dir}</td>
      <td>{listed(words, namesMax)}</td>
      <td>{listed(neededBy, namesMax)}</td>
    </tr>
  );
}

function listed(names: readonly string[], namesMax: number): string {
  const more = names.length - namesMax;
  return more > 1 ? `${names.slice(0, namesMax).join(", ")} and ${more} more` : names.join(", ");
}
