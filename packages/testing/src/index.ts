export { expectNoLeak, type ExpectNoLeakOptions } from '@engine/tensor';
export * from './faulty-file-system.js';
export * from './golden.js';
export * from './storage-backend-suite.js';
export * from './temp-folder.js';
export * from './vis-backend-suite.js';
