import { badValue, checkKeys } from '@engine/core';
import {
  definedOnly,
  newBuffer,
  Optimizer,
  requireNonNegative,
  type ParamGroup,
  type ParamsInput,
  type UpdateBatch,
} from '@engine/optim';
import { tf, type ParamRef, type Tensor, type Variable } from '@engine/tensor';
import { BLOCK_SIZE, blockCount, dequantiseBlock, quantiseBlock } from './block-quantiser.js';
import { SIGNED_MAP, UNSIGNED_MAP, type DynamicMap } from './dynamic-map.js';
import type { Rule, Stretch } from './rules.js';

/** Options that all of these optimizers share. */
export interface BlockwiseOptions {
  /** Parameters with fewer elements keep float32 state; 4096. */
  min8bitSize?: number;
}

/** States that a rule may keep. */
export type StateName = 'state1' | 'state2' | 'state3';

/** Codes that fit into one element of the int32 tensors that hold them: tfjs has no tensors of bytes. */
const PER_ELEMENT = 4;

/**
 * Base of the optimizers whose state is kept in 8 bits. A parameter of n elements has, for each state, n bytes of codes
 * (four to an element of an int32 tensor, in memory order, the first in the lowest byte) and a float32 scale for each
 * block of 256 elements; one of fewer than `min8bitSize` elements has float32 state.
 *
 * Updates run on the host, block by block: in each step parameters, gradients and states are read from the device and
 * written back, which costs a copy on a backend of another memory and a wait for everything before.
 */
export abstract class BlockwiseOptimizer extends Optimizer {
  /**
   * @param defaults every option with its default
   * @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE
   */
  constructor(params: ParamsInput, options: object, defaults: Record<string, unknown>) {
    const complete: Record<string, unknown> = { min8bitSize: 4096, ...defaults };
    checkKeys(new.target.name, options, Object.keys(complete));
    super(params, { ...complete, ...definedOnly(options) });
  }

  protected abstract readonly rule: Rule;

  /** Which states the rule keeps, by name, and whether they take both signs. */
  protected abstract readonly stateSigns: Readonly<Partial<Record<StateName, boolean>>>;

  private get stateNames(): StateName[] {
    return Object.keys(this.stateSigns) as StateName[];
  }

  /** Width of the state of large parameters. */
  protected get stateBits(): 8 | 32 {
    return 8;
  }

  protected checkGroup(group: ParamGroup): void {
    for (const key of ['lr', 'weightDecay', 'min8bitSize'])
      requireNonNegative(`${this.name}.${key}`, group[key]);
  }

  /** Rejects options that exist for compatibility and of which only one value is implemented. */
  protected requireOnly(group: ParamGroup, values: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(values)) {
      if (group[key] !== value)
        throw badValue(`${this.name}.${key}`, group[key], `${value}, all that is implemented`);
    }
  }

  protected override initState(param: ParamRef, group: ParamGroup) {
    const buffers: Record<string, Variable> = {};
    for (const state of this.stateNames) {
      if (!this.isQuantised(param, group)) {
        buffers[state] = newBuffer(param);
        continue;
      }
      const shape = this.codeShape(param);
      buffers[state] = tf.tidy(() => tf.variable(tf.zeros(shape, 'int32'), false));
      buffers[scaleName(state)] = newBuffer(param, 0, this.scaleShape(param));
    }
    return { buffers, numbers: {} };
  }

  protected override bufferShape(buffer: string, param: ParamRef): readonly number[] {
    const group = this.paramGroups.find(({ params }) => params.includes(param))!;
    if (!this.isQuantised(param, group)) return param.variable.shape;
    return buffer in this.stateSigns ? this.codeShape(param) : this.scaleShape(param);
  }

  protected update({ group, variables, grads, states }: UpdateBatch): void {
    variables.forEach((variable, i) => {
      const { buffers, step } = states[i]!;
      const param = floats(variable);
      const stretch = { param, grad: grads[i]!.dataSync() as Float32Array, step };
      if (scaleName('state1') in buffers) this.updateQuantised(stretch, group, buffers);
      else this.updateFloat(stretch, group, buffers);
      write(variable, param);
    });
  }

  private updateQuantised(
    whole: Pick<Stretch, 'param' | 'grad' | 'step'>,
    group: ParamGroup,
    buffers: Record<string, Variable>,
  ): void {
    const size = whole.param.length;
    const block = () => new Float32Array(BLOCK_SIZE);
    const blocks = { state1: block(), state2: block(), state3: block() };
    const stretch = { ...whole, ...blocks, offset: 0, length: 0, direction: block() };
    const states = this.stateNames.map((name) => {
      const signed = this.stateSigns[name];
      const words = (buffers[name]!.dataSync() as Int32Array).slice();
      return {
        name,
        map: signed ? SIGNED_MAP : UNSIGNED_MAP,
        words,
        codes: new Uint8Array(words.buffer),
        scales: floats(buffers[scaleName(name)]!),
        block: blocks[name],
      };
    });
    for (let b = 0; b < blockCount(size); b++) {
      stretch.offset = b * BLOCK_SIZE;
      stretch.length = Math.min(BLOCK_SIZE, size - stretch.offset);
      const { offset, length } = stretch;
      for (const s of states) dequantiseBlock(s.block, length, s.map, s.codes, offset, s.scales[b]!);
      move(stretch, this.rule(stretch, group));
      for (const s of states) s.scales[b] = quantiseBlock(s.block, length, s.map, s.codes, offset);
    }
    for (const { name, words, scales } of states) {
      write(buffers[name]!, words);
      write(buffers[scaleName(name)]!, scales);
    }
  }

  private updateFloat(
    whole: Pick<Stretch, 'param' | 'grad' | 'step'>,
    group: ParamGroup,
    buffers: Record<string, Variable>,
  ): void {
    const { length } = whole.param;
    const none = new Float32Array(0);
    const states: Record<StateName, Float32Array> = { state1: none, state2: none, state3: none };
    for (const name of this.stateNames) states[name] = floats(buffers[name]!);
    const limit = (group.maxUnorm as number | undefined) ?? 0;
    const longest = limit > 0 ? limit * norm(whole.param) : Infinity;
    const stretch = { ...whole, ...states, offset: 0, length, direction: new Float32Array(length) };
    const rate = this.rule(stretch, group);
    const long = longest < Infinity ? norm(stretch.direction) : 0;
    move(stretch, long > longest ? (rate * longest) / long : rate);
    for (const name of this.stateNames) write(buffers[name]!, states[name]);
  }

  private isQuantised(param: ParamRef, group: ParamGroup): boolean {
    return this.stateBits === 8 && param.variable.size >= (group.min8bitSize as number);
  }

  private codeShape(param: ParamRef): [number] {
    return [Math.ceil(param.variable.size / PER_ELEMENT)];
  }

  private scaleShape(param: ParamRef): [number] {
    return [blockCount(param.variable.size)];
  }
}

/** Name of the buffer with the scales of a state: `absmax1` for `state1`. */
function scaleName(state: string): string {
  return state.replace('state', 'absmax');
}

/** What an optimizer has remembered about a state: its map and where the codes and scales are. */
export interface QuantisedState {
  map: DynamicMap;
  codes: Tensor;
  scales: Tensor;
}

/**
 * Reads a quantised state back as numbers.
 * @param size elements of the parameter
 */
export function dequantise({ map, codes, scales }: QuantisedState, size: number): Float32Array {
  const bytes = new Uint8Array((codes.dataSync() as Int32Array).slice().buffer);
  const largest = scales.dataSync();
  const values = new Float32Array(size);
  for (let b = 0; b < blockCount(size); b++) {
    const offset = b * BLOCK_SIZE;
    const block = values.subarray(offset, offset + BLOCK_SIZE);
    dequantiseBlock(block, block.length, map, bytes, offset, largest[b]!);
  }
  return values;
}

/** A copy of a tensor's values, since some backends hand out their own memory. */
function floats(tensor: Tensor): Float32Array {
  return (tensor.dataSync() as Float32Array).slice();
}

function write(variable: Variable, values: Float32Array | Int32Array): void {
  variable.assign(tf.tensor(values, variable.shape, variable.dtype));
}

function move({ param, offset, length, direction }: Stretch, rate: number): void {
  const factor = Math.fround(rate);
  for (let i = 0; i < length; i++) param[offset + i] = param[offset + i]! - factor * direction[i]!;
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}
