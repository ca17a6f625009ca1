// Where the reader is, kept behind the "#" of the address: it can be linked, and the server serves one document.
import { useSyncExternalStore } from "react";

export type Place =
  | { readonly screen: "overview" }
  | { readonly screen: "deployment"; readonly id: string }
  | { readonly screen: "projects"; readonly project: string }
  | { readonly screen: "builds" }
  | { readonly screen: "build"; readonly id: string }
  | { readonly screen: "history"; readonly environment: string; readonly outcome: string; readonly search: string };

export function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen, id] = path.split("/");
  const params = new URLSearchParams(query);
  if (screen === "deployments" && id !== undefined && id !== "") {
    return { screen: "deployment", id: decodeURIComponent(id) };
  }
  if (screen === "projects") return { screen, project: decodeURIComponent(id ?? "") };
  if (screen === "builds") return id === undefined || id === "" ? { screen } : { screen: "build", id };
  if (screen === "history") {
    const value = (key: string): string => params.get(key) ?? "";
    return {
      screen: "history",
      environment: value("environment"),
      outcome: value("outcome"),
      search: value("search"),
    };
  }
  return { screen: "overview" };
}

export function hashOf(place: Place): string {
  switch (place.screen) {
    case "overview":
      return "#/";
    case "deployment":
      return `#/deployments/${encodeURIComponent(place.id)}`;
    case "projects":
      return place.project === "" ? "#/projects" : `#/projects/${encodeURIComponent(place.project)}`;
    case "builds":
      return "#/builds";
    case "build":
      return `#/builds/${place.id}`;
    case "history": {
      const { environment, outcome, search } = place;
      const query = new URLSearchParams(Object.entries({ environment, outcome, search }).filter(([, v]) => v !== ""));
      return query.size === 0 ? "#/history" : `#/history?${query}`;
    }
  }
}

export function usePlace(): Place {
  return placeOf(useSyncExternalStore(onHash, () => window.location.hash));
}

function onHash(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Filters change the address without a new entry to go back through. */
export function replacePlace(place: Place): void {
  window.history.replaceState(null, "", hashOf(place));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
