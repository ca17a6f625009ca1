// Random draws that are the same on every machine: a canary is a pure function of (seed text, number).

export interface Random {
  /** [0, 1) */
  uniform(): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** Mean 1. */
  exponential(): number;
  /** 1, 2, 3 …, of this mean. */
  geometric(mean: number): number;
}

export function random(seed: string): Random {
  const uniform = sfc32(seed);
  let spare: number | null = null;
  return {
    uniform,
    exponential: () => -Math.log1p(-uniform()),
    geometric: (mean) => (mean <= 1 ? 1 : 1 + Math.floor(Math.log1p(-uniform()) / Math.log1p(-1 / mean))),
    normal() {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
  };
}

/** Chris Doty-Humphrey's Small Fast Counter, seeded by four FNV-1a hashes of the text. */
function sfc32(seed: string): () => number {
  let [a, b, c, d] = [1, 2, 3, 4].map((salt) => fnv1a(`${salt}:${seed}`)) as [number, number, number, number];
  const next = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}
