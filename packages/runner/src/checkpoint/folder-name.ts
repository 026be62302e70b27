import { badValue } from '@engine/core';
import type { CheckpointMeta } from './content.js';

/** Names of checkpoint folders unless `filenameTmpl` says otherwise: they sort by iteration. */
export const DEFAULT_TEMPLATE = 'step_{iter:6}';

/** A place for a number: `{}`, `{iter}`, `{epoch}`, with a width to which zeros are added: `{iter:6}`. */
const PLACE = /\{(iter|epoch)?(?::(\d{1,2}))?\}/g;

/** @throws E_CONFIG_VALUE for a template that would give all checkpoints one name, or names that are none */
export function checkTemplate(option: string, template: unknown): string {
  const fix = 'epoch_{}, or the like: {} is the number of epochs or iterations, {iter:6} one of six digits';
  if (typeof template !== 'string') throw badValue(option, template, fix);
  const rest = template.replace(PLACE, '');
  const reserved = /^(last|latest|best_.*)$|\.(tmp|old)-/.test(template);
  if (rest === template || /[{}/\\\0]/.test(rest) || template.startsWith('.') || reserved)
    throw badValue(option, template, fix);
  return template;
}

/** Name of the folder of a checkpoint. @param unit what `{}` stands for */
export function folderName(
  template: string,
  unit: 'epoch' | 'iter',
  { epoch, iter }: Pick<CheckpointMeta, 'epoch' | 'iter'>,
): string {
  const counts = { epoch, iter };
  return template.replace(PLACE, (_, name: 'epoch' | 'iter' | undefined, width: string | undefined) =>
    String(counts[name ?? unit]).padStart(Number(width ?? 0), '0'),
  );
}
