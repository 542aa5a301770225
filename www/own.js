// A lesson that a visitor brings along: a file that was dropped or chosen, or `?lesson-src=`, an address of the same
// origin. It is text and nothing else; what the text may be, the module decides, and says so with its line.
const LONGEST = 64 * 1024;
const SAID = {
  origin: ['only from the address of this page itself, not from {}', '只能来自本页面所在的站点，而不是 {}'],
  missing: ['{} is not there ({})', '{} 不存在（{}）'],
  long: ['it has more than 64 KiB', '超过 64 KiB'],
  text: ['it is no text in UTF-8', '不是 UTF-8 文本'],
};

/** The text, or else why there is none. */
export async function read(from, zh) {
  const no = (why, ...values) => [null, SAID[why][Number(zh)].replace(/\{\}/g, () => String(values.shift()).slice(0, 100))];
  try {
    if (typeof from !== 'string') return from.size > LONGEST ? no('long') : decoded(await from.arrayBuffer());
    const address = new URL(from, document.baseURI);
    if (address.origin !== location.origin) return no('origin', address.origin);
    const response = await fetch(address, { redirect: 'error' });
    if (!response.ok) return no('missing', from, response.status);
    const bytes = new Uint8Array(LONGEST);
    let length = 0;
    // No more of it is taken than is allowed, whatever the server says of its length.
    for await (const part of parts(response.body)) {
      if (length + part.length > LONGEST) return no('long');
      bytes.set(part, length);
      length += part.length;
    }
    return decoded(bytes.subarray(0, length));
  } catch (error) {
    return no('missing', typeof from === 'string' ? from : from.name, error.message);
  }

  function decoded(bytes) {
    try {
      return [new TextDecoder('utf-8', { fatal: true }).decode(bytes), null];
    } catch {
      return no('text');
    }
  }
}

async function* parts(stream) {
  const reader = stream.getReader();
  try {
    for (let part; !(part = await reader.read()).done; ) yield part.value;
  } finally {
    reader.cancel();
  }
}
