// All deployments, by environment, outcome and words.
import { versionName } from "../../../src/domain/name.ts";
import { type Deployment, type Journal, newestFirst } from "../journal.ts";
import { outcomeNames } from "../part/badge.tsx";
import { DeploymentRow } from "../part/deployment-row.tsx";
import { Empty } from "../part/empty.tsx";
import { Title } from "../part/title.tsx";
import { type Place, replacePlace } from "../place.ts";

type HistoryPlace = Extract<Place, { screen: "history" }>;

export function HistoryScreen({ place, journal }: { place: HistoryPlace; journal: Journal }) {
  const all = newestFirst(journal);
  const shown = all.filter((deployment) => matches(deployment, place)).slice(0, 200);
  const environments = [...new Set(all.map(({ run }) => run.environment))].sort();
  return (
    <>
      <Title says="History · Sluice" />
      <h1>History</h1>
      <search>
        <form className="filters" onSubmit={(event) => event.preventDefault()}>
          <Choice
            label="Environment"
            value={place.environment}
            options={environments}
            onChange={(environment) => replacePlace({ ...place, environment })}
          />
          <Choice
            label="Outcome"
            value={place.outcome}
            options={outcomeNames}
            onChange={(outcome) => replacePlace({ ...place, outcome })}
          />
          <label>
            Version, person or words
            <input
              type="search"
              value={place.search}
              onChange={(event) => replacePlace({ ...place, search: event.target.value })}
            />
          </label>
          <p className="muted" role="status">
            {shown.length} of {all.length}
          </p>
        </form>
      </search>
      {shown.length > 0 ? (
        <ul className="card rows">
          {shown.map((deployment) => (
            <DeploymentRow key={deployment.run.id} deployment={deployment} withEnvironment />
          ))}
        </ul>
      ) : (
        <NothingFound any={all.length > 0} />
      )}
    </>
  );
}

function NothingFound({ any }: { any: boolean }) {
  return any ? (
    <Empty so="No deployment is like that." />
  ) : (
    <Empty so="Nothing was deployed yet. In your repository, type" type="sluice deploy" />
  );
}

function matches({ run }: Deployment, { environment, outcome, search }: HistoryPlace): boolean {
  const ended = run.phase.kind === "ended" ? run.phase : undefined;
  const text = [versionName(run.release.version), run.by, run.reason, ended?.because, run.release.id, run.id]
    .join(" ")
    .toLowerCase();
  return (
    (environment === "" || run.environment === environment) &&
    (outcome === "" || ended?.outcome === outcome) &&
    text.includes(search.trim().toLowerCase())
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}
