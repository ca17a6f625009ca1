// What k of n says about the share behind it.

/** Clopper and Pearson's exact interval of a share, 0 … 1; it misses with chance `miss` at most. */
export function shareBetween(k: number, n: number, miss: number): readonly [number, number] {
  const solve = (isBelow: (p: number) => boolean) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (isBelow(middle)) low = middle;
      else high = middle;
    }
    return low;
  };
  const lower = k === 0 ? 0 : solve((p) => 1 - cumulative(k - 1, n, p) < miss / 2);
  return [lower, k === n ? 1 : solve((p) => cumulative(k, n, p) > miss / 2)];
}

/** P(at most k of n). */
function cumulative(k: number, n: number, p: number): number {
  let term = n * Math.log1p(-p);
  let sum = Math.exp(term);
  for (let i = 1; i <= k; i++) {
    term += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(term);
  }
  return sum;
}
