// The frame around every screen: name, places, the state of the connection, light and dark.
import { tell } from "../../src/domain/prose.ts";
import { type Known, type Link, type Live, useKnown } from "./live.ts";
import { Icon, type IconName } from "./part/icon.tsx";
import { hashOf, type Place, usePlace } from "./place.ts";
import { BuildScreen } from "./screen/build.tsx";
import { BuildsScreen } from "./screen/builds.tsx";
import { DeploymentScreen } from "./screen/deployment.tsx";
import { HistoryScreen } from "./screen/history.tsx";
import { OverviewScreen } from "./screen/overview.tsx";
import { ProjectsScreen } from "./screen/projects.tsx";
import { SignedOutScreen } from "./screen/signed-out.tsx";
import { type Theme, useTheme } from "./theme.ts";

export function App({ live }: { live: Live }) {
  const known = useKnown(live);
  const place = usePlace();
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <Top place={place} link={known.link} />
      <main id="content" tabIndex={-1}>
        {known.link === "signed out" ? <SignedOutScreen /> : <Screen place={place} known={known} />}
      </main>
      <Heard known={known} />
      <Hatching />
    </>
  );
}

function Screen({ place, known }: { place: Place; known: Known }) {
  const { journal, link } = known;
  switch (place.screen) {
    case "overview":
      return <OverviewScreen journal={journal} isWaiting={link === "connecting"} />;
    case "deployment":
      return (
        <DeploymentScreen
          key={place.id}
          id={place.id}
          deployment={journal.deployments.get(place.id)}
          journal={journal}
          isWaiting={link === "connecting"}
        />
      );
    case "projects":
      return <ProjectsScreen chosen={place.project} />;
    case "builds":
      return <BuildsScreen />;
    case "build":
      return <BuildScreen key={place.id} id={place.id} />;
    case "history":
      return <HistoryScreen place={place} journal={journal} />;
  }
}

function Top({ place, link }: { place: Place; link: Link }) {
  const history: Place = { screen: "history", environment: "", outcome: "", search: "" };
  const current = (screen: Place["screen"]) => (place.screen === screen ? ("page" as const) : undefined);
  return (
    <header className="top">
      <a className="brand" href={hashOf({ screen: "overview" })}>
        <Icon name="gate" /> Sluice
      </a>
      <nav aria-label="Main">
        <a className="place" href={hashOf({ screen: "overview" })} aria-current={current("overview")}>
          Overview
        </a>
        <a className="place" href={hashOf(history)} aria-current={current("history")}>
          History
        </a>
        <a className="place" href={hashOf({ screen: "builds" })} aria-current={current("builds") ?? current("build")}>
          Builds
        </a>
        <a className="place" href={hashOf({ screen: "projects", project: "" })} aria-current={current("projects")}>
          Projects
        </a>
      </nav>
      <LinkState link={link} />
      <ThemeButton />
    </header>
  );
}

const linkWords: Record<Link, { readonly icon: IconName; readonly text: string }> = {
  connecting: { icon: "wait", text: "Connecting" },
  live: { icon: "live", text: "Live" },
  reconnecting: { icon: "lost", text: "Reconnecting" },
  "signed out": { icon: "lost", text: "Signed out" },
};

function LinkState({ link }: { link: Link }) {
  const { icon, text } = linkWords[link];
  return (
    <span className={`link-state is-${link.replace(" ", "-")}`} role="status">
      <Icon name={icon} /> {text}
    </span>
  );
}

const themeIcons: Record<Theme, IconName> = { auto: "auto", light: "sun", dark: "moon" };

function ThemeButton() {
  const [theme, turn] = useTheme();
  const label = `Colours: ${theme === "auto" ? "as the system" : theme}`;
  return (
    <button type="button" className="quiet" onClick={turn} aria-label={label} title={label}>
      <Icon name={themeIcons[theme]} />
    </button>
  );
}

/** Turns and outcomes, for those who listen instead of looking. */
function Heard({ known: { fresh, journal } }: { known: Known }) {
  const said = fresh.flatMap(({ fact, deployment }) => {
    const run = journal.deployments.get(deployment)?.run;
    return run === undefined ? [] : [`${run.environment}: ${tell(fact, run)}.`];
  });
  return (
    <p className="for-listeners" aria-live="polite">
      {said.join(" ")}
    </p>
  );
}

/** The candidate is hatched wherever it is drawn, so that its colour never speaks alone. */
function Hatching() {
  return (
    <svg className="for-listeners" aria-hidden="true">
      <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path d="M0 0V4" stroke="#fff" strokeWidth="1.6" strokeOpacity="0.38" />
      </pattern>
    </svg>
  );
}
