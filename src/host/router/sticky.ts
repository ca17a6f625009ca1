// Sessions that stay with a revision and yet follow the weights. The cookie holds no revision but a place on the line from
// 0 to 100, and the weights cut that line: when a candidate grows from 10 to 50, those who had it keep it, the next 40 come
// over, and when it falls to 0 all go back, with no cookie changed. The first request draws (exactly, as without sessions)
// and gets a place inside the piece that it drew. Signed, so that nobody chooses a revision for himself.
import { createHmac, randomInt } from "node:crypto";

interface Piece {
  readonly id: string;
  readonly weight: number;
}

const places = 10_000;

export class Sticky {
  private readonly settings: { readonly cookie: string; readonly secret: string; readonly maxAgeSeconds?: number };
  private readonly service: string;
  private readonly pieces: readonly { readonly id: string; readonly from: number; readonly to: number }[];
  private readonly signatures = new Map<number, string>();

  constructor(settings: Sticky["settings"], o: { service: string; drawn: readonly Piece[] }) {
    this.settings = settings;
    this.service = o.service;
    const sum = o.drawn.reduce((all, piece) => all + piece.weight, 0);
    let from = 0;
    // By name: the same order after a restart, whatever the table's.
    this.pieces = [...o.drawn]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, weight }) => {
        const piece = { id, from, to: from + Math.round((weight / sum) * places) };
        from = piece.to;
        return piece;
      });
  }

  get cookie(): string {
    return this.settings.cookie;
  }

  /** The revision that a session's cookie stands for now, if the cookie is ours. */
  revisionOf(value: string): string | undefined {
    const [text = "", signature] = value.split(".");
    const place = /^\d{1,4}$/.test(text) ? Number(text) : -1;
    if (place < 0 || signature !== this.sign(place)) return undefined;
    return (this.pieces.find((p) => place < p.to) ?? this.pieces.at(-1))?.id;
  }

  /** A Set-Cookie line for a session that begins with this revision. */
  setCookie(revision: string, isSecure: boolean): string {
    const piece = this.pieces.find((p) => p.id === revision);
    if (!piece || piece.to <= piece.from) return "";
    const place = randomInt(piece.from, piece.to);
    const age = this.settings.maxAgeSeconds ?? 86_400;
    const secure = isSecure ? "; Secure" : "";
    return `Set-Cookie: ${this.settings.cookie}=${place}.${this.sign(place)}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}\r\n`;
  }

  private sign(place: number): string {
    let signature = this.signatures.get(place);
    if (signature === undefined) {
      const hmac = createHmac("sha256", this.settings.secret).update(`${this.service} ${place}`);
      signature = hmac.digest("base64url").slice(0, 22);
      this.signatures.set(place, signature);
    }
    return signature;
  }
}
