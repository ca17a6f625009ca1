// A labelled input and the message that says what is wrong with it.
import { type InputHTMLAttributes, type ReactNode, useId } from "react";

type FieldProps = Readonly<{
  label: string;
  problem?: string | undefined;
  children: (id: string, isWrong: boolean) => ReactNode;
}>;

export function Field({ label, problem, children }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, problem !== undefined)}
      {problem && (
        <p className="wrong" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

type InputProps = Readonly<{ label: string; problem?: string | undefined }> & InputHTMLAttributes<HTMLInputElement>;

export function Input({ label, problem, ...input }: InputProps) {
  return (
    <Field label={label} problem={problem}>
      {(id, isWrong) => <input {...input} id={id} aria-invalid={isWrong} aria-describedby={`${id}-problem`} />}
    </Field>
  );
}
