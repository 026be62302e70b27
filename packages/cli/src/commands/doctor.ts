import { EXIT_CODES } from '@engine/core';
import { probeBackends } from '@engine/tensor';
import { parseLine, type Command } from '../command.js';

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '',
  help: 'Says which compute backends can run here, and what would make the others run.',
  flags: {},
  run: async (argv) => {
    parseLine({ name: 'doctor', flags: {} }, argv);
    const found = await probeBackends();
    for (const { name, available, details, reason, fix } of found) {
      process.stdout.write(`${available ? 'yes' : 'no '}  ${name}${details ? `  (${details})` : ''}\n`);
      if (reason) process.stdout.write(`       ${reason}\n`);
      if (fix) process.stdout.write(`       fix: ${fix}\n`);
    }
    const best = found.find(({ available }) => available);
    process.stdout.write(best ? `auto picks ${best.name}\n` : 'no backend can run here\n');
    return best ? EXIT_CODES.ok : EXIT_CODES.failure;
  },
};
