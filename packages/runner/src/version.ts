import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('../package.json') as { version: string };

/** Version of the engine, as written into checkpoints. */
export const ENGINE_VERSION = manifest.version;
