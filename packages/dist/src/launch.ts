import { EngineError } from '@engine/core';

/** Who started the processes: the `torchrun` variables, Slurm, Open MPI, or nobody. */
export type Launcher = 'pytorch' | 'slurm' | 'mpi' | 'none';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Place of this process as its launcher tells it. */
export interface LaunchInfo {
  launcher: Launcher;
  rank: number;
  worldSize: number;
  /** Rank among the processes on this machine. */
  localRank: number;
}

/** Names of the variables for rank, world size and local rank. */
const VARIABLES: Record<Exclude<Launcher, 'none'>, readonly [string, string, string]> = {
  pytorch: ['RANK', 'WORLD_SIZE', 'LOCAL_RANK'],
  slurm: ['SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'],
  mpi: ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'],
};

/** The launcher whose variables are set. */
export function inferLauncher(env: Environment = process.env): Launcher {
  if ('WORLD_SIZE' in env) return 'pytorch';
  if ('SLURM_NTASKS' in env) return 'slurm';
  if ('OMPI_COMM_WORLD_LOCAL_RANK' in env) return 'mpi';
  return 'none';
}

/**
 * Reads the place of this process; rank 0 of 1 when nobody launched it.
 * @throws E_DIST_LAUNCH_ENV when a variable is missing or no whole number
 */
export function readLaunchInfo(
  env: Environment = process.env,
  launcher: Launcher = inferLauncher(env),
): LaunchInfo {
  if (launcher === 'none') return { launcher, rank: 0, worldSize: 1, localRank: 0 };
  const [rank, worldSize, localRank] = VARIABLES[launcher].map((name) => {
    const text = env[name];
    if (text !== undefined && /^\d+$/.test(text)) return Number(text);
    throw new EngineError({
      code: 'E_DIST_LAUNCH_ENV',
      what: `The launcher '${launcher}' should have set ${name}.`,
      received: text === undefined ? `no ${name}` : `${name} = '${text}'`,
      expected: 'a whole number',
      fix: `start the processes with the launcher, or set ${VARIABLES[launcher].join(', ')}`,
      exitCode: 2,
    });
  }) as [number, number, number];
  return { launcher, rank, worldSize, localRank };
}
