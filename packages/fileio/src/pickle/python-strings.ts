/** Python's escapes in the line of a unicode string of protocol 0. */
export function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2}))/g, (all, u, big, x) => {
    const code = Number.parseInt((u ?? big ?? x) as string, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** A Python string literal of protocol 0. */
export function unquote(text: string): string {
  const inner = /^(['"])([^]*)\1$/.exec(text.trim())?.[2] ?? text;
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };
  return unescape(inner.replace(/\\([nrt\\'"])/g, (_, letter: string) => named[letter]!));
}
