import { EngineError } from '@engine/core';

/** What a file is that is no safetensors file, as far as its first bytes tell. */
export function sniff(bytes: Uint8Array): string | undefined {
  const [first = -1, second = -1] = bytes;
  if (first === 0x50 && second === 0x4b) return 'a zip archive, as torch.save writes';
  if (first === 0x80 && second >= 2 && second <= 5) return 'a Python pickle';
  if (first === 0x89 && second === 0x48) return 'an HDF5 file, as Keras writes';
  if (first === 0x47 && second === 0x47) return 'a GGUF file';
  if (first === 0x1f && second === 0x8b) return 'a gzip archive';
  if (first === 0x7b || first === 0x5b) return 'JSON';
  return undefined;
}

/** The error for what another program wrote and `parseWeights` cannot make weights of. Nothing in a pickle is ever run. */
export function foreignCheckpoint(path: string, kind: string): EngineError {
  return new EngineError({
    code: 'E_CHECKPOINT_FOREIGN',
    what: `'${path}' is no checkpoint of this engine.`,
    received: kind,
    expected: 'a checkpoint folder, or a .safetensors or .pth file with weights',
    fix: "convert PyTorch weights in Python: safetensors.torch.save_file(torch.load(path, weights_only=True)['state_dict'], 'model.safetensors')",
    exitCode: 2,
  });
}
