import { EXIT_CODES } from '@engine/core';
import { collectEnv } from '@engine/runner';
import { selectDevice } from '@engine/tensor';
import { parseLine, type Command } from '../command.js';

export const envCommand: Command = {
  name: 'env',
  usage: '',
  help: 'Prints versions, machine and the compute backend that `auto` picks here.',
  flags: {},
  run: async (argv) => {
    parseLine({ name: 'env', flags: {} }, argv);
    const { backend } = await selectDevice('auto');
    for (const [key, value] of Object.entries(collectEnv())) process.stdout.write(`${key}: ${value}\n`);
    await backend.shutdown?.();
    return EXIT_CODES.ok;
  },
};
