import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { EngineError } from './errors.js';

/**
 * A module that registers entries when it is imported: `new URL('./parts.js', import.meta.url)`, the same as a string
 * (`file:…`), or the name of a package, which is looked up from the working directory.
 */
export type Location = URL | string;

/**
 * Imports a module at once, ES modules included (Node has done that since 20.19), for look-ups do not wait.
 * @throws E_REGISTRY_LOCATION with the cause when it is not there, waits at its top level, or throws
 */
export function importLocation(location: Location, registry: string): void {
  const text = String(location);
  const file = text.startsWith('file:');
  try {
    createRequire(file ? text : join(process.cwd(), 'package.json'))(file ? fileURLToPath(text) : text);
  } catch (cause) {
    const { code, message } = cause as { code?: string; message?: string };
    throw new EngineError({
      code: 'E_REGISTRY_LOCATION',
      what: `A module that registers entries of ${registry} cannot be imported.`,
      received: `${text}: ${message?.split('\n')[0] ?? String(cause)}`,
      expected: "a URL such as new URL('./parts.js', import.meta.url), or the name of an installed package",
      fix:
        code === 'ERR_REQUIRE_ASYNC_MODULE'
          ? 'list it under `plugins` in the config: look-ups cannot wait for an `await` at the top level of a module'
          : 'correct the location, or mend the module',
      cause,
      exitCode: 2,
    });
  }
}
