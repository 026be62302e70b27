import { OPTIMIZERS } from '@engine/core';
import { describe, expect, it, vi } from 'vitest';
import { inspectRegistry } from './inspect-registry.js';

/** What the command prints in the root of this repository, which has every plugin installed. */
function printed(...argv: string[]): string {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    expect(inspectRegistry(argv)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

describe('engine inspect registry', () => {
  it('counts parts by registry, with the packages they are from, and imports none', () => {
    expect(printed()).toMatch(/^OPTIMIZERS +\d+ {2}.*@engine\/optim-lion@\d/m);
    expect(OPTIMIZERS.has('Lion')).toBe(false);
  });

  it('lists a registry with the names of the options', () => {
    expect(printed('OPTIMIZERS')).toMatch(/^Lion +@engine\/optim-lion@\S+ +lr, betas, weightDecay/m);
    expect(printed('STRATEGIES')).toMatch(/no installed package registers/);
  });

  it('describes a part with type and first line of each option, also as JSON', () => {
    expect(printed('Lion')).toMatch(
      /^OPTIMIZERS\/Lion {2}from @engine\/optim-lion@\S+\n {2}lr +number; Learning rate/,
    );
    const [part] = JSON.parse(printed('Lion', '--json')) as { name: string; options: { name: string }[] }[];
    expect(part).toMatchObject({ registry: 'OPTIMIZERS', name: 'Lion' });
    expect(part!.options[0]).toMatchObject({ name: 'lr', type: 'number', required: false });
  });

  it('knows what a wrong name was meant to be', () => {
    expect(() => inspectRegistry(['OPTIMIZER'])).toThrow(/E_CLI_REGISTRY.*did you mean 'OPTIMIZERS'/s);
    expect(() => inspectRegistry(['Loin'])).toThrow(/did you mean 'Lion'/);
  });
});
