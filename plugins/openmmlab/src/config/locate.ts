import { EngineError, listNames, nearest } from '@engine/core';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** OpenMMLab's packages: the name that is imported, and that of the repository and the distribution. */
const PACKAGES: Readonly<Record<string, string>> = {
  mmaction: 'mmaction2',
  mmagic: 'mmagic',
  mmcls: 'mmcls',
  mmdet: 'mmdet',
  mmdet3d: 'mmdet3d',
  mmedit: 'mmedit',
  mmfewshot: 'mmfewshot',
  mmflow: 'mmflow',
  mmgen: 'mmgen',
  mmhuman3d: 'mmhuman3d',
  mmocr: 'mmocr',
  mmpose: 'mmpose',
  mmpretrain: 'mmpretrain',
  mmrazor: 'mmrazor',
  mmrotate: 'mmrotate',
  mmseg: 'mmsegmentation',
  mmselfsup: 'mmselfsup',
  mmtrack: 'mmtrack',
  mmyolo: 'mmyolo',
};

/** Names that a checkout of a package's repository has. */
const CHECKOUTS: Readonly<Record<string, readonly string[]>> = {
  mmcls: ['mmclassification'],
  mmdet: ['mmdetection'],
  mmdet3d: ['mmdetection3d'],
  mmedit: ['mmediting'],
  mmgen: ['mmgeneration'],
  mmtrack: ['mmtracking'],
};

/** Folders that hold a package of OpenMMLab, by its name: `{ mmdet: '../mmdetection' }`. */
export type Roots = Readonly<Record<string, string>>;

/** True for `mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py`. */
export function isExternal(name: string): boolean {
  return name.includes('::');
}

/**
 * The file that `package::path/in/configs.py` names, and the scope that its parts belong to. The package is looked for
 * in `roots`, beside each folder above the config, and in the active Python environment.
 * @throws E_PYCONFIG_PACKAGE for a name of another form, an unknown package, or one that is nowhere to be found
 */
export function externalConfig(name: string, file: string, roots: Roots): { path: string; scope: string } {
  const parts = name.split('::');
  const [scope = '', path = ''] = parts;
  if (parts.length !== 2 || !/^\w*::\w*\/\w*/.test(name)) {
    throw packageError('A base config of another package must be named as package::path.', name, file, {
      expected: 'such as mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    });
  }
  if (!Object.hasOwn(PACKAGES, scope)) {
    throw packageError(`'${scope}' is not a package of OpenMMLab.`, name, file, {
      expected: `one of ${listNames(Object.keys(PACKAGES), 30)}`,
      didYouMean: nearest(scope, Object.keys(PACKAGES)),
    });
  }
  const withExtension = /\.\w+$/.test(path) ? path : `${path}.py`;
  for (const root of candidates(scope, file, roots)) {
    for (const folder of ['configs', `${scope}/.mim/configs`, '.mim/configs']) {
      const found = join(root, folder, withExtension);
      if (existsSync(found)) return { path: found, scope };
    }
  }
  throw notFound(scope, name, file);
}

/**
 * The file of a base config that is imported by its full name: `mmdet.configs.retinanet.retinanet_r50`.
 * @throws E_PYCONFIG_PACKAGE when it is nowhere to be found
 */
export function importedConfig(module: string, file: string, roots: Roots): string {
  const [scope, ...rest] = module.split('.') as [string, ...string[]];
  const inside = `${rest.join('/')}.py`;
  for (const root of candidates(scope, file, roots)) {
    for (const found of [join(root, scope, inside), join(root, inside)]) if (existsSync(found)) return found;
  }
  throw notFound(scope, module, file);
}

function* candidates(scope: string, file: string, roots: Roots): Generator<string> {
  if (roots[scope] !== undefined) yield roots[scope];
  const names = [scope, PACKAGES[scope] ?? scope, ...(CHECKOUTS[scope] ?? [])];
  for (let folder = dirname(file), above = ''; folder !== above; above = folder, folder = dirname(folder)) {
    // A folder above is a checkout of the package only if the package itself is in it.
    if (existsSync(join(folder, scope, '__init__.py'))) yield folder;
    for (const name of names) yield join(folder, name);
  }
  for (const environment of [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX]) {
    if (environment === undefined) continue;
    const library = join(environment, 'lib');
    const versions = existsSync(library)
      ? readdirSync(library).filter((name) => name.startsWith('python'))
      : [];
    for (const version of versions) {
      yield join(library, version, 'site-packages');
      yield join(library, version, 'site-packages', scope);
    }
  }
}

function notFound(scope: string, name: string, file: string): EngineError {
  return packageError(`The package ${scope}, whose config is asked for, is not to be found.`, name, file, {
    expected: `a folder ${[scope, ...(CHECKOUTS[scope] ?? [])].join(' or ')} beside a folder above the config`,
    fix: `put a checkout of it there, or say where it is: loadConfig(file, { reader: { roots: { ${scope}: '…' } } })`,
  });
}

function packageError(
  what: string,
  name: string,
  file: string,
  more: { expected?: string; didYouMean?: string | undefined; fix?: string },
): EngineError {
  return new EngineError({
    code: 'E_PYCONFIG_PACKAGE',
    what,
    received: `'${name}'`,
    where: file,
    ...more,
    exitCode: 2,
  });
}
