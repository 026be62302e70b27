import { tensorsIn, watchReads, type Tensor } from '@engine/tensor';

import { BatchNorm1d, BatchNorm2d } from '../layers/batch-norm.js';
import { ConvTranspose2d } from '../layers/conv-transpose2d.js';
import { Conv2d } from '../layers/conv2d.js';
import type { Module } from '../module.js';
import type { Conv, Norm } from './fold.js';

/** Batch norms by the convolution whose every result they alone read. */
export type ConvBnPairs = ReadonlyMap<Conv, Norm>;

export interface FoundPairs<T> {
  /** What the forward pass returned. */
  value: T;
  pairs: ConvBnPairs;
  /** Batch norms that read anything but results of their pairs. */
  mixed: ReadonlySet<Norm>;
}

/** What became of the results of one convolution. */
interface Use {
  norms: Set<Norm>;
  elsewhere: boolean;
}

const isConv = (module: Module): module is Conv =>
  module instanceof Conv2d || module instanceof ConvTranspose2d;
const isNorm = (module: Module): module is Norm =>
  module instanceof BatchNorm1d || module instanceof BatchNorm2d;

/** Convolutions and batch norms below a module, itself included. */
export function convsAndNorms(module: Module): { convs: Conv[]; norms: Norm[] } {
  const all = module.namedModules().map(([, each]) => each);
  return { convs: all.filter(isConv), norms: all.filter(isNorm) };
}

/**
 * Runs a forward pass and finds the convolutions below `root` whose results go to one batch norm with running
 * statistics and as many channels, once each time, and nowhere else: no kernel but the batch norm's reads them, and
 * `run` does not return them.
 */
export function findPairs<T>(root: Module, run: () => T): FoundPairs<T> {
  const { convs, norms } = convsAndNorms(root);
  const uses = new Map<Conv, Use>();
  const makers = new Map<Tensor, Conv>();
  const taken = new Set<Tensor>();
  const mixed = new Set<Norm>();
  let within: Tensor | undefined;

  const restore = [
    ...convs.map((conv) =>
      replaceMethod(conv, 'forward', (plain) => (x) => {
        const y = plain(x);
        // A tensor that two convolutions hand on belongs to neither.
        if (makers.has(y)) useOf(uses, makers.get(y)!).elsewhere = true;
        makers.set(y, conv);
        useOf(uses, conv);
        return y;
      }),
    ),
    ...norms.flatMap((norm) =>
      (['forward', 'forwardRelu'] as const).map((method) =>
        replaceMethod(norm, method, (plain) => (x) => {
          const maker = makers.get(x);
          if (!maker) {
            mixed.add(norm);
            return plain(x);
          }
          const use = useOf(uses, maker);
          use.norms.add(norm);
          if (taken.has(x) || !norm.runningMean) use.elsewhere = true;
          taken.add(x);
          const outer = within;
          within = x;
          try {
            return plain(x);
          } finally {
            within = outer;
          }
        }),
      ),
    ),
  ];
  try {
    const value = watchReads(run, (tensor) => {
      const maker = makers.get(tensor);
      if (maker && tensor !== within) useOf(uses, maker).elsewhere = true;
    });
    for (const tensor of tensorsIn(value)) {
      const maker = makers.get(tensor);
      if (maker) useOf(uses, maker).elsewhere = true;
    }
    // A result that no norm read was read on the host, or by nobody.
    for (const [tensor, maker] of makers) if (!taken.has(tensor)) useOf(uses, maker).elsewhere = true;
    const pairs = new Map<Conv, Norm>();
    for (const [conv, { norms: found, elsewhere }] of uses) {
      if (!elsewhere && found.size === 1) pairs.set(conv, [...found][0]!);
      else for (const norm of found) mixed.add(norm);
    }
    return { value, pairs, mixed };
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}

function useOf(uses: Map<Conv, Use>, conv: Conv): Use {
  let use = uses.get(conv);
  if (!use) uses.set(conv, (use = { norms: new Set(), elsewhere: false }));
  return use;
}

type Unary = (x: Tensor) => Tensor;

/** Puts another method in the place of an object's, until the function returned is called. */
export function replaceMethod<K extends string>(
  owner: { [key in K]: Unary },
  name: K,
  make: (plain: Unary) => Unary,
): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  const value = make(owner[name].bind(owner));
  Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: false });
  return () => {
    if (before) Object.defineProperty(owner, name, before);
    else delete (owner as Partial<typeof owner>)[name];
  };
}
