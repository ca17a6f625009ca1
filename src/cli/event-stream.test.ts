import fc from "fast-check";
import { expect, test } from "vitest";
import { type Message, messagesOf } from "./event-stream.ts";

async function* inPieces(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (const [i, end] of places.slice(1).entries()) yield bytes.subarray(places[i], end);
}

const stream = ': hello\nid: 7\ndata: {"a":"é"}\n\nretry: 500\ndata: two\ndata: lines\n\ndata: cut off';

test("messages are the same however the stream is cut into pieces", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 6 }), async (cuts) => {
      const messages: Message[] = [];
      for await (const message of messagesOf(inPieces(stream, cuts))) messages.push(message);
      expect(messages).toEqual([
        { id: "7", data: '{"a":"é"}' },
        { id: "7", data: "two\nlines" },
      ]);
    }),
  );
});
