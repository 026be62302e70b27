import { EngineError, listNames, nearest } from '@engine/core';

import type { Module } from './module.js';

/**
 * The modules below `model` that names stand for, in the order of the names, each with its dotted name.
 * @param names dotted names; `*` stands for one part of a name: `backbone.layer*.*`
 * @throws E_MODULE_NAME when a name matches no module
 */
export function matchModules(model: Module, names: string | readonly string[]): [string, Module][] {
  const all = model.namedModules().filter(([path]) => path !== '');
  return [names].flat().flatMap((name) => {
    const matching = all.filter(([path]) => patternOf(name).test(path));
    if (matching.length > 0) return matching;
    throw unknownModule(
      name,
      all.map(([path]) => path),
    );
  });
}

function patternOf(name: string): RegExp {
  const source = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('[^.]+')}$`);
}

function unknownModule(name: string, known: readonly string[]): EngineError {
  return new EngineError({
    code: 'E_MODULE_NAME',
    what: `The model has no module '${name}'.`,
    received: `'${name}'`,
    expected: `one of ${listNames(known)}`,
    didYouMean: nearest(name, known),
    fix: "write a dotted name, with '*' for any one part of it: 'backbone.layer*'",
    exitCode: 2,
  });
}
