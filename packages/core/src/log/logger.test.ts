import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Logger, parseLogLevel, timestamp, type LoggerOptions } from '../index.js';

const HERE = fileURLToPath(import.meta.url);

let folder: string;
let shown: string;
const sink = { write: (text: string) => (shown += text), isTTY: false };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-log-'));
  shown = '';
  vi.useFakeTimers({ now: new Date(2026, 10, 3, 4, 5, 6), toFake: ['Date', 'setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function make(options: LoggerOptions = {}): { logger: Logger; read: () => string } {
  const file = join(folder, 'deep', 'run.log');
  const logger = new Logger({ console: sink, file, ...options });
  return { logger, read: () => readFileSync(logger.file ?? file, 'utf8') };
}

describe('log lines', () => {
  it('have the shapes of MMEngine on the console and in the file', () => {
    const { logger, read } = make();
    logger.info('hello');
    logger.flush();
    expect(shown).toBe('11/03 04:05:06 - engine - INFO - hello\n');
    expect(read()).toBe('2026/11/03 04:05:06 - engine - INFO - hello\n');
  });

  it('say where an error was logged', () => {
    const { logger, read } = make({ name: 'mine' });
    function failing(): void {
      logger.error('bad');
    }
    failing();
    const shape = /^2026\/11\/03 04:05:06 - mine - ERROR - (.*) - (.*) - (\d+) - bad\n$/;
    const [, path, name, line] = shape.exec(read())!;
    expect(path).toBe(HERE);
    expect(name).toBe('failing');
    expect(readFileSync(path!, 'utf8').split('\n')[Number(line) - 1]).toContain("logger.error('bad')");
    expect(shown).toBe(read().replace('2026/', ''));
  });

  it('colour and underline the level on a terminal without NO_COLOR', () => {
    vi.stubEnv('NO_COLOR', '');
    const terminal = { write: sink.write, isTTY: true };
    make({ console: terminal }).logger.info('a');
    expect(shown).toBe('11/03 04:05:06 - engine - \x1b[4;37mINFO\x1b[0m - a\n');
    shown = '';
    vi.stubEnv('NO_COLOR', '1');
    make({ console: terminal }).logger.info('a');
    expect(shown).toBe('11/03 04:05:06 - engine - INFO - a\n');
  });

  it('show the whole message of a house error and the stack of another', () => {
    const { logger } = make({ file: undefined as never });
    logger.warn(new TypeError('oops'));
    expect(shown).toContain('TypeError: oops\n    at ');
  });

  it('carry the new second', () => {
    const { logger } = make();
    logger.info('a');
    vi.advanceTimersByTime(1000);
    logger.info('b');
    expect(shown).toContain('04:05:06 - engine - INFO - a\n11/03 04:05:07 - engine - INFO - b');
  });
});

describe('levels', () => {
  it('hide what is below them, also after a change', () => {
    const { logger } = make();
    logger.debug('no');
    logger.setLevel('debug');
    logger.debug('yes');
    logger.setLevel('ERROR');
    logger.warn('no');
    expect(shown).toBe('11/03 04:05:06 - engine - DEBUG - yes\n');
    expect([logger.isEnabledFor('WARNING'), logger.isEnabledFor('CRITICAL')]).toEqual([false, true]);
  });

  it('go down to children, which may have their own', () => {
    const { logger } = make();
    const child = logger.child('data');
    const other = logger.child('other');
    other.setLevel('ERROR');
    logger.setLevel('DEBUG');
    child.debug('from the child');
    other.warn('no');
    expect(shown).toBe('11/03 04:05:06 - engine.data - DEBUG - from the child\n');
  });

  it('are checked', () => {
    expect(() => parseLogLevel('WARNIN')).toThrow(/E_LOG_LEVEL.*did you mean 'WARNING'/s);
    expect(() => new Logger({ levl: 'INFO' } as never)).toThrow(
      /E_CONFIG_UNKNOWN_KEY.*did you mean 'level'/s,
    );
  });
});

describe('repeated warnings', () => {
  it('are dropped for the whole run, per destination, and other levels are not', () => {
    const { logger, read } = make();
    for (let i = 0; i < 3; i++) {
      logger.warn('same');
      logger.info('info');
    }
    logger.child('x').warn('same');
    expect(shown.match(/same/g)).toHaveLength(1);
    expect(shown.match(/- info/g)).toHaveLength(3);
    logger.flush();
    expect(read().match(/same/g)).toHaveLength(1);
  });
});

describe('the file', () => {
  it('gets lines after a second, at once from WARNING on, and keeps what it had', () => {
    const { logger, read } = make();
    logger.info('first');
    expect(read).toThrow('ENOENT');
    vi.advanceTimersByTime(1000);
    expect(read()).toContain('first');
    logger.warn('second');
    expect(read()).toContain('second');
    logger.close();
    logger.info('third');
    logger.close();
    expect(read().split('\n')).toHaveLength(4);
  });

  it('is replaced in mode w, but only at the first write', () => {
    const path = join(folder, 'w.log');
    writeFileSync(path, 'old\n');
    const { logger, read } = make({ file: path, fileMode: 'w' });
    logger.info('a');
    logger.close();
    logger.info('b');
    logger.close();
    expect(read()).toMatch(/^2026.* - a\n2026.* - b\n$/);
  });

  it('may be unwritable: the run goes on and the console says so once', () => {
    writeFileSync(join(folder, 'plain'), '');
    const { logger } = make({ file: join(folder, 'plain', 'run.log') });
    logger.warn('one');
    logger.warn('two');
    logger.close();
    expect(shown.match(/cannot be written, the run goes on without it: E/g)).toHaveLength(1);
    expect(shown).toContain('two');
  });

  it.skipIf(process.getuid?.() === 0)('may be in a folder that is not ours', () => {
    chmodSync(folder, 0o500);
    const { logger } = make();
    logger.warn('one');
    expect(shown).toContain('EACCES');
  });

  it.skipIf(process.platform !== 'linux')('may be on a full disk', () => {
    const { logger } = make({ file: '/dev/full' });
    logger.warn('one');
    logger.warn('two');
    expect(shown.match(/ENOSPC/g)).toHaveLength(1);
  });

  it('is complete when the process ends by process.exit', () => {
    const path = join(folder, 'exit.log');
    const script = `
      import { createJiti } from ${JSON.stringify(import.meta.resolve('jiti'))};
      const { Logger } = await createJiti(import.meta.url).import(${JSON.stringify(join(dirname(HERE), 'logger.ts'))});
      new Logger({ console: false, file: ${JSON.stringify(path)} }).info('last words');
      process.exit(3);`;
    vi.useRealTimers();
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' }),
    ).toThrow();
    expect(readFileSync(path, 'utf8')).toContain('last words');
  });
});

describe('ranks', () => {
  it('above 0 write only errors to the console and no file', () => {
    const { logger } = make({ rank: 1, worldSize: 2 });
    logger.warn('quiet');
    logger.error('loud');
    expect(shown).toMatch(/^11\/03 04:05:06 - engine - ERROR - .* - loud\n$/);
    expect(logger.file).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('each write their own file when distributed or at DEBUG', () => {
    const name = (options: LoggerOptions) =>
      make(options).logger.file?.slice(folder.length + '/deep/'.length);
    expect(name({ rank: 1, worldSize: 2, distributed: true })).toMatch(/^run_.+@.+_device1_rank1\.log$/);
    expect(name({ rank: 0, worldSize: 2, level: 'DEBUG', device: 7 })).toMatch(/_device7_rank0\.log$/);
    expect(name({ rank: 0, worldSize: 1, distributed: true })).toBe('run.log');
    expect(name({ rank: 0, worldSize: 2 })).toBe('run.log');
  });
});

it('names runs by local time', () => {
  expect(timestamp(new Date(2026, 0, 2, 3, 4, 5))).toBe('20260102_030405');
});
