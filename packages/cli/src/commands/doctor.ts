import { EXIT_CODES } from '@engine/core';
import { kernelCoverage, probeBackends, selectDevice, type BackendReport } from '@engine/tensor';
import { parseLine, type Command, type Flag } from '../command.js';

const FLAGS = {
  kernels: {
    type: 'boolean',
    help: 'also lists, for each backend, the kernels that it hands to a slower one and those it lacks',
  },
} as const satisfies Record<string, Flag>;

const write = (text: string): void => void process.stdout.write(`${text}\n`);

/** A labelled list, broken into lines of a terminal's width. */
function writeList(label: string, names: readonly string[]): void {
  write(`       ${label}: ${names.length === 0 ? 'none' : names.length}`);
  let line = '';
  for (const name of names) {
    if (line.length + name.length > 88) {
      write(`         ${line.trimEnd()}`);
      line = '';
    }
    line += `${name} `;
  }
  if (line) write(`         ${line.trimEnd()}`);
}

async function writeKernels({ name, available }: BackendReport): Promise<void> {
  if (!available) return;
  const { backend } = await selectDevice(name);
  const { own, fallback, missing, composed, counts } = kernelCoverage(backend);
  write(`kernels of ${name}: ${own.length} of its own`);
  writeList("handed to tfjs's CPU backend", fallback);
  writeList('accelerated kernels composed of others', composed);
  writeList('missing', missing);
  const hit = Object.entries(counts).map(([kernel, count]) => `${kernel} ×${count}`);
  if (hit.length > 0) writeList('handed over in this process', hit);
  await backend.shutdown?.();
}

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '[--kernels]',
  help: 'Says which compute backends can run here, and what would make the others run.',
  flags: FLAGS,
  run: async (argv) => {
    const { flags } = parseLine({ name: 'doctor', flags: FLAGS }, argv);
    const found = await probeBackends();
    for (const { name, available, details, reason, fix } of found) {
      write(`${available ? 'yes' : 'no '}  ${name}${details ? `  (${details})` : ''}`);
      if (reason) write(`       ${reason}`);
      if (fix) write(`       fix: ${fix}`);
    }
    const best = found.find(({ available }) => available);
    write(best ? `auto picks ${best.name}` : 'no backend can run here');
    if (flags.kernels === true) for (const report of found) await writeKernels(report);
    return best ? EXIT_CODES.ok : EXIT_CODES.failure;
  },
};
