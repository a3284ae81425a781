/** 32 bytes in base64, with white space around them; undefined where it is none. */
export const keyFromBase64 = (written: string): Uint8Array | undefined => {
  const text = written.trim()
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined
  return Buffer.from(text, "base64")
}

/** Variables that hold a key, or open something. Programs that this server starts must not inherit them. */
const holding = [
  "MAXCLOUD_MASTER_KEY",
  "MAXCLOUD_MASTER_KEYS_FORMER",
  "MAXCLOUD_VAULT_TOKEN",
  "MAXCLOUD_LOGS_LOKI_PASSWORD",
  "MAXCLOUD_LOGS_LOKI_TOKEN"
]

/** Forgets the variables of the environment that hold keys, once they are read. */
export const forgetKeysInEnvironment = () => {
  for (const name of holding) delete process.env[name]
}
