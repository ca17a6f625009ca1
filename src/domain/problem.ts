// Two kinds of error. A Problem is for a person; Temporary is for the engine, which waits. All else is a bug.

/** What is so, with names and values; then what to do about it. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly mend: string;
  constructor(so: string, mend: string) {
    super(so);
    this.mend = mend;
  }
}

/** The other side could not answer just now (timeout, connection refused, 503): the engine tries again. */
export class Temporary extends Error {
  override readonly name = "Temporary";
}
