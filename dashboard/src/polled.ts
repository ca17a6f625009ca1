// What the journal does not hold (what a step waits for just now, lines that replicas print) is asked for again and
// again while somebody looks.
import { useEffect, useRef, useState } from "react";
import type { Answer, Refusal } from "./api.ts";

/** The last answer; `key` names the question, and undefined asks nothing. An answer of undefined keeps the last one. */
export function usePolled<T>(
  key: string | undefined,
  look: () => Promise<T | undefined>,
  everyMs: number,
): T | undefined {
  const [seen, setSeen] = useState<{ readonly key: string; readonly value: T }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for everything that the question depends on
  useEffect(() => {
    if (key === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const round = async (): Promise<void> => {
      const value = document.hidden ? undefined : await look();
      if (isOver) return;
      if (value !== undefined) setSeen({ key, value });
      timer = setTimeout(round, everyMs);
    };
    round();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, everyMs]);
  return seen !== undefined && seen.key === key ? seen.value : undefined;
}

/** The last good answer, and why there is none just now. */
export function useAsked<T>(
  key: string,
  look: () => Promise<Answer<T>>,
  everyMs: number,
): { readonly seen: T | undefined; readonly refusal: Refusal | undefined } {
  const good = useRef<{ readonly key: string; readonly value: T }>(undefined);
  const answer = usePolled(key, look, everyMs);
  if (answer?.ok === true) good.current = { key, value: answer.value };
  return {
    seen: good.current?.key === key ? good.current.value : undefined,
    refusal: answer?.ok === false ? answer.refusal : undefined,
  };
}
