import { describe, expect, it } from 'vitest';
import { MessageHub, type MessageHubState } from './index.js';

function hub(options: ConstructorParameters<typeof MessageHub>[1] = {}): {
  hub: MessageHub;
  warnings: string[];
} {
  const warnings: string[] = [];
  return { hub: new MessageHub('test', { warn: (message) => warnings.push(message), ...options }), warnings };
}

describe('scalars', () => {
  it('are recorded one by one or together, with counts', () => {
    const { hub: it } = hub();
    it.updateScalar('train/loss', 4, 2);
    it.updateScalars({ 'train/loss': { value: 2, count: 1 }, 'train/lr': 0.1, 'train/acc': { value: 1 } });
    expect(it.getScalar('train/loss').mean()).toBe(2);
    expect(it.getScalar('train/lr').current()).toBe(0.1);
    expect([...it.logScalars.keys()]).toEqual(['train/loss', 'train/lr', 'train/acc']);
  });

  it('are not read by an update', () => {
    const { hub: it } = hub();
    let reads = 0;
    it.updateScalar('loss', { read: () => ++reads, dispose: () => undefined });
    expect(reads).toBe(0);
    expect(it.getScalar('loss').current()).toBe(1);
  });

  it('that are unknown or wrong are errors', () => {
    const { hub: it } = hub();
    it.updateScalar('train/loss', 1);
    expect(() => it.getScalar('train/los')).toThrow(/E_HUB_SCALAR.*did you mean 'train\/loss'/s);
    expect(() => it.updateScalars({ a: 'x' as never })).toThrow('E_CONFIG_VALUE');
    expect(() => it.updateScalar('a', [1] as never)).toThrow('E_HISTORY_VALUE');
  });
});

describe('facts', () => {
  it('are recorded, replaced, popped', () => {
    const { hub: it } = hub();
    it.updateInfoDict({ epoch: 1, iter: 10 });
    it.updateInfo('epoch', 2);
    expect([it.getInfo('epoch'), it.getInfo('none'), it.getInfo('none', 5)]).toEqual([2, undefined, 5]);
    expect([it.popInfo('iter'), it.popInfo('iter'), it.popInfo('iter', 3)]).toEqual([10, undefined, 3]);
    expect(it.runtimeInfo.has('iter')).toBe(false);
  });

  it('keep their resumed flag', () => {
    const { hub: it } = hub();
    it.updateInfo('a', 1, false);
    expect(() => it.updateInfo('a', 2)).toThrow(/E_HUB_RESUMED.*resumed = true.*resumed = false/s);
    it.updateScalar('b', 1);
    expect(() => it.updateScalar('b', 1, 1, false)).toThrow('E_HUB_RESUMED');
  });
});

describe('state', () => {
  it('is plain JSON of the resumed keys, with the newest values and what the older ones come to', () => {
    const { hub: it } = hub({ historyInCheckpoint: 3 });
    for (let i = 0; i < 10; i++) it.updateScalar('loss', i);
    it.updateScalar('time', 1, 1, false);
    it.updateInfo('best', -Infinity);
    it.updateInfo('ids', [1, { a: null }]);
    it.updateInfo('secret', 1, false);
    const state = JSON.parse(JSON.stringify(it.stateDict())) as MessageHubState;
    expect(state.logScalars).toEqual({
      loss: {
        values: [7, 8, 9],
        counts: [1, 1, 1],
        // 0 to 6
        older: { count: 7, length: 7, sum: 21, min: 0, max: 6 },
      },
    });
    expect(Object.keys(state.runtimeInfo)).toEqual(['best', 'ids']);

    const { hub: other } = hub();
    other.updateInfo('kept', true);
    other.updateScalar('loss', 99);
    other.loadStateDict(state);
    expect([...other.getScalar('loss').history.values]).toEqual([7, 8, 9]);
    expect([other.getInfo('best'), other.getInfo('ids'), other.getInfo('kept')]).toEqual([
      -Infinity,
      [1, { a: null }],
      true,
    ]);
    expect(() => other.updateInfo('best', 0, false)).toThrow('E_HUB_RESUMED');
  });

  it('does not change with the hub afterwards', () => {
    const { hub: it } = hub();
    const ids = [1];
    it.updateInfo('ids', ids);
    const state = it.stateDict();
    ids.push(2);
    expect(state.runtimeInfo.ids).toEqual([1]);
  });

  it('leaves out what is not JSON, with a warning', () => {
    const { hub: it, warnings } = hub();
    it.updateInfo('model', { layers: [new Map()] });
    it.updateInfo('fine', 1);
    expect(it.stateDict().runtimeInfo).toEqual({ fine: 1 });
    expect(warnings).toEqual([
      "Message hub: 'model' is not saved in checkpoints, it is not plain JSON: layers[0] is a Map",
    ]);
  });

  it('that is incomplete is an error; odd entries are skipped with a warning', () => {
    const { hub: it, warnings } = hub();
    expect(() => it.loadStateDict({ logScalars: {}, runtimeInfo: {} } as never)).toThrow(
      /E_HUB_STATE.*resumedKeys/s,
    );
    it.loadStateDict({
      logScalars: { a: 3 as never, b: { values: [1], counts: [1] } },
      runtimeInfo: { c: 1, d: 2 },
      resumedKeys: { a: true, b: true, d: true },
    });
    expect(warnings.map((text) => text.replace('Message hub: ', ''))).toEqual([
      "the saved scalar 'a' is not a history and is skipped.",
      "the saved fact 'c' is not marked as resumed and is skipped.",
    ]);
    expect([it.getScalar('b').current(), it.getInfo('c'), it.getInfo('d')]).toEqual([1, undefined, 2]);
  });
});

it('gives up unread lazy values', () => {
  const { hub: it } = hub();
  let disposed = 0;
  it.updateScalar('loss', { read: () => 1, dispose: () => disposed++ });
  it.dispose();
  expect(disposed).toBe(1);
});

it('checks its options', () => {
  expect(() => new MessageHub('a', { historyInCheckpoint: -1 })).toThrow('E_CONFIG_VALUE');
  expect(() => new MessageHub('a', { history: 1 } as never)).toThrow('E_CONFIG_UNKNOWN_KEY');
});
