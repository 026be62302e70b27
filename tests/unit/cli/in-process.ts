import { main } from '@engine/cli';
import { vi } from 'vitest';

/** What the `engine` command does, without a process of its own. */
export async function engine(
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const streams = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(args), ...printed };
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}
