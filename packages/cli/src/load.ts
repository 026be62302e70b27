import { EngineError, loadConfig, type Config } from '@engine/core';
import type { RunnerOptions } from '@engine/runner';
import { basename } from 'node:path';
import type { Flag, ParsedLine } from './command.js';

/** Flags that every command with a config shares. */
export const CONFIG_FLAGS = {
  'work-dir': {
    type: 'string',
    value: 'DIR',
    help: 'folder of all launches; work_dirs/<config name> unless said',
  },
  seed: { type: 'string', value: 'N', help: 'seed of every random stream' },
  device: { type: 'string', value: 'NAME', help: 'compute backend: auto, wasm, cpu, …' },
  'cfg-options': { type: 'string', value: 'a.b=1', help: 'the same as writing a.b=1 without the flag' },
  convert: { type: 'boolean', help: "read an OpenMMLab config (.py) with the engine's keys and types" },
} as const satisfies Record<string, Flag>;

/** Loads the config that a command line names, with its `key=value` overrides and flags applied. */
export async function configOfLine(command: string, line: ParsedLine): Promise<Config> {
  const [file, ...rest] = line.positionals;
  if (file === undefined) {
    throw new EngineError({
      code: 'E_CLI_CONFIG',
      what: `engine ${command} needs a config file.`,
      received: 'no file',
      expected: `engine ${command} <config> [key=value …]`,
      exitCode: 2,
    });
  }
  const overrides = [...rest];
  overrides.unshift(...(line.repeated['cfg-options'] ?? []));
  for (const override of overrides) {
    if (override.includes('=')) continue;
    throw new EngineError({
      code: 'E_CLI_OVERRIDE',
      what: 'What follows the config file must be overrides.',
      received: override,
      expected: 'key=value, such as trainCfg.maxEpochs=3',
      exitCode: 2,
    });
  }
  const { seed, device } = line.flags;
  if (typeof seed === 'string') overrides.push(`randomness.seed=${seed}`);
  if (typeof device === 'string') overrides.push(`device='${device}'`);
  const workDir = line.flags['work-dir'];
  if (typeof workDir === 'string') overrides.push(`workDir=${JSON.stringify(workDir)}`);
  return loadConfig(file, { overrides, ...(line.flags.convert === true && { reader: { convert: true } }) });
}

/** The Runner's options in a config; the work dir is named after the file unless the config says. */
export function runnerOptionsOf(config: Config): RunnerOptions {
  const values = config.values as unknown as RunnerOptions;
  const stem = basename(config.filename ?? 'run').replace(/(\.config)?\.[^.]+$/, '');
  return { ...values, workDir: values.workDir ?? `work_dirs/${stem}`, cfg: config };
}
