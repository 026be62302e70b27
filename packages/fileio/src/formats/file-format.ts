import { EngineError, listNames, nearest } from '@engine/core';

/** How values of one kind of file are read and written. A binary format takes and gives bytes, others text. */
export type FileFormat =
  | {
      name: string;
      extensions: readonly string[];
      binary?: false;
      parse(text: string): unknown;
      stringify(value: unknown): string;
    }
  | {
      name: string;
      extensions: readonly string[];
      binary: true;
      /** @param file name for error messages */
      parse(bytes: Uint8Array, file?: string): unknown;
      stringify(value: unknown): Uint8Array;
    };

/** Formats by extension without dot; filled at module load, like a registry. */
const formats = new Map<string, FileFormat>();

/**
 * Makes a format known to `load` and `dump`.
 * @throws E_FORMAT_DUPLICATE when another format has one of its extensions and `force` is not set
 */
export function registerFileFormat(format: FileFormat, options: { force?: boolean } = {}): void {
  for (const extension of format.extensions) {
    const known = formats.get(extension);
    if (known && known.name !== format.name && !options.force) {
      throw new EngineError({
        code: 'E_FORMAT_DUPLICATE',
        what: `The extension '.${extension}' belongs to the format ${known.name} already.`,
        received: `format ${format.name}`,
        fix: 'choose another extension, or pass { force: true } to replace it',
      });
    }
    formats.set(extension, format);
  }
}

/**
 * The format of a file name, or of an extension given by name.
 * @throws E_FORMAT_UNKNOWN with the known extensions
 */
export function fileFormat(fileOrExtension: string): FileFormat {
  const extension = /\.([^./\\]+)$/.exec(fileOrExtension)?.[1]?.toLowerCase() ?? fileOrExtension;
  const format = formats.get(extension);
  if (format) return format;
  throw new EngineError({
    code: 'E_FORMAT_UNKNOWN',
    what: `The format of '${fileOrExtension}' is not known.`,
    expected: `one of the extensions ${listNames(formats.keys())}`,
    didYouMean: nearest(extension, formats.keys()),
    fix: 'pass `format`, or register the format with registerFileFormat',
  });
}
