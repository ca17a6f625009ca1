// The dialog in which an expense is recorded, changed or deleted.
import { Category, categories, type Expense, type ExpenseDraft } from "@tally/contracts/expenses";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ApiError } from "./api.ts";
import { Field, Input } from "./field.tsx";
import { parseMoney } from "./format.ts";

type ExpenseFormProps = Readonly<{
  /** The expense to change; none, to record a new one. */
  expense: Expense | undefined;
  day: string;
  currency: string;
  onSave: (draft: ExpenseDraft) => Promise<void>;
  onDelete: () => Promise<void>;
  onClose: () => void;
}>;

export function ExpenseForm({ expense, day, currency, onSave, onDelete, onClose }: ExpenseFormProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [fields, setFields] = useState<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = useState<string>();
  useEffect(() => dialog.current?.showModal(), []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const amountCents = parseMoney(String(form.get("amount")));
    if (!amountCents) return setFields({ amountCents: "Give an amount, such as 12.50" });
    setBusy(true);
    setFields({});
    setProblem(undefined);
    try {
      await onSave({
        amountCents,
        category: Category.parse(form.get("category")),
        note: String(form.get("note")),
        spentOn: String(form.get("spentOn")),
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFields(error.fields);
      if (Object.keys(error.fields).length === 0) setProblem(error.message);
      setBusy(false);
    }
  }

  return (
    <dialog ref={dialog} className="sheet" aria-labelledby="sheet" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <h2 id="sheet">{expense ? "Change expense" : "New expense"}</h2>
        <Input
          label={`Amount in ${currency}`}
          name="amount"
          inputMode="decimal"
          autoComplete="off"
          placeholder="0.00"
          className="amount"
          defaultValue={expense ? (expense.amountCents / 100).toFixed(2) : ""}
          problem={fields.amountCents}
          autoFocus
        />
        <fieldset className="field">
          <legend>Category</legend>
          <div className="choices">
            {categories.map((category) => (
              <label key={category}>
                <input
                  type="radio"
                  name="category"
                  value={category}
                  defaultChecked={category === (expense?.category ?? categories[0])}
                />
                <span>
                  <span className="dot" data-category={category} aria-hidden="true" /> {category}
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <Field label="Day" problem={fields.spentOn}>
          {(id) => <input id={id} type="date" name="spentOn" defaultValue={expense?.spentOn ?? day} required />}
        </Field>
        <Input
          label="Note"
          name="note"
          maxLength={200}
          defaultValue={expense?.note}
          problem={fields.note}
          placeholder="Optional"
        />
        {problem && (
          <p className="wrong" role="alert">
            {problem}
          </p>
        )}
        <div className="actions">
          {expense && (
            <button type="button" className="danger" disabled={isBusy} onClick={() => void onDelete()}>
              Delete
            </button>
          )}
          <span className="gap" />
          <button type="button" className="quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" disabled={isBusy}>
            Save
          </button>
        </div>
      </form>
    </dialog>
  );
}
