import { fileURLToPath } from 'node:url';

/** Where a log call stands in the source. */
export interface CallSite {
  path: string;
  functionName: string;
  line: number;
}

const FRAME = /^\s*at (?:(?:async )?(?:new )?(.+?) \()?(.*?):(\d+):\d+\)?$/;

/**
 * The caller of `below`, from the stack.
 * @param below the frames from the top down to this function's are left out
 */
export function callSite(below: (...args: never[]) => unknown): CallSite {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = limit;
  const frame = FRAME.exec((holder.stack ?? '').split('\n')[1] ?? '');
  if (!frame) return { path: '<unknown>', functionName: '<anonymous>', line: 0 };
  const [, name, location, line] = frame;
  const path = location!.startsWith('file:') ? fileURLToPath(location!) : location!;
  const plain = name?.replace(/^(?:Object|Module|Function|process)\./, '').replace(/ \[as .*\]$/, '');
  return { path, functionName: plain ?? '<anonymous>', line: Number(line) };
}
