// The project graph of the repository, as it was when the newest release was built.
import { versionName } from "../../../src/domain/name.ts";
import type { ProjectGraph } from "../../../src/domain/project-graph.ts";
import type { Answers } from "../../../src/server/routes/routes.ts";
import { ask } from "../api.ts";
import { Empty } from "../part/empty.tsx";
import { ProjectPicture } from "../part/project-picture.tsx";
import { Title } from "../part/title.tsx";
import { hashOf } from "../place.ts";
import { usePolled } from "../polled.ts";
import { drawnMax, type ProjectView, pictureOf, projectsOf } from "../view/projects.ts";

interface Seen {
  readonly version: string;
  readonly graph: ProjectGraph | undefined;
}

export function ProjectsScreen({ chosen }: { chosen: string }) {
  const seen = usePolled("projects", look, 10_000);
  return (
    <>
      <Title says="Projects · Sluice" />
      <h1>Projects</h1>
      {seen?.graph !== undefined && <Shown version={seen.version} graph={seen.graph} chosen={chosen} />}
      {seen !== undefined && seen.graph === undefined && (
        <Empty
          so="No project graph is here yet: one comes with each release. In your repository, type"
          type="sluice deploy"
        />
      )}
    </>
  );
}

async function look(): Promise<Seen | undefined> {
  const list = await ask<Answers["listReleases"]>("/releases?limit=1");
  if (!list.ok) return undefined;
  const [newest] = list.value.releases;
  if (newest === undefined) return { version: "", graph: undefined };
  const answer = await ask<Answers["getRelease"]>(`/releases/${encodeURIComponent(newest.id)}`);
  return answer.ok ? { version: newest.version, graph: answer.value.release.projects } : undefined;
}

function Shown({ version, graph, chosen }: { version: string; graph: ProjectGraph; chosen: string }) {
  const projects = projectsOf(graph);
  const known = projects.some((p) => p.name === chosen) ? chosen : "";
  const isDrawn = known !== "" || projects.length <= drawnMax;
  return (
    <>
      <p className="muted">
        {projects.length} projects, as {versionName(version)} was built.{" "}
        {known === "" ? (
          "Choose one to see what it needs and who needs it."
        ) : (
          <a href={hashOf({ screen: "projects", project: "" })}>Show all</a>
        )}
      </p>
      {isDrawn && (
        <section className="card" aria-label="Picture">
          <ProjectPicture picture={pictureOf(graph, known)} chosen={known} />
          <p className="muted legend">
            from who needs to who is needed: a line is declared, a dashed one imported and in no manifest, a dotted one
            from configuration
          </p>
        </section>
      )}
      {graph.findings.length > 0 && (
        <section className="card" aria-label="Findings">
          <h2>Findings</h2>
          <ul>
            {graph.findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
        </section>
      )}
      <section className="card project-table" aria-label="All projects">
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
            {projects.map((project) => (
              <Row key={project.name} project={project} graph={graph} isChosen={project.name === known} />
            ))}
          </tbody>
        </table>
      </section>
    </>
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
  return (
    <tr aria-current={isChosen ? "true" : undefined}>
      <th scope="row">
        <a href={hashOf({ screen: "projects", project: name })}>{name}</a>
        {tags.length > 0 && <span className="muted"> {tags.join(", ")}</span>}
      </th>
      <td>{dir}</td>
      <td>{words.join(", ")}</td>
      <td>{neededBy.join(", ")}</td>
    </tr>
  );
}
