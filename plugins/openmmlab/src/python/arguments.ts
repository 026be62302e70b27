import { raise } from './errors.js';
import { typeName, type CallArguments, type Value } from './values.js';

/** An argument by its place or its name; undefined when it is not given. */
export function getArgument(
  { items, named }: CallArguments,
  index: number,
  name?: string,
): Value | undefined {
  return items[index] ?? (items.length > index ? null : name === undefined ? undefined : named.get(name));
}

export function requiredArgument(args: CallArguments, index: number, name?: string): Value {
  const value = getArgument(args, index, name);
  return value === undefined ? raise('TypeError', `argument ${index + 1} is missing`) : value;
}

export function textArgument(args: CallArguments, index: number): string {
  const value = requiredArgument(args, index);
  return typeof value === 'string' ? value : raise('TypeError', `a str is needed, not ${typeName(value)}`);
}

export function integerArgument(
  args: CallArguments,
  index: number,
  otherwise?: bigint,
  name?: string,
): bigint {
  const value = getArgument(args, index, name) ?? otherwise;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return raise('TypeError', `an int is needed, not ${value === undefined ? 'nothing' : typeName(value)}`);
}
