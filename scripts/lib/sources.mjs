import { existsSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fromRoot, root } from './root.mjs';

/** What the build makes and what tests leave: by path, since a package may well be called `dist`. */
const MADE =
  /(^|\/)node_modules$|^(packages|plugins)\/[^/]+\/(dist|lib|\.turbo)$|^tests\/e2e\/\.work$|(^|\/)work_dirs$/;

/** Every source file below the folders, as a path relative to the repository with `/`, sorted. */
export function sources(folders, extensions) {
  const walk = (folder) =>
    readdirSync(fromRoot(folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return MADE.test(path) ? [] : walk(path);
      return extensions.includes(extname(entry.name)) ? [path] : [];
    });
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap(walk)
    .sort();
}
