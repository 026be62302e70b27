import { describe, expect, it } from 'vitest';
import { LOGGERS, MESSAGE_HUBS, NamedInstances } from './index.js';

describe('NamedInstances', () => {
  const table = () =>
    new NamedInstances<{ name: string; size: number }, { size: number }>('Box', (name, options) => ({
      name,
      size: options?.size ?? 1,
    }));

  it('makes each name once', () => {
    const boxes = table();
    const box = boxes.getInstance('a', { size: 3 });
    expect(box).toEqual({ name: 'a', size: 3 });
    expect(boxes.getInstance('a')).toBe(box);
    expect(boxes.require('a')).toBe(box);
    expect(table().has('a')).toBe(false);
  });

  it('knows the newest one', () => {
    const boxes = table();
    expect(boxes.current).toBeUndefined();
    boxes.getInstance('a');
    boxes.getInstance('b');
    boxes.getInstance('a');
    expect(boxes.current?.name).toBe('b');
    boxes.delete('b');
    expect(boxes.current?.name).toBe('a');
    boxes.clear();
    expect([boxes.current, boxes.names()]).toEqual([undefined, []]);
  });

  it('refuses empty names, unknown names and options that come too late', () => {
    const boxes = table();
    boxes.getInstance('box');
    expect(() => boxes.getInstance('')).toThrow('E_INSTANCE_NAME');
    expect(() => boxes.getInstance('box', { size: 2 })).toThrow('E_INSTANCE_EXISTS');
    expect(() => boxes.require('bax')).toThrow(/E_INSTANCE_UNKNOWN.*did you mean 'box'/s);
  });
});

it('has default tables of loggers and hubs', () => {
  const logger = LOGGERS.getInstance('named-test', { console: false });
  expect(logger.name).toBe('named-test');
  expect(MESSAGE_HUBS.getInstance('named-test').name).toBe('named-test');
  LOGGERS.delete('named-test');
  MESSAGE_HUBS.delete('named-test');
});
