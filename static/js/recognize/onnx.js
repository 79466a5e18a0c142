/** Reader of ONNX files: only metadata and float tensors, without an ONNX runtime. */

// Field numbers and the float type of onnx.proto.
const MODEL_FIELDS = { graph: 7, metadata: 14 };
const ENTRY_FIELDS = { key: 1, value: 2 };
const GRAPH_FIELDS = { initializer: 5 };
const TENSOR_FIELDS = { dims: 1, dataType: 2, name: 8, rawData: 9 };
const FLOAT = 1;

/** Return the metadata entries of an ONNX file by key. */
export function readMetadata(file) {
  const text = (entry, field) => new TextDecoder().decode(fieldsOf(entry, field)[0]);
  const entries = fieldsOf(file, MODEL_FIELDS.metadata).map((entry) => [
    text(entry, ENTRY_FIELDS.key),
    text(entry, ENTRY_FIELDS.value),
  ]);
  return Object.fromEntries(entries);
}

/** Return the float tensors of an ONNX file by name: Map of { shape, values }. */
export function readTensors(file) {
  const tensors = new Map();
  for (const graph of fieldsOf(file, MODEL_FIELDS.graph)) {
    for (const content of fieldsOf(graph, GRAPH_FIELDS.initializer)) {
      const [type] = fieldsOf(content, TENSOR_FIELDS.dataType);
      if (type !== FLOAT) continue;
      const [name] = fieldsOf(content, TENSOR_FIELDS.name);
      const [raw] = fieldsOf(content, TENSOR_FIELDS.rawData);
      const shape = fieldsOf(content, TENSOR_FIELDS.dims).flatMap(integers);
      tensors.set(new TextDecoder().decode(name), { shape, values: floats(raw) });
    }
  }
  return tensors;
}

/** Copy float32 bytes to Float64Array: arithmetic without conversion, and bytes may be unaligned. */
function floats(raw = new Uint8Array()) {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Return repeated integers, which protobuf stores one per field or packed into one. */
function integers(value) {
  if (typeof value === "number") return [value];
  const numbers = [];
  for (let at = 0, number; at < value.length; numbers.push(number)) [number, at] = varint(value, at);
  return numbers;
}

/** Return all values of one protobuf field: numbers, or bytes of length-delimited values. */
function fieldsOf(message, wanted) {
  const values = [];
  for (let at = 0, key; at < message.length; ) {
    [key, at] = varint(message, at);
    const [value, next] = readValue(message, at, key & 7);
    if (key >>> 3 === wanted) values.push(value);
    at = next;
  }
  return values;
}

function readValue(message, at, wireType) {
  if (wireType === 0) return varint(message, at);
  if (wireType === 1) return [null, at + 8];
  if (wireType === 5) return [null, at + 4];
  if (wireType !== 2) throw new Error("This is not a model file.");
  const [length, start] = varint(message, at);
  return [message.subarray(start, start + length), start + length];
}

/** Read seven bits per byte, lowest first. Multiplies, because shifts overflow at 32 bits. */
function varint(bytes, at) {
  let [value, scale] = [0, 1];
  for (; bytes[at] & 128; at++, scale *= 128) value += (bytes[at] & 127) * scale;
  return [value + (bytes[at] ?? 0) * scale, at + 1];
}
