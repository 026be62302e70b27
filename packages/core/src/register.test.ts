import { expect, it } from 'vitest';
import { register, Registry } from './index.js';

it('registers through legacy decorators, under the class name or a given one', () => {
  const parts = new Registry<unknown>('PARTS');

  @register(parts)
  class Plain {}

  @register(parts, { name: 'Named', aliases: ['Alias'], from: 'here' })
  class Other {}

  expect(parts.get('Plain')).toBe(Plain);
  expect(parts.get('Named')).toBe(Other);
  expect(parts.get('Alias')).toBe(Other);
  expect(parts.get('Other')).toBeUndefined();
});

it('registers through TC39 decorator calls and leaves the class as it is', () => {
  const parts = new Registry<unknown>('PARTS');
  class Net {}
  const result: unknown = register(parts)(Net, {
    kind: 'class',
    name: 'Net',
    addInitializer: () => undefined,
  });
  expect(result).toBeUndefined();
  expect(parts.get('Net')).toBe(Net);
});

it('refuses anything but a class', () => {
  const parts = new Registry<unknown>('PARTS');
  expect(() => register(parts)(() => 1, { kind: 'method' })).toThrow(/E_REGISTER_TARGET.*a method/s);
  expect(() => register(parts)({} as never)).toThrow('E_REGISTER_TARGET');
});
