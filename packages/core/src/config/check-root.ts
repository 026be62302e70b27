import { EngineError, show } from '../errors.js';
import { isPlainObject, type ConfigValues } from './values.js';

/** Top-level keys a config may not have, since they name facts about the config itself. */
export const RESERVED_KEYS = [
  'filename',
  'text',
  'prettyText',
  'envVariables',
  'pretty_text',
  'env_variables',
] as const;

/** @throws E_CONFIG_TYPE, E_CONFIG_RESERVED */
export function checkRoot(values: unknown, file: string | undefined): asserts values is ConfigValues {
  const where = file === undefined ? '' : ` of ${file}`;
  if (!isPlainObject(values)) {
    throw new EngineError({
      code: 'E_CONFIG_TYPE',
      what: `The content${where || ' of a config'} must be a mapping of option names to values.`,
      received: show(values),
      expected: 'a mapping such as { model: …, trainCfg: … }',
      exitCode: 2,
    });
  }
  const reserved = RESERVED_KEYS.find((key) => Object.hasOwn(values, key));
  if (reserved === undefined) return;
  throw new EngineError({
    code: 'E_CONFIG_RESERVED',
    what: `The key '${reserved}'${where} is reserved for the config itself.`,
    received: `${reserved} = ${show(values[reserved])}`,
    expected: `any top-level key but ${RESERVED_KEYS.join(', ')}`,
    fix: 'rename the key',
    exitCode: 2,
  });
}
