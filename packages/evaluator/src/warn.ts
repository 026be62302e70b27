/**
 * Warns through Node's warning channel, which prints to stderr and can be listened to (`process.on('warning')`).
 * @param code stable name, `W_AREA_REASON`
 */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'EngineWarning', code });
}
