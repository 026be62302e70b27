import { EXIT_CODES } from './exit-codes.js';

const BRAND = Symbol.for('@engine/error@1');

/** The parts of a house error; `what` is one sentence that says what went wrong and where. */
export interface ErrorParts {
  /** Stable code, `E_AREA_REASON`. */
  code: string;
  what: string;
  /** What was given, with its config path where known. */
  received?: string | undefined;
  /** Where it was given: config path and file:line. Added by the registry that builds the failing part. */
  where?: string | undefined;
  /** The option that is wrong, inside the config of the part that throws; lets `where` name its line. */
  option?: string | undefined;
  /** What would have been accepted. */
  expected?: string | undefined;
  /** Nearest accepted name, when the received one looks like a typo. */
  didYouMean?: string | undefined;
  /** What to do about it, as a command or an imperative. */
  fix?: string | undefined;
  /** The error underneath, kept whole. */
  cause?: unknown;
  /** Process exit code when this error ends a command; 1 unless said. */
  exitCode?: number | undefined;
}

/** Documentation page that lists every code. */
const DOCS = 'docs/errors.md';

function render(parts: ErrorParts): string {
  const lines = [`[${parts.code}] ${parts.what}`];
  const where = parts.where === undefined ? '' : `   (${parts.where})`;
  if (parts.received !== undefined) lines.push(`  received  ${parts.received}${where}`);
  else if (parts.where !== undefined) lines.push(`  at        ${parts.where}`);
  if (parts.expected !== undefined) lines.push(`  expected  ${parts.expected}`);
  if (parts.didYouMean !== undefined) lines.push(`  did you mean '${parts.didYouMean}'?`);
  if (parts.fix !== undefined) lines.push(`  fix       ${parts.fix}`);
  lines.push(`  docs      ${DOCS}#${parts.code.toLowerCase()}`);
  return lines.join('\n');
}

/**
 * Every error the engine throws on purpose. The message follows one grammar:
 * what and where, received, expected, did you mean, fix, docs.
 */
export class EngineError extends Error {
  readonly code: string;
  readonly parts: Readonly<ErrorParts>;
  readonly exitCode: number;

  constructor(parts: ErrorParts) {
    super(render(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'EngineError';
    this.code = parts.code;
    this.parts = parts;
    this.exitCode = parts.exitCode ?? EXIT_CODES.failure;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Adds where the mistake stands to an error that does not say it yet, keeping the very object with its class and cause.
 */
export function addWhere(error: EngineError, where: string): void {
  if (error.parts.where !== undefined || where === '') return;
  const before = error.message;
  const parts = { ...error.parts, where };
  const message = render(parts);
  const stack = error.stack?.replace(before, () => message);
  Object.defineProperty(error, 'parts', {
    value: parts,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  Object.defineProperty(error, 'message', {
    value: message,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  if (stack !== undefined) {
    Object.defineProperty(error, 'stack', {
      value: stack,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }
}

/** True for an {@link EngineError}, also one made by another copy of this package. */
export function isEngineError(error: unknown): error is EngineError {
  return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[BRAND] === true;
}

/** Shows a value in an error message: short, on one line, strings quoted. */
export function show(value: unknown, limit = 80): string {
  let text: string;
  if (typeof value === 'string') text = `'${value}'`;
  else if (typeof value === 'function') text = value.name ? `${value.name} (function)` : '(function)';
  else if (typeof value === 'number') text = Object.is(value, -0) ? '-0' : String(value);
  else if (typeof value === 'bigint' || typeof value === 'symbol' || value === undefined)
    text = String(value);
  else {
    try {
      text = JSON.stringify(value) ?? String(value);
    } catch {
      text = Object.prototype.toString.call(value);
    }
  }
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
