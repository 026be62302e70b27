import { copyTensor, type Tensor } from '@engine/tensor';
import { GatheringGroup } from './gathering-group.js';

/** One collective call, complete when every rank has given its value. */
interface Round {
  values: unknown[];
  /** Ranks that have not given their value. */
  missing: number;
  /** Ranks that have not taken the values. */
  present: number;
  done: Promise<void>;
  finish: () => void;
}

class Meeting {
  private readonly rounds = new Map<number, Round>();

  constructor(private readonly worldSize: number) {}

  async exchange(call: number, rank: number, value: unknown): Promise<unknown[]> {
    const round = this.rounds.get(call) ?? this.newRound(call);
    round.values[rank] = value;
    if (--round.missing === 0) round.finish();
    await round.done;
    if (--round.present === 0) this.rounds.delete(call);
    return round.values;
  }

  private newRound(call: number): Round {
    let finish = (): void => {};
    const done = new Promise<void>((resolve) => (finish = resolve));
    const { worldSize } = this;
    const round = {
      values: new Array<unknown>(worldSize),
      missing: worldSize,
      present: worldSize,
      done,
      finish,
    };
    this.rounds.set(call, round);
    return round;
  }
}

/** One rank of several inside one process, each an asynchronous task of its own: for tests and for trying things out. */
export class LocalGroup extends GatheringGroup {
  readonly backend = 'local';
  private calls = 0;

  private constructor(
    readonly rank: number,
    readonly worldSize: number,
    private readonly meeting: Meeting,
  ) {
    super();
  }

  /** The `worldSize` ranks of a new group. */
  static create(worldSize: number): LocalGroup[] {
    const meeting = new Meeting(worldSize);
    return Array.from({ length: worldSize }, (_, rank) => new LocalGroup(rank, worldSize, meeting));
  }

  async allGather<T extends Tensor>(tensor: T): Promise<T[]> {
    const all = (await this.meeting.exchange(this.calls++, this.rank, tensor)) as T[];
    const copies = all.map((each) => copyTensor(each));
    // Nobody may dispose what it gave before everybody has copied it.
    await this.barrier();
    return copies;
  }

  async allGatherObject<V>(value: V): Promise<V[]> {
    const all = (await this.meeting.exchange(this.calls++, this.rank, structuredClone(value))) as V[];
    return all.map((each) => structuredClone(each));
  }
}
