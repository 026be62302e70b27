// npm run build: installs and builds what is not yet.
import { ready } from './lib/ready.mjs';
import { main } from './lib/run.mjs';

await main(() => ready());
