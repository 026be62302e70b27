// Reads the type tables of @engine/core with all that packages and plugins have merged into them.
import { existsSync, readdirSync } from 'node:fs';
import { relative } from 'node:path';
import ts from 'typescript';
import { fromRoot } from './root.mjs';
import { createConverter } from './type-to-schema.mjs';
import { wholeConfig } from './whole-config.mjs';

/** Folders of all packages and plugins that have sources. */
function folders() {
  return ['packages', 'plugins'].flatMap((group) =>
    readdirSync(fromRoot(group))
      .sort()
      .map((name) => `${group}/${name}`)
      .filter((folder) => existsSync(fromRoot(folder, 'src', 'index.ts'))),
  );
}

/** Opens all packages as one program. */
export function openTables(names) {
  const { config } = ts.readConfigFile(fromRoot('tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, fromRoot());
  const entries = folders().map((folder) => fromRoot(folder, 'src', 'index.ts'));
  const program = ts.createProgram(entries, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const core = program.getSourceFile(fromRoot('packages', 'core', 'src', 'index.ts'));
  const exported = new Map(
    checker.getExportsOfModule(checker.getSymbolAtLocation(core)).map((one) => {
      const target = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      return [one.name, target];
    }),
  );
  // Asked by its declaration: the symbol itself does not know what other modules have merged into it.
  const declared = (name) => {
    const symbol = exported.get(name);
    if (!symbol) throw new Error(`@engine/core has no type ${name}`);
    return checker.getTypeAtLocation(symbol.declarations[0].name);
  };
  const tableNames = new Map(Object.entries(names).map(([registry, table]) => [table, registry]));

  const folderOf = (symbol) => {
    const file = relative(fromRoot(), symbol.declarations[0].getSourceFile().fileName);
    return file.split(/[\\/]/).slice(0, 2).join('/');
  };

  /** Every declared part: { registry, table, name, folder, type }. */
  const parts = [];
  for (const [registry, table] of Object.entries(names)) {
    for (const property of checker.getPropertiesOfType(declared(table))) {
      const type = checker.getTypeOfSymbol(property);
      parts.push({ registry, table, name: property.name, folder: folderOf(property), type });
    }
  }
  parts.sort((a, b) => (a.registry + a.name < b.registry + b.name ? -1 : 1));

  return {
    checker,
    parts,
    /** folder → what its schema.json holds. */
    schemas() {
      const found = new Map();
      const of = (folder) => {
        if (!found.has(folder)) {
          const schema = { version: 1, $defs: {} };
          found.set(folder, { schema, converter: createConverter(checker, tableNames, parts, schema.$defs) });
        }
        return found.get(folder);
      };
      for (const { registry, name, folder, type } of parts) {
        const { schema, converter } = of(folder);
        ((schema.parts ??= {})[registry] ??= {})[name] = converter.object(type);
      }
      const runner = of('packages/runner');
      runner.schema.config = wholeConfig(checker, runner.converter, declared('ExperimentConfig'));
      return new Map([...found].map(([folder, { schema }]) => [folder, schema]));
    },
  };
}
