/** 32 bytes in base64, with optional white space around them; undefined if it isn't that. */
export const keyFromBase64 = (written: string): Uint8Array | undefined => {
  const text = written.trim()
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined
  return Buffer.from(text, "base64")
}
