import { createHash, randomBytes } from "node:crypto"
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { codeOf } from "../database/DatabaseError.ts"
import { SecretsError } from "./Secrets.ts"

export interface SecretKey {
  readonly bytes: Buffer
  /** Tells keys apart without giving anything of them away. */
  readonly id: string
}

const read = (file: string): SecretKey | undefined => {
  try {
    const bytes = readFileSync(file)
    if (bytes.length !== 32) {
      throw new SecretsError({ message: `${file} is no key: it has ${bytes.length} bytes, not 32. Restore it.` })
    }
    return { bytes, id: createHash("sha256").update("maxcloud key id").update(bytes).digest("hex").slice(0, 16) }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** The key in `<dataDir>/secret.key`; made where there is none and `mayMake`, and never written over. Throws a `SecretsError`. */
export const secretKey = (dataDir: string, mayMake: boolean): SecretKey => {
  const file = join(dataDir, "secret.key")
  try {
    const existing = read(file)
    if (existing !== undefined) return existing
    if (!mayMake) {
      throw new SecretsError({
        message: `The key of the secrets is missing: restore ${file} from a copy. Without it the secrets in the database cannot be read, and must be set again after they are deleted.`
      })
    }
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    const draft = `${file}.${process.pid}`
    writeFileSync(draft, randomBytes(32), { mode: 0o600, flag: "wx" })
    try {
      // A link does not replace what is there: of two servers that start at once, both take the first one's key.
      linkSync(draft, file)
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error
    } finally {
      rmSync(draft, { force: true })
    }
    return secretKey(dataDir, false)
  } catch (cause) {
    if (cause instanceof SecretsError) throw cause
    throw new SecretsError({
      message: `The key of the secrets, ${file}, cannot be read or made: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause
    })
  }
}
