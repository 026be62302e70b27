import { EngineError } from '@engine/core';

/** Something was asked of a Runner that has not been set up. */
export function notReady(name: string): EngineError {
  return new EngineError({
    code: 'E_RUNNER_NOT_READY',
    what: `runner.${name} does not exist before train(), val() or test() has been called.`,
    fix: 'read it from a hook, or after the call',
  });
}

/** A mode was asked for whose options are not there. */
export function notConfigured(mode: string, keys: string): EngineError {
  return new EngineError({
    code: 'E_RUNNER_MODE',
    what: `The config does not say how to ${mode === 'train' ? 'train' : `run ${mode}`}.`,
    received: `no ${mode}Cfg`,
    expected: keys,
    fix: `add ${keys} to the config`,
    exitCode: 2,
  });
}
