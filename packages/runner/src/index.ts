import { provideSchemas } from '@engine/core';

import '@engine/optim';
import '@engine/visualizer';

export * from './build/hooks.js';
export * from './checkpoint/content.js';
export * from './checkpoint/capture.js';
export * from './checkpoint/find.js';
export * from './checkpoint/inspect.js';
export { loadCheckpoint, type LoadCheckpointOptions } from './checkpoint/load.js';
export {
  CHECKPOINT_FORMAT,
  migrationNames,
  registerCheckpointMigration,
  type CheckpointDocuments,
  type CheckpointMigration,
} from './checkpoint/migrations.js';
export * from './checkpoint/read.js';
export type { CheckpointSaver } from './checkpoint/saver.js';
export * from './checkpoint/store.js';
export * from './checkpoint/write.js';
export * from './environment.js';
export * from './events.js';
export * from './dry-run.js';
export * from './hook-bus.js';
export * from './hook.js';
export * from './hooks/batch-norm-recalibration-hook.js';
export * from './hooks/best-rule.js';
export * from './hooks/checkpoint-hook.js';
export * from './hooks/early-stopping-hook.js';
export * from './hooks/ema-hook.js';
export * from './hooks/empty-cache-hook.js';
export * from './hooks/freeze-hook.js';
export * from './hooks/grad-norm-hook.js';
export * from './hooks/iter-timer-hook.js';
export * from './hooks/logger-hook.js';
export * from './hooks/lr-monitor-hook.js';
export * from './hooks/max-time-hook.js';
export * from './hooks/model-summary-hook.js';
export * from './hooks/nan-guard-hook.js';
export * from './hooks/naive-visualization-hook.js';
export * from './hooks/param-scheduler-hook.js';
export * from './hooks/prepare-tta-hook.js';
export * from './hooks/profiler-hook.js';
export * from './hooks/progress-bar-hook.js';
export * from './hooks/publish-checkpoint.js';
export * from './hooks/runtime-info-hook.js';
export * from './hooks/sampler-seed-hook.js';
export * from './hooks/sync-buffers-hook.js';
export * from './hooks/system-monitor-hook.js';
export * from './hooks/throughput-monitor-hook.js';
export { kernelFlops } from './hooks/trace-recorder.js';
export * from './log-lines.js';
export * from './log-processor.js';
export * from './loops/base-train-loop.js';
export * from './loops/epoch-based-train-loop.js';
export * from './loops/evaluation.js';
export * from './loops/intervals.js';
export * from './loops/iter-based-train-loop.js';
export * from './loops/loop.js';
export * from './loops/loss-means.js';
export * from './loops/test-loop.js';
export * from './loops/train-iteration.js';
export * from './loops/val-loop.js';
export * from './offline.js';
export * from './priority.js';
export * from './run-directory.js';
export * from './run.js';
export * from './runner-options.js';
export * from './runner.js';
export * from './validate.js';
export * from './version.js';
export * from './tta.js';

provideSchemas(import.meta.url);
