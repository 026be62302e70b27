import { badValue, checkKeys, HOOKS, hostArray, isHostArray, register, type HostArray } from '@engine/core';
import { isTensor, toHostArray } from '@engine/tensor';
import { basename } from 'node:path';
import type { EventPayloads } from '../events.js';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface NaiveVisualizationHookOptions {
  /** Show the samples of every so many test batches; 1. */
  interval?: number;
  /** Draw the annotation; true. */
  drawGt?: boolean;
  /** Draw the prediction; true. */
  drawPred?: boolean;
  priority?: number | string;
}

/** What a sample may say of the way its image was made. Sizes are [height, width]. */
interface ImageFacts {
  /** Mean and standard deviation that were taken out of the pixels. */
  imgNormCfg?: { mean: readonly number[]; std: readonly number[] };
  /** Size before padding; what lies beyond it is cut off. */
  imgShape?: readonly [number, number];
  /** Size of the image in its file, to which it is brought back. */
  oriShape?: readonly [number, number];
  imgPath?: string;
}

/**
 * Shows every tested sample through `visualizer.addDatasample`: its image with normalisation, padding and resizing undone
 * as far as the sample tells (`imgNormCfg`, `imgShape`, `oriShape`, [height, width]), named after its file. The
 * visualizer of a task draws annotation and prediction; the base class draws nothing.
 */
@register(HOOKS)
export class NaiveVisualizationHook extends Hook {
  private readonly interval: number;
  private readonly drawGt: boolean;
  private readonly drawPred: boolean;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: NaiveVisualizationHookOptions = {}) {
    super();
    checkKeys('NaiveVisualizationHook', options, ['interval', 'drawGt', 'drawPred', 'priority']);
    const { interval = 1, drawGt = true, drawPred = true } = options;
    if (!Number.isInteger(interval) || interval < 1) {
      throw badValue('NaiveVisualizationHook.interval', interval, 'a whole number of batches above 0');
    }
    this.interval = interval;
    this.drawGt = drawGt;
    this.drawPred = drawPred;
  }

  override beforeTrain(run: Run): void {
    run.visualizer.addGraph(run.model, undefined);
  }

  override afterTestIter(run: Run, { batchIdx, dataBatch, outputs }: EventPayloads['afterTestIter']): void {
    if (!this.everyNInnerIters(batchIdx, this.interval)) return;
    imagesOf(dataBatch).forEach((image, i) => {
      const sample = sampleOf(dataBatch, i);
      const name = sample.imgPath === undefined ? `test_${batchIdx}_${i}` : basename(sample.imgPath);
      const output: unknown = Array.isArray(outputs) ? outputs[i] : outputs;
      run.visualizer.addDatasample(name, restoreImage(image, sample), output, {
        drawGt: this.drawGt,
        drawPred: this.drawPred,
        step: run.iter,
      });
    });
  }
}

/**
 * An image as people look at it, uint8 [H, W, C]: normalisation undone, padding cut off, brought to its first size by
 * bilinear interpolation between pixel centres.
 * @param image [H, W, C], as it went into the model
 */
export function restoreImage(image: HostArray, facts: ImageFacts = {}): HostArray {
  const [height = 0, width = 0, channels = 1] = image.shape;
  const { mean, std } = facts.imgNormCfg ?? {};
  const [cutH, cutW] = facts.imgShape ?? [height, width];
  const [outH, outW] = facts.oriShape ?? [cutH, cutW];
  const data = image.data as Float32Array;
  const at = (y: number, x: number, c: number): number => {
    const value = data[(y * width + x) * channels + c]!;
    return mean && std ? value * std[c % std.length]! + mean[c % mean.length]! : value;
  };
  const out = new Uint8ClampedArray(outH * outW * channels);
  const rows = taps(outH, cutH);
  const columns = taps(outW, cutW);
  rows.forEach(([y0, y1, fy], y) => {
    columns.forEach(([x0, x1, fx], x) => {
      for (let c = 0; c < channels; c++) {
        const top = at(y0, x0, c) * (1 - fx) + at(y0, x1, c) * fx;
        const bottom = at(y1, x0, c) * (1 - fx) + at(y1, x1, c) * fx;
        out[(y * outW + x) * channels + c] = top * (1 - fy) + bottom * fy;
      }
    });
  });
  return hostArray(new Uint8Array(out.buffer), [outH, outW, channels]);
}

/** For each of `to` pixels, the two of `from` that it lies between, and how far towards the second. */
function taps(to: number, from: number): [first: number, second: number, share: number][] {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const first = Math.floor(place);
    return [first, Math.min(first + 1, from - 1), place - first];
  });
}

/** The images of a batch, [H, W, C] each: stacked or in a list, under `inputs` or in the first place. */
function imagesOf(batch: unknown): HostArray[] {
  const inputs: unknown = Array.isArray(batch) ? batch[0] : (batch as { inputs?: unknown } | null)?.inputs;
  const host = (value: unknown): unknown => (isTensor(value) ? toHostArray(value) : value);
  if (Array.isArray(inputs)) {
    return inputs
      .map(host)
      .filter((image): image is HostArray => isHostArray(image) && image.shape.length === 3);
  }
  const stacked = host(inputs);
  if (!isHostArray(stacked) || stacked.shape.length !== 4) return [];
  const [count = 0, ...shape] = stacked.shape;
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, i) =>
    hostArray(stacked.data.slice(i * size, (i + 1) * size) as Float32Array, shape),
  );
}

/** What the batch says of its sample number `i`. */
function sampleOf(batch: unknown, i: number): ImageFacts {
  const samples: unknown = Array.isArray(batch)
    ? batch[1]
    : ((batch as { dataSamples?: unknown } | null)?.dataSamples ?? batch);
  const sample: unknown = Array.isArray(samples)
    ? samples[i]
    : Object.fromEntries(
        Object.entries((samples ?? {}) as object).map(([key, list]) => [
          key,
          Array.isArray(list) ? list[i] : undefined,
        ]),
      );
  return typeof sample === 'object' && sample !== null ? (sample as ImageFacts) : {};
}

declare module '@engine/core' {
  interface HookTypes {
    NaiveVisualizationHook: NaiveVisualizationHookOptions;
  }
}
