// The verbs that a person may use now. Those that are not easily taken back ask first, and keep the reason.
import { type FormEvent, useEffect, useRef, useState } from "react";
import { command, type Refusal } from "../api.ts";
import type { Verb } from "../view/verb.ts";

export function Verbs({ deployment, verbs }: { deployment: string; verbs: readonly Verb[] }) {
  const [asking, setAsking] = useState<Verb>();
  const [refusal, setRefusal] = useState<Refusal>();
  const act = async (verb: Verb, reason: string): Promise<void> => {
    setAsking(undefined);
    const text = reason.trim();
    const answer = await command(deployment, verb.name, text === "" ? {} : { reason: text });
    setRefusal(answer.ok ? undefined : answer.refusal);
  };
  const press = (verb: Verb): void => {
    if (verb.confirm === undefined) act(verb, "");
    else setAsking(verb);
  };
  return (
    <div className="verbs">
      {verbs.map((verb) => (
        <button key={verb.name} type="button" className={`verb is-${verb.tone}`} onClick={() => press(verb)}>
          {verb.label}
        </button>
      ))}
      <p role="alert" className="refusal">
        {refusal !== undefined && `${refusal.so}. ${refusal.mend}`}
      </p>
      {asking !== undefined && <Asking verb={asking} cancel={() => setAsking(undefined)} act={act} />}
    </div>
  );
}

interface AskingProps {
  readonly verb: Verb;
  readonly cancel: () => void;
  readonly act: (verb: Verb, reason: string) => void;
}

function Asking({ verb, cancel, act }: AskingProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    act(verb, reason);
  };
  return (
    <dialog ref={dialog} onClose={cancel} aria-labelledby="asking">
      <form onSubmit={submit}>
        <h2 id="asking">{verb.label}?</h2>
        <p>{verb.confirm}</p>
        {verb.reason !== "none" && (
          <label>
            Why{verb.reason === "may" ? " (if you like)" : ""}
            <input
              value={reason}
              required={verb.reason === "must"}
              maxLength={500}
              onChange={(e) => setReason(e.target.value)}
            />
          </label>
        )}
        <div className="choices">
          <button type="button" className="verb is-plain" onClick={cancel}>
            Leave it
          </button>
          <button type="submit" className={`verb is-${verb.tone}`}>
            {verb.label}
          </button>
        </div>
      </form>
    </dialog>
  );
}
