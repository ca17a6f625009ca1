// Whether a schedule of a job can be kept: cron fields and time zones.
import { Cron } from "croner";

/** Five fields that some moment fits. */
export function isCron(text: string): boolean {
  try {
    new Cron(text, { timezone: "UTC", mode: "5-part", paused: true });
    return true;
  } catch {
    return false;
  }
}

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
