// Why there is no answer, and what to do.
import type { Refusal } from "../api.ts";

export function Refused({ refusal }: { refusal: Refusal | undefined }) {
  return (
    <p role="alert" className="refusal">
      {refusal !== undefined && `${refusal.so}. ${refusal.mend}`}
    </p>
  );
}
