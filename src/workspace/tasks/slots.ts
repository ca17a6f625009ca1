// So many at once, and only while the memory that they say they need fits; first come, first served.

export type Slots = Readonly<{
  /** What needs more than there is runs alone. */
  within: <T>(needsMiB: number, act: () => Promise<T>) => Promise<T>;
}>;

export function openSlots(max: number, memoryMiB = Number.POSITIVE_INFINITY): Slots {
  const waiting: Readonly<{ needsMiB: number; start: () => void }>[] = [];
  let used = 0;
  let usedMiB = 0;
  const pump = () => {
    for (let first = waiting[0]; first && used < max; first = waiting[0]) {
      if (used > 0 && usedMiB + first.needsMiB > memoryMiB) return;
      waiting.shift();
      used++;
      usedMiB += first.needsMiB;
      first.start();
    }
  };
  return {
    async within(needsMiB, act) {
      await new Promise<void>((start) => {
        waiting.push({ needsMiB, start });
        pump();
      });
      try {
        return await act();
      } finally {
        used--;
        usedMiB -= needsMiB;
        pump();
      }
    },
  };
}
