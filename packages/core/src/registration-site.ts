import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where something was registered. */
export interface RegistrationSite {
  /** Absolute path of the file. */
  file?: string | undefined;
  /** `name@version` of the package that the file belongs to. */
  package?: string | undefined;
}

/** Frames of these files are ours: the caller's comes after them. Published, all of this package is one file. */
const OWN = /[\\/](?:registration-site|registry|register)\.[jt]s$/;
const THIS_FILE = fileURLToPath(import.meta.url);

/** Remembers the calls in progress. Cheap: the text of a stack is made when it is asked for. */
export function captureSite(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 8;
  try {
    return new Error('registered here');
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The file that registered something, by what {@link captureSite} gave, and its package. */
export function siteOf(captured: Error): RegistrationSite {
  const lines = (captured.stack ?? '').split('\n').slice(1);
  for (const line of lines) {
    const place = /\(?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^():]*):\d+(?::\d+)?\)?$/.exec(line.trim())?.[1];
    if (place === undefined) continue;
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    // `@register` compiles to a helper, which some tools take from a package of its own.
    if (file === THIS_FILE || OWN.test(file) || /[\\/]tslib[\\/]/.test(file)) continue;
    return { file, package: packageOf(file) };
  }
  return {};
}

/** `name@version` of the nearest package.json with a name above a file. */
function packageOf(file: string): string | undefined {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'package.json'), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name) return version ? `${name}@${version}` : name;
    } catch {
      // Further up.
    }
  }
  return undefined;
}
