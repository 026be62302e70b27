// Compiles assembly/ to dist/kernels.wasm. Run by the package's build script; nothing else reads assembly/.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'assembly');
const target = join(root, 'dist', 'kernels.wasm');

const newest = Math.max(
  statSync(fileURLToPath(import.meta.url)).mtimeMs,
  ...readdirSync(sources).map((name) => statSync(join(sources, name)).mtimeMs),
);
if (!existsSync(target) || statSync(target).mtimeMs < newest) {
  const { default: asc } = await import('assemblyscript/asc');
  let binary;
  const { error, stderr } = await asc.main(
    [
      'index.ts',
      '--outFile',
      'kernels.wasm',
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd,threads,bulk-memory',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65536',
    ],
    {
      readFile(name, base) {
        const path = join(sources, base, name);
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile(name, contents) {
        if (name === 'kernels.wasm') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`assembly/ does not compile:\n${stderr.toString()}`);
  // Data segments would be written over the memory that these kernels share with tfjs.
  const dump = WebAssembly.Module.customSections(new WebAssembly.Module(binary), 'name').length;
  if (dump > 0) throw new Error('kernels.wasm was built with debug names');
  if (hasSection(binary, 11))
    throw new Error('kernels.wasm has a data section: some source uses a string or a static array');
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, binary);
  renameSync(temporary, target);
}

/** Whether a wasm binary has a section of this id (https://webassembly.github.io/spec/core/binary/modules.html). */
function hasSection(bytes, id) {
  let at = 8;
  while (at < bytes.length) {
    const section = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 128) break;
    }
    if (section === id) return true;
    at += size;
  }
  return false;
}
