// The project graph of the repository, as it was when the newest release was built.
import { versionName } from "../../../src/domain/name.ts";
import type { ProjectGraph } from "../../../src/domain/project-graph.ts";
import type { Answers } from "../../../src/server/routes/routes.ts";
import { type Answer, ask } from "../api.ts";
import { Empty } from "../part/empty.tsx";
import { ProjectPicture } from "../part/project-picture.tsx";
import { ProjectTable } from "../part/project-table.tsx";
import { Refused } from "../part/refused.tsx";
import { Title } from "../part/title.tsx";
import { hashOf } from "../place.ts";
import { useAsked } from "../polled.ts";
import { drawnMax, pictureOf, projectsOf } from "../view/projects.ts";

interface Seen {
  readonly version: string;
  readonly graph: ProjectGraph | undefined;
}

export function ProjectsScreen({ chosen }: { chosen: string }) {
  const { seen, refusal } = useAsked("projects", look, 10_000);
  return (
    <>
      <Title says="Projects · Sluice" />
      <h1>Projects</h1>
      <Refused refusal={refusal} />
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

async function look(): Promise<Answer<Seen>> {
  const list = await ask<Answers["listReleases"]>("/releases?limit=1");
  if (!list.ok) return list;
  const [newest] = list.value.releases;
  if (newest === undefined) return { ok: true, value: { version: "", graph: undefined } };
  const answer = await ask<Answers["getRelease"]>(`/releases/${encodeURIComponent(newest.id)}`);
  return answer.ok ? { ok: true, value: { version: newest.version, graph: answer.value.release.projects } } : answer;
}

function Shown({ version, graph, chosen }: { version: string; graph: ProjectGraph; chosen: string }) {
  const projects = projectsOf(graph);
  const known = projects.some((p) => p.name === chosen) ? chosen : "";
  const picture = known !== "" || projects.length <= drawnMax ? pictureOf(graph, known) : undefined;
  const drawn = new Set(picture?.boxes.map(({ name }) => name));
  // The table tells what the picture shows; all of it where nothing is chosen.
  const told = known === "" ? projects : projects.filter(({ name }) => drawn.has(name));
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
      {picture !== undefined && (
        <section className="card" aria-label="Picture">
          <ProjectPicture picture={picture} chosen={known} />
          <p className="muted legend">
            from who needs to who is needed: a line is declared, a dashed one imported and in no manifest, a dotted one
            from configuration{picture.isCut && "; there are more around it, the nearest are drawn"}
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
      <ProjectTable key={known} projects={told} graph={graph} chosen={known} />
    </>
  );
}
