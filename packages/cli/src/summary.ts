import type { Runner } from '@engine/runner';

/** What the last lines of a command say: where everything is, and how good it got. */
export function summaryLines(runner: Runner, mode: 'val' | 'test'): string[] {
  const lines = [`run directory: ${runner.directory.path()}`];
  const prefix = `${mode}/`;
  for (const [key, buffer] of runner.messageHub.logScalars) {
    if (!key.startsWith(prefix) || /(^|\/)(data_)?time$/.test(key)) continue;
    const name = key.slice(prefix.length);
    const value = buffer.current();
    // Top-1 is what "accuracy" means when nothing else is said; it is a percentage.
    if (name === 'accuracy/top1') lines.push(`${mode} accuracy: ${value.toFixed(2)} %`);
    else lines.push(`${mode} ${name}: ${value.toFixed(4)}`);
  }
  return lines;
}
