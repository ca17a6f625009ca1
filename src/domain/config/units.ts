// One unit for each quantity inside Sluice: milliseconds, millicores, MiB, percent. The field's spellings come in,
// the canonical spelling goes out; `read` of what `write` gave is the same number.
import type { Ms, Percent } from "../frame.ts";

export interface Unit {
  /** The number in Sluice's unit, or undefined when the spelling is none of the field's. */
  readonly read: (spelling: string | number) => number | undefined;
  readonly write: (value: number) => string | number;
  /** What it is called and how to write it, for problems: "is not a duration" · `Write "30s" or "5m"`. */
  readonly name: string;
  readonly mend: string;
}

const msPer: Readonly<Record<string, Ms>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const longest: Ms = 30 * 86_400_000;

/** "250ms", "30s", "5m", "1h30m", "2d"; at most 30 days. A bare number says no unit, so it is refused. */
export const duration: Unit = {
  name: "a duration",
  mend: 'Write a number with ms, s, m, h or d: "250ms", "30s", "5m", "1h30m" (at most "30d")',
  read: (spelling) => {
    if (typeof spelling !== "string" || !/^(\d+(\.\d+)?(ms|s|m|h|d)\s*)+$/.test(spelling)) return undefined;
    const parts = [...spelling.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (msPer[unit ?? ""] ?? Number.NaN), 0);
    return Number.isInteger(total) && total <= longest ? total : undefined;
  },
  write: formatMs,
};

/** "1m30s": the largest units first, none that is zero. */
export function formatMs(value: Ms): string {
  const spelled = Object.entries(msPer)
    .toReversed()
    .reduce(
      ({ left, text }, [unit, size]) => {
        const count = Math.floor(left / size);
        return { left: left - count * size, text: count > 0 ? `${text}${count}${unit}` : text };
      },
      { left: value, text: "" },
    );
  return spelled.text || "0s";
}

/** "250m" (Kubernetes), 0.5 and "0.5" (cores), "0.5 vCPU" (AWS). */
export const cpu: Unit = {
  name: "an amount of CPU",
  mend: 'Write "250m" (millicores), 0.5 (cores) or "0.5 vCPU"; from "1m" to "256"',
  read: (spelling) => {
    const [, count, unit] = /^(\d+(?:\.\d+)?)\s*(m|v?[cC][pP][uU]|cores?)?$/.exec(String(spelling).trim()) ?? [];
    if (count === undefined) return undefined;
    const millicores = Math.round(unit === "m" ? Number(count) : Number(count) * 1000);
    return millicores >= 1 && millicores <= 256_000 ? millicores : undefined;
  },
  write: (millicores) => `${millicores}m`,
};

// Each spelling means what it means where it comes from: Kubernetes' M and G are decimal, AWS's MB and GB binary.
const bytesPer: Readonly<Record<string, number>> = {
  ki: 2 ** 10,
  mi: 2 ** 20,
  mib: 2 ** 20,
  mb: 2 ** 20,
  gi: 2 ** 30,
  gib: 2 ** 30,
  gb: 2 ** 30,
  m: 1e6,
  g: 1e9,
};

/** "512Mi", "1Gi", "512M", "1G" (Kubernetes), "512MB", "1GB" (AWS: 1 GB is 1024 MiB), 512 (MiB); rounded up to MiB. */
export const memory: Unit = {
  name: "an amount of memory",
  mend: 'Write "512Mi", "1Gi", "1GB" or a number of MiB; from 4 MiB to 4 TiB',
  read: (spelling) => {
    const [, count, unit = "mi"] = /^(\d+(?:\.\d+)?)\s*([kmg]i?b?)?$/i.exec(String(spelling).trim()) ?? [];
    const size = bytesPer[unit.toLowerCase()];
    if (count === undefined || size === undefined) return undefined;
    const mib = Math.ceil((Number(count) * size) / 2 ** 20);
    return mib >= 4 && mib <= 4 * 2 ** 20 ? mib : undefined;
  },
  write: (mib) => (mib % 1024 === 0 ? `${mib / 1024}Gi` : `${mib}Mi`),
};

/** "64KB", "10MB", 512 (bytes): lengths of messages, where 1 KB is 1024 bytes. */
export const size: Unit = {
  name: "a size",
  mend: 'Write "64KB", "10MB", "1GB" or a number of bytes',
  read: (spelling) => {
    const [, count, unit = "b"] = /^(\d+(?:\.\d+)?)\s*([kmg]?b)?$/i.exec(String(spelling).trim()) ?? [];
    const bytes = Math.round(Number(count) * 1024 ** " kmg".indexOf(unit.toLowerCase().replace(/b$/, "") || " "));
    return count !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined;
  },
  write: (bytes) => {
    const power = [3, 2, 1].find((n) => bytes > 0 && bytes % 1024 ** n === 0) ?? 0;
    return `${bytes / 1024 ** power}${["B", "KB", "MB", "GB"][power]}`;
  },
};

/** 25 or "25%", from 0 to 100. */
export const percent: Unit = {
  name: "a percentage",
  mend: 'Write a number from 0 to 100, or "25%"',
  read: (spelling) => {
    const [, count] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(String(spelling).trim()) ?? [];
    const value: Percent = Number(count);
    return count !== undefined && value <= 100 ? value : undefined;
  },
  write: (value) => value,
};
