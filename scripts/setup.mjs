// npm run setup: installs (updating the lockfile where a package.json changed) and builds.
import { ensureBuild } from './lib/build.mjs';
import { updateInstall } from './lib/install.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await updateInstall();
  await ensureBuild();
});
