import type { Command } from './command.js';

/** Prints usage: all commands in short, or one in full. */
export function printHelp(commands: readonly Command[]): void {
  const lines: string[] = [];
  for (const command of commands) {
    lines.push(`engine ${command.name} ${command.usage}`.trimEnd(), `    ${command.help}`);
    if (commands.length > 1) continue;
    for (const [name, flag] of Object.entries(command.flags)) {
      const left = `--${name}${flag.type === 'string' ? ` ${flag.value ?? 'VALUE'}` : ''}`;
      lines.push(`    ${left.padEnd(28)} ${flag.help}`);
    }
  }
  if (commands.length > 1) {
    lines.push(
      '',
      '`engine COMMAND --help` lists the flags of a command.',
      'Exit codes: 0 done, 1 failed, 2 bad config or flag, 3 not finite, 75 stopped by a signal and saved (--resume goes on),',
      '130 and 143 a second Ctrl-C or SIGTERM: stopped at once, nothing saved.',
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
