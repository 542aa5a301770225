// RESP as values: what a server sent, with the type of each reply. The types are in ringside-engine.d.ts.

const plain = new TextDecoder('utf-8', { fatal: true });

/** Bytes as text; those that are no UTF-8 stay bytes. */
function text(bytes) {
  try {
    return plain.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

const SIMPLE = { '+': 'simple', '-': 'error', ',': 'double', '(': 'big-number' };
const GROUPS = { '*': 'array', '~': 'set', '>': 'push', '%': 'map' };

/** A whole number; a BigInt where it does not fit into a number. */
const whole = (digits) => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits));

/** All replies in the bytes. */
export function replies(bytes) {
  let at = 0;
  const line = () => {
    const end = bytes.indexOf(13, at);
    if (end < 0) throw new RangeError('the reply is not complete');
    const found = bytes.subarray(at, end);
    at = end + 2;
    return text(found);
  };
  const blob = (length) => {
    const found = bytes.subarray(at, at + length);
    at += length + 2;
    return text(found);
  };
  const one = () => {
    const mark = String.fromCharCode(bytes[at++]);
    const word = line();
    if (mark in SIMPLE) return { type: SIMPLE[mark], value: mark === ',' ? number(word) : mark === '(' ? BigInt(word) : word };
    if (mark === ':') return { type: 'integer', value: whole(word) };
    if (mark === '#') return { type: 'boolean', value: word === 't' };
    if (mark === '_' || word === '-1') return { type: 'null', value: null };
    if (mark === '$') return { type: 'bulk', value: blob(Number(word)) };
    if (mark === '=') return { type: 'verbatim', value: blob(Number(word)).slice(4) };
    if (!(mark in GROUPS)) throw new RangeError(`no reply begins with '${mark}'`);
    const items = Array.from({ length: Number(word) * (mark === '%' ? 2 : 1) }, one);
    const pairs = () => Array.from({ length: items.length / 2 }, (_, i) => items.slice(2 * i, 2 * i + 2));
    return { type: GROUPS[mark], value: mark === '%' ? pairs() : items };
  };
  const all = [];
  while (at < bytes.length) all.push(one());
  return all;
}

const number = (word) => ({ inf: Infinity, '-inf': -Infinity })[word] ?? Number(word);
