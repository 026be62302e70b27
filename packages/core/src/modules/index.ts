export { discoverPlugins, forgetDiscoveredPlugins } from './discover.js';
export { checkVersion, PLUGIN_API_VERSION, readManifest, type PluginManifest } from './manifest.js';
export { importInstalled, importNeeded, type ImportedPlugins } from './on-demand.js';
export { importModule, loadedPlugins, loadPlugins } from './plugins.js';
export type { ModuleNamespace } from './script-loader.js';
