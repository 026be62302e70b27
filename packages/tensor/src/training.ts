import type { Scalar, Tensor, Variable } from './tf.js';

/**
 * Scalars that a step reports, by name. They stay on the device: the receiver owns the tensors (they are kept, not
 * tracked by any scope), reads them when it wants to, and disposes them.
 */
export type LogVars = Record<string, Scalar | number>;

/** A total loss and what to report of it; what the function handed to {@link StepContext.step} returns. */
export interface LossResult {
  /** Scalar to differentiate. */
  loss: Scalar;
  /** Reported scalars, `loss` first. Tensors in here must be kept (`tf.keep`). */
  logVars: LogVars;
}

/** What a model's `trainStep` needs of an optimizer wrapper. */
export interface OptimWrapperLike {
  /** Evaluates the loss, its gradients, accumulates, clips and updates; returns the log variables. */
  step(compute: () => LossResult): LogVars;
}

/**
 * How a parameter is laid out in memory compared with PyTorch's state dict; the format code transposes by this tag.
 * `HWIO` ↔ OIHW (convolution filter), `HWOI` ↔ IOHW (transposed convolution), `HWIM` ↔ (I·M)1HW (depthwise filter),
 * `IO` ↔ OI (linear), `none`: the same in both.
 */
export type ParamLayout = 'HWIO' | 'HWOI' | 'HWIM' | 'IO' | 'none';

/**
 * Kind of the module that owns a parameter, for rules such as `normDecayMult`. `deformConv` is for a deformable
 * convolution that holds the convolution of its offsets, as a plugin may have one.
 */
export type ModuleKind = 'norm' | 'conv' | 'depthwiseConv' | 'deformConv' | 'linear' | 'embedding' | 'other';

/** A parameter as the optimizer side sees it. */
export interface ParamRef {
  /** Dotted name from the root, PyTorch's naming: `layer1.0.conv1.weight`. */
  name: string;
  /** Last part of the name: `weight`, `bias`, … */
  leaf: string;
  variable: Variable;
  /** False for a frozen parameter: it gets no gradient and no update. */
  requiresGrad: boolean;
  layout: ParamLayout;
  ownerKind: ModuleKind;
  /** Kind of the module that holds the owner; absent where there is none. */
  holderKind?: ModuleKind | undefined;
}

/** Anything that can list its parameters in a stable order; `nn.Module` is one. */
export interface ParamSource {
  paramRefs(): ParamRef[];
}

/** Named tensors of a component's state beside plain JSON; what checkpoints are made of. */
export interface TensorState {
  tensors: Record<string, Tensor>;
  json: unknown;
}
