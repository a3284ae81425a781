import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto"
import { Either, Schema } from "effect"
import {
  type AuditCheckpointLine,
  AuditEndLine,
  AuditEntryLine,
  AuditHeaderLine,
  auditFormat,
  auditFormatVersion,
  auditGenesis,
  AuditCheckpointLine as CheckpointLine,
  canonicalJson
} from "../api/index.ts"
import type { AuditFault, AuditFaultCode, AuditPins, AuditVerification } from "./AuditVerification.ts"

const exact = { onExcessProperty: "error" } as const
const decodeHeader = Schema.decodeUnknownEither(AuditHeaderLine, exact)
const decodeEntry = Schema.decodeUnknownEither(AuditEntryLine, exact)
const decodeCheckpoint = Schema.decodeUnknownEither(CheckpointLine, exact)
const decodeEnd = Schema.decodeUnknownEither(AuditEndLine, exact)
const Versioned = Schema.Struct({ version: Schema.Number })
const hasVersion = Schema.is(Versioned)
const isObject = Schema.is(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const sha256 = (...parts: ReadonlyArray<Uint8Array | string>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

class Found extends Error {
  readonly fault: AuditFault
  constructor(fault: AuditFault) {
    super(fault.message)
    this.fault = fault
  }
}

/** An Ed25519 key; undefined where the text is not exactly one in PEM. */
const keyOf = (pem: string): KeyObject | undefined => {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyType === "ed25519" && pemOf(key) === pem ? key : undefined
  } catch {
    return undefined
  }
}
/** Compares keys regardless of their line breaks. Text that isn't a key equals nothing. */
const asWritten = (pem: string): string => {
  try {
    return pemOf(createPublicKey(pem))
  } catch {
    return ""
  }
}
const pemOf = (key: KeyObject) => key.export({ format: "pem", type: "spki" }).toString()

export interface AuditVerifier {
  /** Takes the next line, without its end. False where no other line need be read: a fault was found. */
  readonly line: (text: string) => boolean
  /** Reports a line that can't be parsed. */
  readonly unreadable: (message: string) => void
  readonly finish: () => AuditVerification
}

/** Verifies line by line, in constant memory. docs/audit.md says what is verified and what that proves. */
export const makeAuditVerifier = (pins: AuditPins = {}): AuditVerifier => {
  const pinnedKeys = pins.publicKeys?.map(asWritten)
  const pin = pins.checkpoint?.checkpoint
  const keys = new Map<string, KeyObject>()
  let number = 0
  let organization: string | undefined
  let last = { sequence: 0, hash: auditGenesis }
  let checkpoints = 0
  let checkpoint: AuditCheckpointLine | undefined
  let leftOut = 0
  let ended = false
  let fault: AuditFault | undefined

  const fail = (code: AuditFaultCode, message: string, sequence: number | null = null): never => {
    throw new Found({ code, line: number, sequence, message })
  }

  const parse = (text: string): Readonly<Record<string, unknown>> => {
    try {
      const value = JSON.parse(text)
      if (isObject(value) && canonicalJson(value) === text) return value
    } catch {}
    return fail("Malformed", "this is not an object as canonical JSON (RFC 8785)")
  }

  const decoded = <A, E>(result: Either.Either<A, E>, what: string, versioned: unknown): A => {
    if (Either.isRight(result)) return result.right
    if (hasVersion(versioned) && versioned.version > auditFormatVersion) {
      const message = `version ${versioned.version} of the format is not known here: verify it with a newer maxcloud`
      return fail("Unsupported", message)
    }
    return fail("Malformed", `this is not ${what} of version ${auditFormatVersion} of the format`)
  }

  const header = (value: Readonly<Record<string, unknown>>) => {
    if (value["format"] !== auditFormat) fail("Malformed", "an export of the audit log begins with its header")
    const read = decoded(decodeHeader(value), "a header", value)
    for (const { id, publicKey } of read.publicKeys) {
      const key = keyOf(publicKey) ?? fail("Malformed", `the public key ${id} is not an Ed25519 key as SPKI in PEM`)
      if (keys.has(id)) fail("Malformed", `the public key ${id} comes twice`)
      keys.set(id, key)
    }
    if (pin !== undefined && pin.organization !== read.organization) {
      fail("PinMismatch", `the pinned checkpoint is of ${pin.organization}, the export of ${read.organization}`)
    }
    organization = read.organization
  }

  const ofOrganization = (of: string, sequence: number) => {
    if (of !== organization) fail("Foreign", `this is of ${of}, the export of ${organization}`, sequence)
  }

  const entry = (value: Readonly<Record<string, unknown>>) => {
    const { entry: record, hash, opened } = decoded(decodeEntry(value), "an entry", value["entry"])
    const { sequence } = record
    ofOrganization(record.organization, sequence)
    const expected = last.sequence + 1
    if (sequence > expected) {
      const missing = sequence === expected + 1 ? `entry ${expected} is` : `entries ${expected} to ${sequence - 1} are`
      fail("OutOfOrder", `${missing} missing before entry ${sequence}`, sequence)
    }
    if (sequence < expected) fail("OutOfOrder", `entry ${sequence} comes after entry ${last.sequence}`, sequence)
    if (sha256(Buffer.from(last.hash, "hex"), canonicalJson(record)) !== hash) {
      fail("HashMismatch", `entry ${sequence} does not have its hash: it, or its hash, was changed`, sequence)
    }
    for (const field of ["personal", "subject"] as const) {
      const shown = opened[field]
      if (shown !== null && sha256(canonicalJson(shown)) !== record[`${field}Digest`]) {
        fail("OpenedMismatch", `what entry ${sequence} shows as opened (${field}) is not what was sealed`, sequence)
      }
    }
    if (pin?.sequence === sequence && pin.hash !== hash) {
      fail(
        "PinMismatch",
        `entry ${sequence} has another hash than in the pinned checkpoint: history was rewritten`,
        sequence
      )
    }
    last = { sequence, hash }
  }

  const checked = (value: Readonly<Record<string, unknown>>) => {
    const read = decoded(decodeCheckpoint(value), "a checkpoint", value["checkpoint"])
    const { checkpoint: signed, signature } = read
    const { keyId, sequence } = signed
    ofOrganization(signed.organization, sequence)
    const key = keys.get(keyId) ?? fail("UnknownKey", `the header has no public key ${keyId}`, sequence)
    if (pinnedKeys !== undefined && !pinnedKeys.includes(pemOf(key))) {
      fail("UnknownKey", `the checkpoint is signed by ${keyId}, which is not a pinned public key`, sequence)
    }
    const bytes = Buffer.from(signature, "base64")
    if (bytes.toString("base64") !== signature || !verify(null, Buffer.from(canonicalJson(signed)), key, bytes)) {
      fail("BadSignature", `the checkpoint of entry ${sequence} is not signed by ${keyId}`, sequence)
    }
    if (sequence > last.sequence) {
      fail("Truncated", `entries up to ${sequence} are signed for, but entry ${last.sequence + 1} is missing`, sequence)
    }
    if (sequence < last.sequence) {
      fail("OutOfOrder", `the checkpoint of entry ${sequence} comes after entry ${last.sequence}`, sequence)
    }
    if (signed.hash !== last.hash) {
      fail("CheckpointMismatch", `entry ${sequence} has another hash than was signed: history was rewritten`, sequence)
    }
    checkpoints++
    checkpoint = read
  }

  const end = (value: Readonly<Record<string, unknown>>) => {
    const { end: said } = decoded(decodeEnd(value), "an end", undefined)
    if (checkpoint?.checkpoint.sequence !== last.sequence) {
      fail("Truncated", `no checkpoint covers the end: the last entry is ${last.sequence}`, last.sequence)
    }
    if (said.entries !== last.sequence || said.checkpoints !== checkpoints) {
      const has = `${last.sequence} entries and ${checkpoints} checkpoints`
      fail(
        "Truncated",
        `the end tells of ${said.entries} entries and ${said.checkpoints} checkpoints, there are ${has}`
      )
    }
    if (pin !== undefined && pin.sequence > last.sequence) {
      const message = `the pinned checkpoint is of entry ${pin.sequence}, the chain ends at ${last.sequence}`
      fail("PinMismatch", message, last.sequence)
    }
    leftOut = said.leftOut ?? 0
    ended = true
  }

  const take = (text: string) => {
    if (ended) fail("Malformed", "there is more after the end")
    const value = parse(text)
    if (organization === undefined) header(value)
    else if ("entry" in value) entry(value)
    else if ("checkpoint" in value) checked(value)
    else if ("end" in value) end(value)
    else fail("Malformed", "this is neither an entry nor a checkpoint nor the end")
  }

  const guarded = (run: () => void): boolean => {
    if (fault !== undefined) return false
    try {
      run()
      return true
    } catch (error) {
      if (!(error instanceof Found)) throw error
      fault = error.fault
      return false
    }
  }

  return {
    line: (text) => {
      number++
      return guarded(() => take(text))
    },
    unreadable: (message) => {
      number++
      guarded(() => fail("Malformed", message))
    },
    finish: () => {
      guarded(() => {
        number++
        if (!ended) fail("Truncated", "the end is missing", last.sequence)
      })
      if (fault !== undefined) return { ok: false, fault }
      if (organization === undefined || checkpoint === undefined) throw new Error("an end without a beginning")
      const pinned = { publicKey: pinnedKeys !== undefined, checkpoint: pin !== undefined }
      return { ok: true, organization, entries: last.sequence, checkpoints, leftOut, checkpoint, pinned }
    }
  }
}
