// Finds a libtorch to build against: the folder in LIBTORCH, the `torch` of the Python on the PATH, or a system package.
// As a program it prints one property of what it found, for binding.gyp.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const SYSTEM_INCLUDES = ['/usr/include', '/usr/local/include'];

/** The version that the headers below a folder say, as `1.13.0`. */
function versionOf(include) {
  for (const folder of [join('torch', 'csrc', 'api', 'include', 'torch'), join('torch', 'headeronly')]) {
    const file = join(include, folder, 'version.h');
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const part = (name) => new RegExp(`TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1];
    // Newer versions keep the numbers in a file of their own, which the old one includes.
    if (part('MAJOR')) return `${part('MAJOR')}.${part('MINOR') ?? 0}.${part('PATCH') ?? 0}`;
  }
  return undefined;
}

/** Folders that may hold CUDA's own headers, which those of libtorch include. */
function cudaIncludes(lib) {
  const { CUDA_HOME, CUDA_PATH } = process.env;
  const nvidia = join(lib, '..', '..', 'nvidia');
  const wheels = existsSync(nvidia) ? readdirSync(nvidia).map((name) => join(nvidia, name, 'include')) : [];
  const toolkits = [CUDA_HOME, CUDA_PATH, '/usr/local/cuda'].filter(Boolean);
  return [...toolkits.map((folder) => join(folder, 'include')), ...wheels];
}

/** The folder of CUDA's headers when there is all that the addon wants to ask a GPU's allocator. */
function cudaHeaders(include, lib) {
  if (!existsSync(join(include, 'c10', 'cuda', 'CUDACachingAllocator.h'))) return undefined;
  return cudaIncludes(lib).find((folder) => existsSync(join(folder, 'cuda_runtime_api.h')));
}

function describe(origin, include, lib, { abi = 1, system = false } = {}) {
  const version = versionOf(include);
  if (version === undefined || !existsSync(join(lib, 'libtorch_cpu.so'))) return undefined;
  const cuda = existsSync(join(lib, 'libtorch_cuda.so'));
  return {
    origin,
    include,
    lib,
    version,
    abi,
    system,
    cuda,
    cudaInclude: cuda ? cudaHeaders(include, lib) : undefined,
  };
}

function fromFolder(folder) {
  return describe('LIBTORCH', join(folder, 'include'), join(folder, 'lib'), { abi: abiOf(folder) });
}

/** What a libtorch archive or a Python package says about the string type that it was compiled with. */
function abiOf(folder) {
  const config = join(folder, 'share', 'cmake', 'Torch', 'TorchConfig.cmake');
  const text = existsSync(config) ? readFileSync(config, 'utf8') : '';
  return text.includes('_GLIBCXX_USE_CXX11_ABI=0') ? 0 : 1;
}

function fromPython() {
  const code =
    'import os, torch; print(os.path.dirname(torch.__file__)); print(int(torch._C._GLIBCXX_USE_CXX11_ABI))';
  for (const program of ['python3', 'python']) {
    const { status, stdout } = spawnSync(program, ['-c', code], { encoding: 'utf8', timeout: 60_000 });
    if (status !== 0) continue;
    const [folder, abi] = stdout.trim().split('\n').slice(-2);
    const found = describe(`torch of ${program}`, join(folder, 'include'), join(folder, 'lib'), {
      abi: Number(abi),
    });
    if (found) return found;
  }
  return undefined;
}

function fromSystem() {
  for (const include of SYSTEM_INCLUDES) {
    if (versionOf(include) === undefined) continue;
    const base = join(include, '..', 'lib');
    const folders = [base, ...readdirSync(base).map((name) => join(base, name))];
    const lib = folders.find((folder) => existsSync(join(folder, 'libtorch_cpu.so')));
    if (lib) return describe('system package', include, lib, { system: true });
  }
  return undefined;
}

/** Where libtorch is, or undefined. A LIBTORCH that holds none is not replaced by another. */
export function findLibtorch() {
  const { LIBTORCH } = process.env;
  if (LIBTORCH) return existsSync(LIBTORCH) ? fromFolder(realpathSync(LIBTORCH)) : undefined;
  return fromPython() ?? fromSystem();
}

/** The properties that binding.gyp asks for. */
async function property(name, found) {
  switch (name) {
    case 'includes':
      return [
        (await import('node-addon-api')).default.include_dir,
        found.include,
        join(found.include, 'torch', 'csrc', 'api', 'include'),
        ...(found.cudaInclude ? [found.cudaInclude] : []),
      ];
    case 'defines':
      return [`_GLIBCXX_USE_CXX11_ABI=${found.abi}`, ...(found.cudaInclude ? ['ENGINE_WITH_CUDA'] : [])];
    case 'standard': {
      const [major, minor] = found.version.split('.').map(Number);
      // Not in the spelling that binding.gyp takes out: Node's own headers bring one that may be too old.
      return [major > 2 || (major === 2 && minor >= 10) ? '-std=c++20' : '-std=c++17'];
    }
    case 'ldflags':
      return found.system ? [] : [`-Wl,-rpath,${found.lib}`, `-Wl,--disable-new-dtags`];
    case 'libraries': {
      const cuda = found.cuda ? ['-Wl,--no-as-needed', '-ltorch_cuda', '-lc10_cuda', '-Wl,--as-needed'] : [];
      return [`-L${found.lib}`, '-ltorch_cpu', '-lc10', ...cuda];
    }
    default:
      throw new Error(`find-libtorch.mjs knows no property '${name}'`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const given = process.env.ENGINE_LIBTORCH_FOUND;
  const found = given ? JSON.parse(given) : findLibtorch();
  const name = process.argv[2];
  if (name === undefined) console.log(JSON.stringify(found ?? null, null, 2));
  else if (found) console.log((await property(name, found)).join(' '));
  else process.exitCode = 1;
}
