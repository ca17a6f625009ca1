// Reads protobuf messages by a table of their fields: the handful that metrics are made of. A library would bring a code
// generator, or all of OpenTelemetry; this is the wire format's four kinds of field (protobuf.dev, "Encoding").

export type Message = { [name: string]: unknown };

type Scalar = "string" | "double" | "fixed64" | "sfixed64" | "int64" | "uint64" | "sint32" | "bool";
interface Field {
  readonly name: string;
  readonly type: Scalar | Fields;
  readonly isRepeated?: true;
}
export type Fields = { readonly [number: number]: Field };

/** Fields that are not in the table are passed over. Numbers beyond 2^53 lose their last digits: counts and times do not need them. */
export function decode(bytes: Buffer, fields: Fields): Message {
  const message: Message = {};
  const at = { offset: 0 };
  while (at.offset < bytes.length) {
    const tag = Number(varint(bytes, at));
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const field = fields[number];
    if (field === undefined) skip(bytes, at, wire);
    else if (field.isRepeated === true) {
      const before = message[field.name];
      message[field.name] = [...(Array.isArray(before) ? before : []), ...repeated(bytes, at, { wire, field })];
    } else message[field.name] = value(bytes, at, { wire, field });
  }
  return message;
}

type At = { offset: number };
interface Read {
  readonly wire: number;
  readonly field: Field;
}

/** Numbers may be packed into one field of length n. */
function repeated(bytes: Buffer, at: At, { wire, field }: Read): readonly unknown[] {
  const isPacked = wire === 2 && typeof field.type === "string" && field.type !== "string";
  if (!isPacked) return [value(bytes, at, { wire, field })];
  const end = lengthOf(bytes, at) + at.offset;
  const values: unknown[] = [];
  while (at.offset < end) values.push(scalar(bytes, at, field.type as Scalar));
  return values;
}

function value(bytes: Buffer, at: At, { field }: Read): unknown {
  if (typeof field.type === "string") return scalar(bytes, at, field.type);
  const length = lengthOf(bytes, at);
  const inner = bytes.subarray(at.offset, at.offset + length);
  at.offset += length;
  return decode(inner, field.type);
}

function scalar(bytes: Buffer, at: At, type: Scalar): string | number | boolean {
  switch (type) {
    case "string": {
      const length = lengthOf(bytes, at);
      at.offset += length;
      return bytes.toString("utf8", at.offset - length, at.offset);
    }
    case "double":
      return bytes.readDoubleLE(eight(bytes, at));
    case "fixed64":
      return Number(bytes.readBigUInt64LE(eight(bytes, at)));
    case "sfixed64":
      return Number(bytes.readBigInt64LE(eight(bytes, at)));
    case "int64":
      return Number(BigInt.asIntN(64, varint(bytes, at)));
    case "uint64":
      return Number(varint(bytes, at));
    case "sint32": {
      const zigzag = Number(varint(bytes, at));
      return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    case "bool":
      return varint(bytes, at) !== 0n;
  }
}

function eight(bytes: Buffer, at: At): number {
  at.offset += 8;
  if (at.offset > bytes.length) throw new RangeError("the message ends within a number");
  return at.offset - 8;
}

function lengthOf(bytes: Buffer, at: At): number {
  const length = Number(varint(bytes, at));
  if (at.offset + length > bytes.length) throw new RangeError("the message ends within a field");
  return length;
}

function varint(bytes: Buffer, at: At): bigint {
  let result = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at.offset++];
    if (byte === undefined) throw new RangeError("the message ends within a number");
    result |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, result);
  }
  throw new RangeError("a number is too long");
}

function skip(bytes: Buffer, at: At, wire: number): void {
  if (wire === 0) varint(bytes, at);
  else if (wire === 1) eight(bytes, at);
  else if (wire === 2) at.offset = lengthOf(bytes, at) + at.offset;
  else if (wire === 5) at.offset += 4;
  else throw new RangeError(`wire type ${wire} is not in use`);
}
