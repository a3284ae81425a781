import { randomBytes } from "node:crypto"
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { errorText } from "../host/systemFault.ts"
import { errorCode } from "../node/errorCode.ts"
import { keyFromBase64 } from "../settings/keyFromBase64.ts"
import { type HeldKey, heldKey } from "./heldKey.ts"
import { MasterKeyError } from "./MasterKey.ts"

const keyLength = 32

const orFail = <A>(file: string, make: () => A) =>
  Effect.try({
    try: make,
    catch: (cause) =>
      cause instanceof MasterKeyError
        ? cause
        : new MasterKeyError({
            reason: "unreachable",
            message: `Couldn't read or create the secrets' key ${file}. ${errorText(cause, file)}`,
            cause
          })
  })

const noKey = (file: string, length: number) =>
  new MasterKeyError({ reason: "wrong", message: `${file} isn't a key: it has ${length} bytes, not 32. Restore it.` })

const read = (file: string): HeldKey | undefined => {
  try {
    const bytes = readFileSync(file)
    if (bytes.length !== keyLength) throw noKey(file, bytes.length)
    return heldKey(`the key in ${file}`, bytes)
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined
    throw error
  }
}

const readOrMake = (file: string, dataDir: string, mayMake: boolean): HeldKey => {
  const existing = read(file)
  if (existing !== undefined) return existing
  if (!mayMake) {
    throw new MasterKeyError({
      reason: "missing",
      message: `The secrets' key is missing. Restore ${file} from a copy. The secrets in the database can't be read without it.`
    })
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, randomBytes(keyLength), { mode: 0o600, flag: "wx" })
  try {
    // A link never replaces an existing file: if two servers start at once, both use the first one's key.
    linkSync(draft, file)
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readOrMake(file, dataDir, false)
}

const fileIn = (dataDir: string) => join(dataDir, "secret.key")

/** Reads the key in `<dataDir>/secret.key`. Creates it if it's missing and `mayMake`, and never overwrites it. */
export const dataFolderKey = (dataDir: string, mayMake: boolean) =>
  orFail(fileIn(dataDir), () => readOrMake(fileIn(dataDir), dataDir, mayMake))

/** The key in `<dataDir>/secret.key`, if there is one. */
export const existingDataFolderKey = (dataDir: string) => orFail(fileIn(dataDir), () => read(fileIn(dataDir)))

/** The key in a file created by others: 32 bytes, or these in base64. The file must not be readable by all users. */
export const keyFile = (file: string) =>
  orFail(file, () => {
    if ((statSync(file).mode & 0o007) !== 0) {
      throw new MasterKeyError({
        reason: "wrong",
        message: `Every user of this machine can read the master key ${file}. Deny other users access (\`chmod o= ${file}\`).`
      })
    }
    const bytes = readFileSync(file)
    const key = bytes.length === keyLength ? bytes : keyFromBase64(bytes.toString("latin1"))
    if (key === undefined) {
      throw new MasterKeyError({
        reason: "wrong",
        message: `${file} isn't a master key: it has ${bytes.length} bytes. A key has 32 bytes, or is these in base64 (\`openssl rand -base64 32\`).`
      })
    }
    return heldKey(`the key in ${file}`, key)
  })
