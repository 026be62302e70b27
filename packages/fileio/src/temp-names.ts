/** Temporary names in use by this process: a leftover with our pid that is not among them is a dead process's. */
const active = new Set<string>();

/** The parts of a temporary name: `step_500.tmp-4711` is a copy in the making, `step_500.old-4711` one on its way out. */
export interface TempName {
  /** Name that the entry had or was to have. */
  target: string;
  kind: 'tmp' | 'old';
  pid: number;
}

/** Takes a temporary name beside `target` that nobody in this process uses; {@link releaseTemp} gives it back. */
export function takeTemp(target: string, kind: TempName['kind']): string {
  const first = `${target}.${kind}-${process.pid}`;
  let name = first;
  for (let n = 1; active.has(name); n++) name = `${first}-${n}`;
  active.add(name);
  return name;
}

export function releaseTemp(name: string): void {
  active.delete(name);
}

/**
 * Marks the temporary names of `target` as in use while another thread of this process writes it: threads do not see each
 * other's names, and what nobody uses is taken for a dead process's.
 * @returns a function that gives them back
 */
export function reserveTemps(target: string): () => void {
  const names = (['tmp', 'old'] as const).map((kind) => `${target}.${kind}-${process.pid}`);
  const taken = names.filter((name) => !active.has(name));
  for (const name of taken) active.add(name);
  return () => taken.forEach(releaseTemp);
}

/** Undefined when `name` is not a temporary name. */
export function parseTemp(name: string): TempName | undefined {
  const match = /^(.+)\.(tmp|old)-(\d+)(?:-\d+)?$/.exec(name);
  if (!match) return undefined;
  return { target: match[1]!, kind: match[2] as TempName['kind'], pid: Number(match[3]) };
}

/** True when the process that took the temporary name `path` still runs and may still be using it. */
export function isTempInUse(path: string, pid: number): boolean {
  if (pid === process.pid) return active.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
