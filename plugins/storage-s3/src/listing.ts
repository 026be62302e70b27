const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : (all as string);
  });
}

/** The keys in an answer to ListObjectsV2, and the token of the next page if there is one. */
export function readListing(xml: string): { keys: string[]; next: string | undefined } {
  const keys = [...xml.matchAll(/<Contents>[^]*?<Key>([^<]*)<\/Key>/g)].map((found) => decode(found[1]!));
  const more = /<IsTruncated>\s*true\s*</.test(xml);
  const token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1];
  return { keys, next: more && token !== undefined ? decode(token) : undefined };
}
