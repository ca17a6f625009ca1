// Light, dark, or as the system says: a choice of the reader's, remembered by the browser.
import { useState } from "react";

export type Theme = "auto" | "light" | "dark";

const next: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };

export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(remembered);
  const turn = (): void => {
    const chosen = next[theme];
    setTheme(chosen);
    show(chosen);
    try {
      localStorage.setItem("sluice theme", chosen);
    } catch {
      // A browser that keeps nothing forgets the choice; the page works all the same.
    }
  };
  return [theme, turn];
}

export function show(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function remembered(): Theme {
  try {
    const kept = localStorage.getItem("sluice theme");
    return kept === "light" || kept === "dark" ? kept : "auto";
  } catch {
    return "auto";
  }
}
