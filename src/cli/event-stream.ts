// Server-sent events as the standard writes them: blank line ends one, `data:` lines add up, comments are skipped.

export interface Message {
  readonly id?: string;
  readonly data: string;
}

export async function* messagesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  let id: string | undefined;
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    if (line === "") {
      if (data.length > 0) yield { ...(id === undefined ? {} : { id }), data: data.join("\n") };
      data = [];
      continue;
    }
    const [, field, value = ""] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "id") id = value;
    if (field === "data") data.push(value);
  }
}

/** Lines without their ends; one that is cut off at the end of the stream is left out. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
