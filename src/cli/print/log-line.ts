// One line that a replica printed, as the API's JSON says it.
import type { Colors } from "../screen.ts";

interface Line {
  readonly at?: number | string;
  readonly service?: string;
  readonly revision?: string;
  readonly replica?: string;
  readonly text?: string;
  readonly line?: string;
}

/** "api-3f2a9c1b40de/1  listening on 3000" */
export function logLine(json: string, colors: Colors): string {
  const { service, revision, replica, text, line } = parsed(json);
  const from = [revision ?? service, replica].filter((part) => part !== undefined).join("/");
  return `${colors.dim(from)}  ${text ?? line ?? json}`;
}

/** Only what was printed. */
export function logText(json: string): string {
  const { text, line } = parsed(json);
  return text ?? line ?? json;
}

function parsed(json: string): Line {
  try {
    return JSON.parse(json);
  } catch {
    return { text: json };
  }
}
