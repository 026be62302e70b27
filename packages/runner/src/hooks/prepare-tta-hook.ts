import { badValue, checkKeys, HOOKS, isComponentConfig, MODELS, register } from '@engine/core';
import { BaseTTAModel, type BaseModel } from '@engine/nn';
import { Hook } from '../hook.js';
import type { Run } from '../run.js';

export interface PrepareTTAHookOptions {
  /** Config of the model that merges predictions, without its `module`: `{ type: 'MyTTAModel' }`. */
  ttaCfg: { type: unknown; [option: string]: unknown };
  priority?: number | string;
}

/**
 * Tests with test-time augmentation: during a test the run's model is wrapped in the one that merges the predictions of
 * all augmented views ({@link BaseTTAModel}). Weights are loaded before that, under the names of the model itself.
 */
@register(HOOKS)
export class PrepareTTAHook extends Hook {
  private readonly ttaCfg: PrepareTTAHookOptions['ttaCfg'];
  private inner: BaseModel | undefined;

  /** @throws E_CONFIG_UNKNOWN_KEY, E_CONFIG_VALUE */
  constructor(options: PrepareTTAHookOptions) {
    super();
    checkKeys('PrepareTTAHook', options, ['ttaCfg', 'priority']);
    if (!isComponentConfig(options.ttaCfg)) {
      throw badValue(
        'PrepareTTAHook.ttaCfg',
        options.ttaCfg,
        "a model's config such as { type: 'MyTTAModel' }",
      );
    }
    this.ttaCfg = options.ttaCfg;
  }

  /** @throws E_CONFIG_VALUE when the config builds no BaseTTAModel */
  override beforeTest(run: Run): void {
    const model: unknown = MODELS.build<BaseModel>(this.ttaCfg as never, {
      container: run.container,
      path: 'ttaModel',
      defaults: { module: run.model },
    });
    if (!(model instanceof BaseTTAModel))
      throw badValue('ttaModel', model, 'a class that extends BaseTTAModel');
    this.inner = run.exchangeModel(model);
  }

  override afterTest(run: Run): void {
    if (this.inner) run.exchangeModel(this.inner);
    this.inner = undefined;
  }
}

declare module '@engine/core' {
  interface HookTypes {
    PrepareTTAHook: PrepareTTAHookOptions;
  }
}
