// The schema of a whole config. Some top-level parts may leave their `type` out, or have options of the Runner's beside
// their own: types say so by hand, and so does this.

const LOOPS = {
  trainCfg: ['EpochBasedTrainLoop', { byEpoch: { type: 'boolean' } }],
  valCfg: ['ValLoop', {}],
  testCfg: ['TestLoop', {}],
};

export function wholeConfig(checker, converter, type) {
  const schema = converter.object(type);
  const { properties } = schema;
  const refine = (key, rule) => {
    if (!properties[key]) throw new Error(`the config has no '${key}' any more`);
    const { description } = properties[key];
    properties[key] = { ...(description && { description }), ...rule };
  };
  for (const [key, [fallback, also]] of Object.entries(LOOPS)) {
    refine(key, { 'x-registry': 'LOOPS', 'x-default': fallback, 'x-also': also });
  }
  refine('logProcessor', { 'x-registry': 'LOG_PROCESSORS', 'x-default': 'LogProcessor' });
  refine('visualizer', { 'x-registry': 'VISUALIZERS', 'x-default': 'Visualizer' });
  const wrapper = checker.getNonNullableType(checker.getTypeOfSymbol(type.getProperty('optimWrapper')));
  const single = wrapper.types.find((one) => one.getProperty('paramwiseCfg'));
  refine('optimWrapper', {
    'x-registry': 'OPTIM_WRAPPERS',
    'x-default': 'OptimWrapper',
    'x-also': {
      optimizer: { 'x-registry': 'OPTIMIZERS' },
      constructor: {},
      paramwiseCfg: converter.convert(checker.getTypeOfSymbol(single.getProperty('paramwiseCfg'))),
    },
    'x-many': ['optimizer', 'type', 'constructor'],
  });
  return schema;
}
