import { describe, expect, it } from 'vitest';
import {
  buildFromConfig,
  configOf,
  extendRegistries,
  HOOKS,
  MODELS,
  Registry,
  ROOT_REGISTRIES,
  withScope,
} from './index.js';

class Cat {
  constructor(readonly options: Record<string, unknown> = {}) {}
}
class Dog extends Cat {}

/** engine → mid → leaf, and engine → other. */
function family() {
  const root = new Registry<unknown>('ANIMALS');
  const mid = new Registry<unknown>('ANIMALS', { parent: root, scope: 'mid' });
  const leaf = new Registry<unknown>('ANIMALS', { parent: mid, scope: 'leaf' });
  const other = new Registry<unknown>('ANIMALS', { parent: root, scope: 'other' });
  return { root, mid, leaf, other };
}

describe('Registry names', () => {
  it('counts aliases, and finds the same entry under each', () => {
    const { root } = family();
    root.add('Cat', Cat, { aliases: ['Kitten'] });
    expect(root.size).toBe(2);
    expect(root.get('Kitten')).toBe(root.get('Cat'));
  });

  it('holds functions and bound functions under explicit names', () => {
    const { root } = family();
    const bound = ((a: number, options: { b: number }) => a + options.b).bind(null, 40);
    root.add('lambda', () => 1);
    root.add('bound', bound);
    expect(root.build({ type: 'lambda' })).toBe(1);
    expect(root.build({ type: 'bound', b: 2 })).toBe(42);
  });

  it('refuses a taken name unless forced, and accepts the same entry again', () => {
    const { root } = family();
    root.add('Cat', Cat);
    root.add('Cat', Cat);
    expect(() => root.add('Cat', Dog)).toThrow(/E_REGISTRY_DUPLICATE.*'Cat' is already registered/s);
    root.add('Cat', Dog, { force: true });
    expect(root.get('Cat')).toBe(Dog);
  });

  it('refuses what is no class or function, and empty names', () => {
    const { root } = family();
    expect(() => root.add('x', 3 as never)).toThrow('E_REGISTRY_ENTRY');
    expect(() => root.add('', Cat)).toThrow('E_REGISTRY_NAME');
  });

  it('refuses a second child of one scope', () => {
    const { root } = family();
    expect(() => new Registry('ANIMALS', { parent: root, scope: 'mid' })).toThrow('E_REGISTRY_SCOPE_TAKEN');
  });
});

describe('Registry look-up', () => {
  it('finds plain names here and upwards, never in siblings or below', () => {
    const { root, mid, leaf, other } = family();
    root.add('Cat', Cat);
    mid.add('Dog', Dog);
    expect(leaf.get('Cat')).toBe(Cat);
    expect(leaf.get('Dog')).toBe(Dog);
    expect(root.get('Dog')).toBeUndefined();
    expect(other.get('Dog')).toBeUndefined();
  });

  it('finds scoped names from anywhere, nested scopes included', () => {
    const { root, mid, leaf, other } = family();
    leaf.add('Beagle', Dog);
    expect(root.get('mid.leaf.Beagle')).toBe(Dog);
    expect(mid.get('leaf.Beagle')).toBe(Dog);
    expect(other.get('mid.leaf.Beagle')).toBe(Dog);
    expect(leaf.get('leaf.Beagle')).toBe(Dog);
  });

  it('gives undefined for a wrong scope or nesting', () => {
    const { root, leaf } = family();
    leaf.add('Beagle', Dog);
    expect(root.get('leaf.Beagle')).toBeUndefined();
    expect(root.get('mid.Beagle')).toBeUndefined();
    expect(root.get('nowhere.Beagle')).toBeUndefined();
    expect(root.has('nowhere.Beagle')).toBe(false);
  });

  it('says what is near when a name is unknown', () => {
    const { root, mid } = family();
    root.add('AdamW', Cat);
    mid.add('Dog', Dog);
    expect(() => root.require('AdanW', 'optimWrapper.optimizer')).toThrow(
      [
        "[E_REGISTRY_UNKNOWN] 'AdanW' is not in the registry ANIMALS (scope 'engine').",
        "  received  optimWrapper.optimizer.type = 'AdanW'",
        '  expected  one of AdamW, mid.Dog',
        "  did you mean 'AdamW'?",
        '  fix       import the package that registers it, or list that package under `plugins` in the config',
      ].join('\n'),
    );
  });

  it('names the package that provides a known name', () => {
    expect(() => ROOT_REGISTRIES.OPTIMIZERS.require('Lion')).toThrow('pnpm add @engine/optim-lion');
    expect(() => MODELS.require('vision.ResNet')).toThrow('pnpm add @engine/vision');
    expect(() => HOOKS.require('CheckpointHook')).toThrow("import '@engine/runner' first");
  });
});

describe('Registry build', () => {
  it('builds the same from a name and from the class in place', () => {
    const { root } = family();
    root.add('Cat', Cat);
    const named = root.build<Cat>({ type: 'Cat', age: 3 });
    const inline = root.build<Cat>({ type: Cat, age: 3 });
    expect(named).toBeInstanceOf(Cat);
    expect(named.options).toEqual({ age: 3 });
    expect(inline.options).toEqual(named.options);
    expect(configOf(named)).toEqual({ type: 'Cat', age: 3 });
  });

  it('fills only missing keys from the defaults, the type included', () => {
    const { root } = family();
    root.add('Cat', Cat);
    const built = root.build<Cat>({ age: 1 } as never, { defaults: { type: 'Cat', age: 9, tail: true } });
    expect(built.options).toEqual({ age: 1, tail: true });
  });

  it('does not change the config', () => {
    const { root } = family();
    const config = { type: Cat, _scope_: 'mid', age: 3 };
    root.build(config);
    expect(config).toEqual({ type: Cat, _scope_: 'mid', age: 3 });
  });

  it('looks names up in the scope in force, and in the registry itself when that scope is unknown', () => {
    const { root, mid, other } = family();
    root.add('Pet', Cat);
    other.add('Pet', Dog);
    expect(withScope('other', () => mid.build({ type: 'Pet' }))).toBeInstanceOf(Dog);
    expect(withScope('nowhere', () => mid.build({ type: 'Pet' }))).not.toBeInstanceOf(Dog);
  });

  it('applies _scope_ to nested builds and restores the scope', () => {
    const { root, mid } = family();
    root.add('Pet', Cat);
    mid.add('Pet', Dog);
    class House {
      readonly pet: Cat;
      constructor(options: { pet: { type: string } }) {
        this.pet = root.build(options.pet);
      }
    }
    root.add('House', House);
    const scoped = root.build<House>({ type: 'House', _scope_: 'mid', pet: { type: 'Pet' } });
    const plain = root.build<House>({ type: 'House', pet: { type: 'Pet' } });
    expect(scoped.pet).toBeInstanceOf(Dog);
    expect(plain.pet).not.toBeInstanceOf(Dog);
  });

  it('inherits the build function, which a child may replace', () => {
    const root = new Registry<unknown>('R', { build: () => 'root' });
    const child = new Registry<unknown>('R', { parent: root, scope: 'a' });
    const own = new Registry<unknown>('R', { parent: root, scope: 'b', build: () => 'own' });
    expect([child.build({ type: 'x' }), own.build({ type: 'x' })]).toEqual(['root', 'own']);
  });

  it('rejects what is no config', () => {
    const { root } = family();
    expect(() => root.build(3 as never, { path: 'model' })).toThrow(
      /E_CONFIG_TYPE.*at 'model'.*received {2}3/s,
    );
    expect(() => root.build({ age: 1 } as never)).toThrow("has no 'type'");
  });

  it('turns a list of models into a Sequential', () => {
    class Sequential {
      constructor(readonly options: { modules: unknown[] }) {}
    }
    const scope = extendRegistries('registry-test').MODELS;
    scope.add('Sequential', Sequential);
    const built = scope.build<Sequential>([{ type: 'A' }, { type: 'B' }] as never);
    expect(built.options.modules).toHaveLength(2);
  });
});

describe('extendRegistries', () => {
  it('gives the same children for the same scope', () => {
    expect(extendRegistries('twice').HOOKS).toBe(extendRegistries('twice').HOOKS);
    expect(extendRegistries('twice').HOOKS.parent).toBe(HOOKS);
  });

  it('refuses scopes that a name could not hold', () => {
    for (const scope of ['', 'a.b', 'engine', '1a']) {
      expect(() => extendRegistries(scope), scope).toThrow('E_REGISTRY_SCOPE');
    }
  });
});

it('lists what it and the scopes below hold, with the package it came from', () => {
  const { root, mid } = family();
  root.add('Cat', Cat, { from: 'pets' });
  mid.add('Dog', Dog);
  expect(root.list().map(({ name, scope, from }) => [name, scope, from])).toEqual([
    ['Cat', 'engine', 'pets'],
    ['Dog', 'mid', undefined],
  ]);
  expect(root.list(true)).toHaveLength(1);
});

it('exports the default build function for build functions that wrap it', () => {
  const { root } = family();
  expect(buildFromConfig({ type: Cat }, root as never, {})).toBeInstanceOf(Cat);
});
