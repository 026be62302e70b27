export { importModule, loadedPlugins, loadPlugins } from './plugins.js';
export type { ModuleNamespace } from './script-loader.js';
