// Repositories that runners build, with *run* for each, and their last builds.
import { useState } from "react";
import { type Build, mainRef, type Repository } from "../../../src/domain/build.ts";
import { type Answer, ask, post, type Refusal } from "../api.ts";
import { BuildRow } from "../part/build-row.tsx";
import { Empty } from "../part/empty.tsx";
import { Refused } from "../part/refused.tsx";
import { Title } from "../part/title.tsx";
import { hashOf } from "../place.ts";
import { useAsked } from "../polled.ts";

interface Seen {
  readonly repositories: readonly Repository[];
  readonly builds: readonly Build[];
}

export function BuildsScreen() {
  const { seen, refusal } = useAsked("builds", look, 2000);
  return (
    <>
      <Title says="Builds · Sluice" />
      <h1>Builds</h1>
      <Refused refusal={refusal} />
      {seen !== undefined && <Shown {...seen} />}
    </>
  );
}

async function look(): Promise<Answer<Seen>> {
  const [repositories, builds] = await Promise.all([
    ask<Pick<Seen, "repositories">>("/repositories"),
    ask<Pick<Seen, "builds">>("/builds?limit=50"),
  ]);
  if (!repositories.ok) return repositories;
  return builds.ok ? { ok: true, value: { ...repositories.value, ...builds.value } } : builds;
}

function Shown({ repositories, builds }: Seen) {
  if (repositories.length === 0) {
    return <Empty so="No repository is built here yet. To have one built, type" type="sluice repository add" />;
  }
  return (
    <>
      <ul className="card rows" aria-label="Repositories">
        {repositories.map((repository) => (
          <RepositoryRow key={repository.name} repository={repository} />
        ))}
      </ul>
      {builds.length === 0 ? (
        <Empty so="Nothing was built yet." />
      ) : (
        <ul className="card rows" aria-label="Builds">
          {builds.map((build) => (
            <BuildRow key={build.id} build={build} />
          ))}
        </ul>
      )}
    </>
  );
}

function RepositoryRow({ repository }: { repository: Repository }) {
  const { name, url, branches, schedule } = repository;
  const [refusal, setRefusal] = useState<Refusal>();
  const run = async (): Promise<void> => {
    const answer = await post<{ readonly build: Build }>("/builds", { repository: name });
    if (answer.ok) window.location.hash = hashOf({ screen: "build", id: answer.value.build.id });
    else setRefusal(answer.refusal);
  };
  const when = schedule === undefined ? "" : `, and at ${schedule} UTC`;
  return (
    <li className="repository-row">
      <div>
        <h2>{name}</h2>
        <p className="muted">
          {url}, on pushes to {branches.join(", ")}
          {when}
        </p>
        <Refused refusal={refusal} />
      </div>
      <button
        type="button"
        className="verb is-forward"
        onClick={run}
        aria-label={`Run ${name} at ${mainRef(repository).replace("refs/heads/", "")}`}
      >
        Run
      </button>
    </li>
  );
}
