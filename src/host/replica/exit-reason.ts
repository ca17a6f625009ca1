// Why a replica ended, in plain words.
import { constants } from "node:os";

export interface Ending {
  /** As a shell reports it: a code, or 128 + the signal's number; undefined when nobody could see it. */
  readonly status: number | undefined;
  readonly livedMs: number;
  readonly program: string;
  /** Set when it was the host that ended it. */
  readonly stoppedBecause?: string;
}

export function exitReason(ending: Ending): string {
  const lived = `after ${livedFor(ending.livedMs)}`;
  if (ending.stoppedBecause !== undefined) return `${ending.stoppedBecause} ${lived}`;
  if (ending.status === undefined) return `ended without leaving an exit status ${lived}`;
  if (ending.status === 127) return `start command "${ending.program}" was not found`;
  if (ending.status === 126) return `start command "${ending.program}" may not be executed`;
  const signal = ending.status > 128 ? signalName(ending.status - 128) : undefined;
  return signal === undefined ? `exited with code ${ending.status} ${lived}` : `killed by ${signal} ${lived}`;
}

export function livedFor(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
