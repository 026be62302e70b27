/** Key of the object that stands for a number JSON has no word for. */
const NUMBER = '$number';

/**
 * A deep copy that JSON can hold: NaN and infinities become `{ $number: 'NaN' }`, undefined members are dropped.
 * @throws TypeError naming the first value that is neither plain nor JSON, or an object that contains itself
 */
export function encodeJson(value: unknown, path = '', above: readonly object[] = []): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { [NUMBER]: String(value) };
  if (typeof value !== 'object') throw new TypeError(`${path || 'the value'} is a ${typeof value}`);
  if (above.includes(value)) throw new TypeError(`${path || 'the value'} contains itself`);
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((item, i) => encodeJson(item ?? null, `${path}[${i}]`, inside));
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${path || 'the value'} is a ${prototype.constructor?.name ?? 'class instance'}`);
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.map(([key, member]) => [key, encodeJson(member, path ? `${path}.${key}` : key, inside)]),
  );
}

/** Undoes {@link encodeJson}. */
export function decodeJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decodeJson);
  const members = Object.entries(value);
  if (members.length === 1 && members[0]![0] === NUMBER) return Number(members[0]![1]);
  return Object.fromEntries(members.map(([key, member]) => [key, decodeJson(member)]));
}
