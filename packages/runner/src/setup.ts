import {
  createRunContainer,
  LOG_PROCESSORS,
  Logger,
  LOGGER,
  MessageHub,
  MESSAGE_HUB,
  MODELS,
  provide,
  PROCESS_GROUPS,
  VISUALIZERS,
  type DependencyContainer,
} from '@engine/core';
import { PROCESS_GROUP, type ProcessGroup } from '@engine/dist';
import type { Visualizer } from '@engine/visualizer';
import type { LogProcessor } from './log-processor.js';
import { RunDirectory } from './run-directory.js';
import type { RunnerOptions } from './runner-options.js';

/** What a run needs before its model exists. */
export interface RunServices {
  container: DependencyContainer;
  processGroup: ProcessGroup;
  directory: RunDirectory;
  experimentName: string;
  logger: Logger;
  messageHub: MessageHub;
  logProcessor: LogProcessor;
  visualizer: Visualizer;
}

/** Newest values per scalar that a checkpoint holds one by one; of older ones it has what windows over everything need. */
const HISTORY_IN_CHECKPOINT = 100;

/** Makes the run's folder and the services that live in it, and offers them for injection. */
export function createServices(options: RunnerOptions): RunServices {
  const container = createRunContainer();
  const processGroup = PROCESS_GROUPS.build<ProcessGroup>({ type: 'single' } as never, { container });
  const directory = RunDirectory.create(options.workDir);
  const experimentName = experimentNameOf(options, directory.timestamp);
  const logger = new Logger({
    level: options.logLevel ?? 'INFO',
    file: directory.logFile,
    rank: processGroup.rank,
    worldSize: processGroup.worldSize,
  });
  provide(container, LOGGER, logger);
  const messageHub = new MessageHub(experimentName, {
    warn: (message) => logger.warn(message),
    historyInCheckpoint: HISTORY_IN_CHECKPOINT,
  });
  provide(container, MESSAGE_HUB, messageHub);
  provide(container, PROCESS_GROUP, processGroup);
  const visualizer = VISUALIZERS.build<Visualizer>((options.visualizer ?? {}) as never, {
    container,
    path: 'visualizer',
    defaults: {
      type: 'Visualizer',
      name: experimentName,
      saveDir: directory.path(),
      rank: processGroup.rank,
      visBackends: [{ type: 'LocalVisBackend' }],
    },
  });
  visualizer.logger = logger;
  const logProcessor = LOG_PROCESSORS.build<LogProcessor>((options.logProcessor ?? {}) as never, {
    container,
    path: 'logProcessor',
    defaults: { type: 'LogProcessor' },
  });
  return { container, processGroup, directory, experimentName, logger, messageHub, logProcessor, visualizer };
}

/** The name given, else the config file's, followed by the time. */
function experimentNameOf(options: RunnerOptions, timestamp: string): string {
  const file = options.cfg?.filename;
  const base =
    options.experimentName ??
    (file ? file.replace(/^.*[/\\]/, '').replace(/(\.config)?\.[^.]+$/, '') : undefined);
  return base ? `${base}_${timestamp}` : timestamp;
}

/** Says so when the default scope is none that anything was registered under. */
export function warnOfScope(scope: string | undefined, logger: Logger): void {
  if (scope === undefined || scope === MODELS.scope || MODELS.atScope(scope) !== MODELS) return;
  const known = [...MODELS.children.keys()].join(', ') || 'none';
  logger.warn(`No registry has the scope '${scope}' (defaultScope); scopes that are loaded: ${known}.`);
}
