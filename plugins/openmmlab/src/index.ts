import { CONFIG_READERS } from '@engine/core';
import { readPythonConfig } from './config/reader.js';

CONFIG_READERS.add('py', readPythonConfig, { from: '@engine/openmmlab' });

export { readPythonConfig, type PythonReaderOptions } from './config/reader.js';
export { convertValues, typesOf, type TypeUse } from './types/convert.js';
export { COUNTERPARTS, engineType } from './types/table.js';
