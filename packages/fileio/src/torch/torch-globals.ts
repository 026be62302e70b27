import { PickleGlobal } from '../pickle/pickle-values.js';
import { numpyGlobal } from './numpy-objects.js';
import { STORAGE_DTYPES, TORCH_DTYPES, TorchStorage, TorchTensor, torchCorrupt } from './torch-tensor.js';

function tensor(file: string | undefined, args: readonly unknown[], dtype?: unknown): TorchTensor {
  const [storage, ...view] = args;
  if (!(storage instanceof TorchStorage)) throw torchCorrupt(file, 'a tensor in it has no storage');
  const named = dtype instanceof PickleGlobal ? TORCH_DTYPES[dtype.name] : undefined;
  if (dtype !== undefined && named === undefined)
    throw torchCorrupt(
      file,
      'a tensor in it has an element type not known here',
      String((dtype as PickleGlobal).name),
    );
  return new TorchTensor(storage, view, named ?? storage.dtype, file);
}

/** The classes and functions of torch that stand in files of weights, each with a harmless meaning. */
export function torchGlobal(name: string, file: string | undefined): PickleGlobal | undefined {
  const make = (call: (args: readonly unknown[]) => unknown): PickleGlobal => new PickleGlobal(name, call);
  if (Object.hasOwn(STORAGE_DTYPES, name) || Object.hasOwn(TORCH_DTYPES, name)) {
    return make(() => {
      throw torchCorrupt(file, `it makes an instance of ${name}, which is only a name here`);
    });
  }
  switch (name) {
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return make((args) => tensor(file, args));
    case 'torch._utils._rebuild_tensor_v3':
      return make((args) => tensor(file, args, args[6]));
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
      return make(([data]) => data);
    case 'torch._tensor._rebuild_from_type_v2':
      return make(([rebuild, , args]) =>
        rebuild instanceof PickleGlobal && Array.isArray(args) ? rebuild.call(args) : undefined,
      );
    case 'torch.Size':
      return make(([sizes]) => (Array.isArray(sizes) ? [...(sizes as unknown[])] : []));
    case 'torch.device':
      return make((parts) => parts.map(String).join(':'));
    case 'torch.Tensor':
    case 'torch.nn.parameter.Parameter':
      return make(([data]) => data);
    default:
      return numpyGlobal(name, file);
  }
}
